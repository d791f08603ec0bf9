"""What the name of a data set says."""

import pytest

from crl_data.ogbench.names import OgbenchName, is_ogbench, known_names
from crl_robot.errors import ConfigError


@pytest.mark.parametrize(
    ("task", "environment", "kind", "visual"),
    [
        ("ogbench/pointmaze-medium-navigate-v0", "pointmaze-medium-v0", "navigate", False),
        ("ogbench/visual-antmaze-giant-stitch-v0", "visual-antmaze-giant-v0", "stitch", True),
        ("ogbench/scene-play-v0", "scene-v0", "play", False),
        ("ogbench/visual-puzzle-4x5-noisy-v0", "visual-puzzle-4x5-v0", "noisy", True),
    ],
)
def test_a_name_says_which_environment_and_which_data(task, environment, kind, visual):
    name = OgbenchName.parse(task)
    assert (name.environment, name.kind, name.visual, name.task) == (environment, kind, visual, task)


@pytest.mark.parametrize(
    ("dataset", "steps"),
    [
        ("pointmaze-giant-navigate-v0", 2001),
        ("antmaze-large-explore-v0", 501),
        ("humanoidmaze-giant-navigate-v0", 4001),
        ("humanoidmaze-medium-stitch-v0", 401),
        ("antsoccer-arena-stitch-v0", 201),
        ("cube-triple-noisy-v0", 1001),
    ],
)
def test_episodes_are_as_long_as_the_published_ones(dataset, steps):
    assert OgbenchName.parse(dataset).steps == steps


@pytest.mark.parametrize(
    "dataset", ["antmaze-giant-explore-v0", "visual-pointmaze-medium-navigate-v0", "cube-single-play-singletask-v0"]
)
def test_a_data_set_that_does_not_exist_is_refused(dataset):
    with pytest.raises(ConfigError, match=r"no goal-conditioned data set.*did you mean"):
        OgbenchName.parse(f"ogbench/{dataset}")
    with pytest.raises(ConfigError, match="such as ogbench/pointmaze-medium-navigate-v0"):
        OgbenchName.parse("ogbench/qq")


def test_only_names_with_the_prefix_are_ogbench_tasks():
    assert is_ogbench("ogbench/scene-play-v0")
    assert not is_ogbench("reach")


def test_the_package_has_the_environment_of_every_name(package):
    from gymnasium.envs.registration import registry

    assert {name.environment for name in known_names()} <= set(registry)
