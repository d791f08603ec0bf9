import numpy as np
import pytest
import yaml

from crl_robot.errors import ConfigError
from crl_robot.kinematics import HOME_Q, JOINT_NAMES, Kinematics
from crl_robot.resources import config_file
from crl_robot.widowx.servo_table import SHIPPED, load_servo_table, table_from_dict


@pytest.fixture
def data():
    return yaml.safe_load(config_file("servos/wx250s.yaml").read_text())


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_table_is_sound(name):
    table = load_servo_table(name)
    assert table.name == name
    assert table.baud == 1_000_000
    for shadow in table.shadows:
        helped = table.by_name(table.joint_of(shadow))
        assert (shadow.low, shadow.high) == (helped.low, helped.high)
        assert shadow.reverse != helped.reverse


def test_the_wx250s_is_the_arm_of_the_kinematics():
    table = load_servo_table("wx250s")
    assert table.joint_names == JOINT_NAMES
    np.testing.assert_allclose(table.joint_limits, Kinematics().joint_limits, atol=2e-3)
    np.testing.assert_allclose(table.poses["home"], HOME_Q)
    assert [s.servo_id for s in table.servos] == [1, 2, 4, 6, 7, 8, 3, 5, 9]
    assert [s.shadows for s in table.shadows] == [2, 4]


def test_a_table_of_ones_own_is_read_from_its_file(tmp_path, data):
    data["name"] = "mine"
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data))
    assert load_servo_table(path).name == "mine"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'wx250s'"):
        load_servo_table("wx250ss")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(bauds=1), "unknown key 'bauds' in the table, did you mean 'baud'"),
        (lambda d: d.pop("gripper"), "lacks gripper"),
        (lambda d: d["joints"]["waist"].update(modell="x"), "unknown key 'modell' in servo 'waist'"),
        (lambda d: d["joints"]["waist"].update(model="XM430-W35"), "did you mean 'XM430-W350'"),
        (lambda d: d["joints"]["waist"].update(id=2), "twice"),
        (lambda d: d["joints"]["waist"].update(id=300), "0 to 252"),
        (lambda d: d["joints"]["waist"].update(limits=[3000, 100]), "0 to 4095"),
        (lambda d: d["joints"]["waist"].update(reverse="yes"), "true or false"),
        (lambda d: d["shadows"]["elbow_shadow"].update(shadows=8 + 1), "expected the ID of a joint"),
        (lambda d: d["poses"].update(home=[0, 0]), "expected 6 angles"),
        (lambda d: d["poses"].update(sleep=[0, -3, 0, 0, 0, 0]), "puts 'shoulder'"),
        (lambda d: d["poses"].pop("sleep"), "no pose 'sleep'"),
        (lambda d: d["gripper"]["linkage"].update(rod=1), "unknown key 'rod'"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(data, change, message):
    change(data)
    with pytest.raises(ConfigError, match=message):
        table_from_dict(data)


@pytest.mark.parametrize("text", ["- 1", "a: [", "", "joints: 3"])
def test_a_file_that_is_no_table_is_refused_with_its_name(tmp_path, text):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="broken"):
        load_servo_table(path)
