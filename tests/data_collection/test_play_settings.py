import pytest

from crl_data.settings import PlaySettings
from crl_robot.errors import ConfigError


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
    ],
)
def test_a_word_that_cannot_be_used_is_refused_with_a_hint(word, message):
    with pytest.raises(ConfigError, match=message):
        PlaySettings.from_words(["out=a.zarr", word])
