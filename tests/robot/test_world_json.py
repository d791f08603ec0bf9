import pytest

from crl_robot.errors import ConfigError
from crl_robot.sim.world_json import world_from_json
from crl_robot.sim.world_options import WorldOptions


def test_nothing_is_the_world_as_it_is_modelled():
    assert world_from_json("") == world_from_json("{}") == WorldOptions()


def test_options_are_taken_with_lists_as_tuples():
    world = world_from_json('{"servo_gain": 0.7, "camera_offset": [0.01, 0, 0]}')
    assert world == WorldOptions(servo_gain=0.7, camera_offset=(0.01, 0, 0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected JSON"),
        ("[1]", "expected a JSON object"),
        ('{"servo_gian": 1}', "did you mean 'servo_gain'"),
        ('{"servo_gain": 100}', "expected a value of 0.05 to 10"),
        ('{"servo_gain": "much"}', "the world is"),
    ],
)
def test_what_is_no_world_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        world_from_json(text)
