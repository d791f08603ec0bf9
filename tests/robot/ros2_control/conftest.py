"""Fake controllers of ros2_control, and drivers connected to them that are closed at the end."""

import os
from dataclasses import replace

import pytest

pytest.importorskip("rclpy")

import rclpy
from fake_ros2_control import CLOSED, FINGER, MODEL, OPEN, FakeRos2Control
from ros2_control_rig import DEADLINE_S, JOINTS

from crl_robot.arm_model import ArmModel
from crl_robot.nodes.ros2_control_arm import Ros2ControlArm
from crl_robot.nodes.ros2_control_settings import Ros2ControlSettings


@pytest.fixture(scope="module", autouse=True)
def ros():
    rclpy.init(domain_id=1 + os.getpid() % 99)
    yield
    rclpy.try_shutdown()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    file = tmp_path_factory.mktemp("model") / "theirs.xml"
    file.write_text(MODEL)
    return ArmModel(str(file), JOINTS, (0.0, 0.0, 0.0))


@pytest.fixture
def settings(model):
    return Ros2ControlSettings(
        model,
        "/arm_controller/command",
        gripper_joint=FINGER,
        gripper_topic="/gripper_controller/command",
        gripper_closed=CLOSED,
        gripper_open=OPEN,
        connect_timeout_s=DEADLINE_S,
        silence_s=1.0,  # a busy machine may keep the fake from sending for a while
    )


@pytest.fixture
def node():
    node = rclpy.create_node("arm", namespace="/crl")
    yield node
    node.destroy_node()


@pytest.fixture
def closing():
    opened = []

    def keep(thing):
        opened.append(thing)
        return thing

    yield keep
    for thing in reversed(opened):
        thing.close()


@pytest.fixture
def robot(node, closing):
    return closing(FakeRos2Control(node))


@pytest.fixture
def connect(node, closing, settings):
    def make(**changes):
        return closing(Ros2ControlArm(node, replace(settings, **changes)))

    return make


@pytest.fixture
def arm(robot, connect):
    arm = connect()
    arm.enable()
    return arm
