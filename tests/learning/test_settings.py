from dataclasses import dataclass

import pytest

from crl_learning.settings import load_settings
from crl_robot.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    light: float = 1.0


@dataclass(frozen=True)
class Outer:
    episodes: int
    name: str | None
    inner: Inner

    def __post_init__(self) -> None:
        if self.episodes < 1:
            raise ConfigError("episodes must be at least 1")


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "outer.yaml"
    path.write_text("defaults:\n  - outer_schema\n  - _self_\nepisodes: 5\nname: null\n")
    return path


def test_yaml_gives_the_defaults_and_words_override_them(config):
    assert load_settings(Outer, config, []) == Outer(5, None, Inner())
    assert load_settings(Outer, config, ["episodes=7", "name=a", "inner.light=0.5"]) == Outer(7, "a", Inner(0.5))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("epsiodes=3", "did you mean 'episodes'"),
        ("inner.ligth=3", "did you mean 'light'"),
        ("episodes=many", "Integer"),
        ("episodes", "key=value"),
        ("=3", "key=value"),
        ("~episodes", "key=value"),
        ("+colour=red", "key=value"),
        ("episodes=0", "at least 1"),
    ],
)
def test_words_that_are_no_setting_are_refused_with_a_hint(config, word, message):
    with pytest.raises(ConfigError, match=message):
        load_settings(Outer, config, [word])


def test_a_yaml_key_that_the_dataclass_lacks_is_refused(config):
    config.write_text(config.read_text() + "colour: red\n")
    with pytest.raises(ConfigError, match="colour"):
        load_settings(Outer, config, [])
