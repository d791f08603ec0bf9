"""Trials in worlds that differ from one to the next."""

import numpy as np
import pytest

from crl_learning.actors import Subject
from crl_learning.direct_runner import DirectRunner
from crl_learning.eval_config import EvalConfig
from crl_learning.settings import load_settings
from crl_robot.errors import ConfigError
from crl_robot.resources import config_file
from crl_robot.sim.randomisation_file import load_randomisation

TRIALS = 2
STILL = Subject(policy="still")


def first_frames(ranges, goal_live=False):
    """Live picture and goal image (H, W, 3) at the start of each trial."""
    runner = DirectRunner("reach", STILL, ranges=load_randomisation(ranges), goal_live=goal_live)
    films = [[] for _ in range(TRIALS)]
    for index, film in enumerate(films):
        runner.run(5, index, film)
    runner.close()
    width = films[0][0].shape[1] // 2
    return [(film[0][:, :width], film[0][:, width:]) for film in films]


@pytest.fixture(scope="module")
def plain():
    return first_frames("none")


def test_every_trial_has_a_world_of_its_own_and_the_usual_goal_image(plain):
    varied = first_frames("look")
    for (live, goal), (usual, usual_goal) in zip(varied, plain, strict=True):
        assert np.abs(live.astype(int) - usual).mean() > 5
        np.testing.assert_array_equal(goal, usual_goal)


def test_a_live_goal_is_taken_in_the_world_of_the_trial(plain):
    live, goal = first_frames("look", goal_live=True)[0]
    assert np.abs(goal.astype(int) - plain[0][1]).mean() > 5
    corner = (slice(0, 8), slice(0, 8))
    np.testing.assert_array_equal(goal[corner], live[corner])


def settings(*words):
    return load_settings(EvalConfig, config_file("eval.yaml"), ["policy=still", *words])


def test_a_randomisation_is_chosen_and_changed_on_the_command_line():
    config = settings(
        "randomisation=full", "randomisation.light.factor=[0.8,0.9]", "randomisation.camera.enabled=false"
    )
    assert config.randomisation == load_randomisation("full", {"light.factor": "[0.8,0.9]", "camera.enabled": "false"})
    assert config.jobs()[0].ranges == config.randomisation


@pytest.mark.parametrize("name", ["none", "look", "dynamics", "full"])
def test_both_commands_read_the_same_file_alike(name):
    assert settings(f"randomisation={name}").randomisation == load_randomisation(name)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["randomisation=ful"], "did you mean 'full'"),
        (["randomisation.light.factr=[1,2]"], "did you mean 'factor'"),
        (["randomisation.light.factor=[2,1]"], "low, high"),
        (["goal_world=liv"], "did you mean 'live'"),
        (["randomisation=look", "via=ros", "policy=null", "checkpoint=models/reach"], "need via=direct"),
    ],
)
def test_what_cannot_be_varied_is_refused_with_a_hint(words, message):
    with pytest.raises(ConfigError, match=message):
        settings(*words)
