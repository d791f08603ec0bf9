from dataclasses import dataclass

import pytest

from crl_learning.config import load_train_config
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
        ("episodes=many", "^episodes=many, expected a whole number; see"),
        ("episodes=null", "^episodes=null, expected a whole number; see"),
        ("episodes=1,2", "each to one value"),
        ("inner.light=x", r"^inner\.light=x, expected a number; see"),
        ("inner=3", "inner is a group of settings"),
        ("name=a(b", "two pairs of quotes"),
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


def test_settings_that_must_be_given_are_named_without_words_of_hydra(config):
    config.write_text(config.read_text().replace("name: null", "name: ???"))
    with pytest.raises(ConfigError, match=r"^name must be given, as name=\.\.\.; see --help and ") as caught:
        load_settings(Outer, config, [])
    assert "full_key" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "^data and out must be given"),
        (["data=a", "out=b", "algorithm=sac"], "^algorithm is 'sac'; known: crl, .*gcbc, .*stable_crl.*$"),
        (["data=a", "out=b", "algorithm=gcb"], "^algorithm is 'gcb'; did you mean 'gcbc'"),
        (
            ["data=a", "out=b", "image.size=[a,b]"],
            r"^image\.size=\[a,b\], expected a list of numbers such as \[1,2\]; ",
        ),
        (
            ["data=a", "out=b", "colour_jitter=[a]"],
            r"^colour_jitter=\[a\], expected a list of numbers such as \[1,2\]; ",
        ),
        (["data=a", "out=b", "image.more_cameras=a"], r"more_cameras=a, expected a list of words such as \[a,b\]; "),
    ],
)
def test_settings_of_training_are_refused_in_words_of_the_command_line(words, message):
    with pytest.raises(ConfigError, match=message):
        load_train_config(words)


def test_a_yaml_key_that_the_dataclass_lacks_is_refused(config):
    config.write_text(config.read_text() + "colour: red\n")
    with pytest.raises(ConfigError, match="colour"):
        load_settings(Outer, config, [])
