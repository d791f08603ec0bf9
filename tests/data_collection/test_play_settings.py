import pytest

from crl_data.settings import PlaySettings
from crl_robot.errors import ConfigError
from crl_robot.robots import SAWYER_ROBOT, WIDOWX
from crl_robot.sim.play_options import TASK_NAMES


def test_words_are_converted_to_the_types_of_the_defaults():
    words = ["out=a.zarr", "task=push", "episodes=3", "resume=true", "cameras=[over_shoulder,wrist]", "push_share=0"]
    settings = PlaySettings.from_words(words)
    assert (settings.out, settings.task, settings.episodes, settings.resume) == ("a.zarr", "push", 3, True)
    assert settings.push_share == 0.0
    assert settings.camera_names == ("over_shoulder", "wrist")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("epsodes=3", "did you mean 'episodes'"),
        ("episodes", "key=value"),
        ("episodes=many", "whole number"),
        ("episodes=0", "at least 1"),
        ("robot=sawyr", "did you mean 'sawyer'"),
        ("task=rech", "did you mean 'reach'"),
        ("encoding=jpg", "did you mean 'jpeg'"),
        ("resume=maybe", "true or false"),
        ("cameras=a,,b", "separated by commas"),
        ("out=", "out is missing"),
        ("push_share=1.5", "from 0 to 1"),
        ("push_share=nan", "from 0 to 1"),
        ("push_share=half", "expected a number"),
        ("steps=1", "at least 2"),
        ("policy=oracl", "did you mean 'oracle'"),
        ("policy=oracle", "no demonstrations of task=play"),
        ("randomisation=ful", "did you mean 'full'"),
        ("randomisation.light.factor=2", "low, high"),
        ("randomisation.lights.factor=[1,2]", "did you mean 'light'"),
    ],
)
def test_a_word_that_cannot_be_used_is_refused_with_a_hint(word, message):
    with pytest.raises(ConfigError, match=message):
        PlaySettings.from_words(["out=a.zarr", word])


def test_a_randomisation_is_a_file_with_changes():
    words = [
        "out=a.zarr",
        "randomisation=look",
        "randomisation.light.enabled=false",
        "randomisation.camera.fovy_deg=[0,1]",
    ]
    ranges = PlaySettings.from_words(words).randomisation
    assert "light" not in ranges.groups
    assert ranges.camera.fovy_deg == (0, 1)


def test_tasks_are_demonstrated_and_play_is_played():
    assert PlaySettings.from_words(["out=a.zarr", "task=reach"]).demonstrates
    assert PlaySettings.from_words(["out=a.zarr", "task=all", "policy=oracle"]).demonstrates
    assert not PlaySettings.from_words(["out=a.zarr", "task=all"]).demonstrates
    with pytest.raises(ConfigError, match="use policy=oracle"):
        PlaySettings.from_words(["out=a.zarr", "task=reach", "policy=play"])


def test_the_task_names_of_the_command_line_are_those_of_the_robots():
    known = {name for robot in (WIDOWX, SAWYER_ROBOT) for name in robot.tick_limits}
    assert known <= set(TASK_NAMES)
