"""Settings of an arm behind ros2_control, and those that are refused."""

from dataclasses import replace

import pytest

pytest.importorskip("rclpy")

import rclpy
from fake_ros2_control import CLOSED, FINGER, MODEL
from rclpy.parameter import Parameter
from ros2_control_rig import JOINTS

from crl_robot.arm_model import ArmModel
from crl_robot.errors import ConfigError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.ros2_control_arm import Ros2ControlArm
from crl_robot.nodes.ros2_control_settings import Ros2ControlParameters

pytestmark = pytest.mark.ros


def test_a_node_that_would_hear_its_own_joint_states_is_refused(settings):
    node = rclpy.create_node("arm")
    with pytest.raises(ConfigError, match="start the node in a namespace"):
        Ros2ControlArm(node, settings)
    node.destroy_node()


def test_the_parameters_of_a_node_make_the_settings(model):
    given = {
        "model": model.file,
        "ros2_control.joints": list(JOINTS),
        "ros2_control.home": [0.1, 0.2, 0.3],
        "ros2_control.command_topic": "/arm_controller/command",
        "ros2_control.command_type": "forward",
        "ros2_control.gripper_joint": FINGER,
        "ros2_control.joint_speed": 1.5,
    }
    node = parameterized(given)
    settings = Ros2ControlParameters(node).settings(model.file, "tool")
    node.destroy_node()
    assert settings.model == ArmModel(model.file, JOINTS, (0.1, 0.2, 0.3))
    assert (settings.command_type, settings.gripper_joint, settings.joint_speed) == ("forward", FINGER, 1.5)


def test_a_model_that_is_not_there_is_refused():
    node = parameterized({})
    with pytest.raises(ConfigError, match="expected the MJCF file of your arm"):
        Ros2ControlParameters(node).settings("", "tool")
    node.destroy_node()


@pytest.mark.parametrize(
    "wrong",
    [
        {"command_type": "velocity"},
        {"command_topic": ""},
        {"silence_s": 0.0},
        {"gripper_joint": ""},
        {"gripper_joint": "pan"},
        {"gripper_open": CLOSED},
        {"max_lead_rad": float("nan")},
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings, wrong):
    with pytest.raises(ConfigError, match="expected"):
        replace(settings, **wrong)


def test_a_joint_without_a_range_is_refused(node, settings, tmp_path):
    file = tmp_path / "endless.xml"
    file.write_text(MODEL.replace(' range="-3 3"', ""))
    with pytest.raises(ConfigError, match=r"'pan' of .* has no range"):
        Ros2ControlArm(node, replace(settings, model=replace(settings.model, file=str(file))))


def parameterized(values):
    node = CrlNode("arm_settings")
    node._parameter_overrides.update({name: Parameter(name, value=value) for name, value in values.items()})
    return node
