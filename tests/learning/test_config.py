import pytest

from crl_learning.config import load_train_config
from crl_learning.train_cli import main
from crl_robot.errors import ConfigError
from crl_robot.image_spec import ImageSpec

NEEDED = ["data=play.zarr", "out=runs/x"]


def test_stable_crl_is_the_default_and_gcbc_is_one_word():
    assert load_train_config(NEEDED).algorithm.name == "stable_crl"
    gcbc = load_train_config([*NEEDED, "algorithm=gcbc"]).algorithm
    assert (gcbc.name, gcbc.goals, gcbc.critic_term) == ("gcbc", "uniform", False)


def test_nested_settings_are_set_by_their_path():
    config = load_train_config([*NEEDED, "algorithm.bc_coef=0.2", "network.channels=[1,2,3]", "steps=7"])
    assert config.algorithm.bc_coef == 0.2
    assert config.network.channels == (1, 2, 3)
    assert config.steps == 7


def test_the_image_settings_are_those_of_the_robot_unless_told():
    assert load_train_config(NEEDED).image.spec() == ImageSpec()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("stepz=3", "unknown setting 'stepz'; did you mean 'steps'"),
        ("algorithm.bc_coeff=0.1", "did you mean 'bc_coef'"),
        ("steps=many", "steps"),
        ("algorithm=gcbx", "algorithm is 'gcbx'; did you mean 'gcbc'"),
        ("labels=achievd", "labels is 'achievd'; did you mean 'achieved'"),
        ("batch_size=1", "batch_size is 1, expected at least 2"),
        ("algorithm.gamma=1.0", r"algorithm\.gamma is 1\.0"),
        ("validation=1", "validation is 1"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(word, message):
    with pytest.raises(ConfigError, match=message):
        load_train_config([*NEEDED, word])


def test_gcbc_with_a_critic_term_is_refused():
    with pytest.raises(ConfigError, match="gcbc has no critic"):
        load_train_config([*NEEDED, "algorithm=gcbc", "algorithm.critic_term=true"])


def test_the_command_refuses_an_unknown_setting_with_code_2(capsys):
    assert main([*NEEDED, "sed=1"]) == 2
    assert "did you mean 'seed'?" in capsys.readouterr().err


def test_help_shows_every_setting(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "checkpoint_every" in shown
    assert "critic_term" in shown
    assert all(name in shown for name in ("subgoal_steps", "own_goal_encoder", "hiql_ogbench"))


def test_cameras_that_the_network_does_not_expect_are_refused():
    with pytest.raises(ConfigError, match=r"network\.cameras is 1, expected 2, as in image"):
        load_train_config([*NEEDED, "image.more_cameras=[wrist]"])


def test_hiql_sees_the_crops_that_it_clones():
    with pytest.raises(ConfigError, match="critic_sees_crop is false, expected true for hiql"):
        load_train_config([*NEEDED, "algorithm=hiql", "critic_sees_crop=false"])
