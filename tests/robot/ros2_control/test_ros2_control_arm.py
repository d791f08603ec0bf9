"""The suite of every arm, on the ros2_control driver and controllers that follow it."""

import numpy as np
import pytest

pytest.importorskip("rclpy")

from arm_suite import ArmSuite
from fake_ros2_control import CLOSED, HURRY, OPEN, PERIOD_S, FakeRos2Control
from ros2_control_rig import START, eventually, let_pass

pytestmark = pytest.mark.ros


class Ros2ControlBench:
    start = START
    other = START + np.array([0.2, -0.15, 0.2])
    tolerance_rad = 0.01
    quantum_rad = 1e-9
    gripper_tolerance = 0.02
    exclusive = True
    always_on = False

    def __init__(self, robot, connect):
        self._robot, self._connect, self._arms = robot, connect, []

    def connect(self):
        self._arms.append(self._connect())
        self._arms[-1].enable()
        return self._arms[-1]

    def connect_powered(self):
        self._arms.append(self._connect())
        return self._arms[-1]

    def told(self):
        return self._robot.received

    def settle(self, seconds):
        let_pass(self._robot, round(seconds / PERIOD_S / HURRY) + 1)

    def sent(self):
        eventually(lambda: self._robot.received == sum(sum(arm.sent.values()) for arm in self._arms))
        return self._robot.joints("target"), (self._robot.finger_target() - CLOSED) / (OPEN - CLOSED)


@pytest.mark.parametrize(
    ("kind", "gripper"), [("trajectory", "own"), ("forward", "own"), ("forward", "joined")], ids="{0[0]}-{0[1]}".format
)
class TestRos2ControlArm(ArmSuite):
    @pytest.fixture
    def bench(self, node, connect, closing, kind, gripper):
        robot = closing(FakeRos2Control(node, kind=kind, gripper=gripper))
        own = {} if gripper == "own" else {"gripper_topic": ""}
        return Ros2ControlBench(robot, lambda: connect(command_type=kind, gripper_type=kind, **own))
