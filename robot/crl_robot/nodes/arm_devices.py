"""Which arm a node owns: its parameters, its model and limits, and how its driver is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from crl_robot.arm_model import ArmModel
from crl_robot.contracts import Arm
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ConfigError
from crl_robot.kinematics import Kinematics
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.ros2_control_arm import Ros2ControlArm, joint_limits
from crl_robot.nodes.ros2_control_settings import Ros2ControlParameters, Ros2ControlSettings
from crl_robot.robots import SAWYER_ROBOT, WIDOWX
from crl_robot.sawyer.model import JOINT_LIMITS, JOINT_SPEEDS
from crl_robot.widowx.servo_table import ServoTable, load_servo_table
from crl_robot.widowx.settings import ServoArmSettings

ROS2_CONTROL = "ros2_control"
_WIDOWX_TABLE = "wx250s"


@dataclass(frozen=True)
class ArmDevice:
    """One arm that can be opened.

    Attributes:
        robot: as the parameter names it.
        model: its joints, home pose and MuJoCo model.
        limits: what it may do, unless parameters say less.
        joint_limits: (N, 2) low and high in rad that the driver takes.
        joint_speed: largest joint speed in rad/s that the device follows.
        connect: opens the driver, moving nothing. Raises ArmError.
        data_name: as stores and checkpoints name the robot; empty where that is not known.
        describe: whether the node publishes robot_description; behind ros2_control somebody else does.
    """

    robot: str
    model: ArmModel
    limits: SafetyLimits
    joint_limits: NDArray[np.float64]
    joint_speed: float
    connect: Callable[[], Arm]
    data_name: str = ""
    describe: bool = True

    def kinematics(self) -> DeviceKinematics:
        """Kinematics of the model within the joint limits of model and device."""
        return DeviceKinematics(self.model, self.joint_limits)

    def require(self, limits: SafetyLimits) -> None:
        """Raise ConfigError when the device cannot follow what ``limits`` allow."""
        if limits.joint_speed > self.joint_speed + 1e-6:
            raise ConfigError(
                f"parameter 'limits.joint_speed' is {limits.joint_speed:.3f} rad/s, at most {self.joint_speed:.3f} "
                f"is possible with robot {self.robot!r}; lower it, or targets run ahead of the arm"
            )


class DeviceKinematics(Kinematics):
    """Kinematics whose joint limits are those of the model and of the device together."""

    def __init__(self, arm: ArmModel, device_limits: NDArray[np.float64]) -> None:
        super().__init__(arm)
        self._device_limits = device_limits

    @property
    def joint_limits(self) -> NDArray[np.float64]:
        """(N, 2) lowest and highest angle of each joint, rad."""
        model, device = super().joint_limits, self._device_limits
        return np.stack([np.maximum(model[:, 0], device[:, 0]), np.minimum(model[:, 1], device[:, 1])], axis=1)


def arm_device_setting(node: CrlNode) -> ArmDevice:
    """Declare the parameters of all drivers and return the one named. Raises ConfigError."""
    robot = node.setting("robot", WIDOWX.name, "widowx, a servo table (wx200, wx250, a file), sawyer or ros2_control")
    model = node.setting("model", "", "MJCF file of an arm without a shipped model; empty: the shipped one")
    tool = node.setting("tool", "tool", "site of the tool point in a model of your own")
    servos = _ServoSettings(node)
    sawyer = _SawyerSettings(node)
    ros2_control = Ros2ControlParameters(node)
    if robot == ROS2_CONTROL:
        return _ros2_control_device(node, ros2_control.settings(model, tool))
    if robot == SAWYER_ROBOT.name:
        return sawyer.device()
    return servos.device(robot, model, tool)


class _ServoSettings:
    """Parameters of an arm on a servo bus."""

    def __init__(self, node: CrlNode) -> None:
        self._port = node.setting("port", "", "serial port of a servo arm; empty: the only adapter plugged in")
        self._settings = ServoArmSettings(
            watchdog_s=node.setting(
                "watchdog_s", 0.2, "the servos stop after so long a silence, s; 0: never", 0.0, 2.5
            ),
            answer_s=node.setting("answer_ms", 20.0, "time to wait for a servo's answer, ms", 1.0, 1000.0) / 1e3,
            gripper_force=node.setting("gripper_force", 0.4, "share of the gripper motor's voltage", 0.01, 1.0),
        )
        self._now_ns = node.now_ns

    def device(self, robot: str, model: str, tool: str) -> ArmDevice:
        table = load_servo_table(_WIDOWX_TABLE if robot == WIDOWX.name else robot)
        arm, connect = _model_of(table, model, tool), partial(self._connect, table)
        name = WIDOWX.data_name if table.name == _WIDOWX_TABLE else table.name
        return ArmDevice(robot, arm, WIDOWX.limits, table.joint_limits, self._settings.speed_limit, connect, name)

    def _connect(self, table: ServoTable) -> Arm:
        from crl_robot.widowx.arm import WidowXArm
        from crl_robot.widowx.doctor import choose_port

        return WidowXArm(self._port or choose_port(), table, self._settings, self._now_ns)


def _model_of(table: ServoTable, file: str, tool: str) -> ArmModel:
    """The model of a servo arm. Raises ConfigError when it is not a shipped one and no file is named."""
    if file:
        return ArmModel(file, table.joint_names, table.poses["home"], tool)
    if table.name != _WIDOWX_TABLE:
        raise ConfigError(
            f"no MuJoCo model of {table.name!r} is shipped, only that of {_WIDOWX_TABLE!r}; name an MJCF file with "
            "the parameters 'model' and 'tool'"
        )
    return replace(WIDOWX.model, home=table.poses["home"])


class _SawyerSettings:
    """Parameters of a Sawyer behind rosbridge."""

    def __init__(self, node: CrlNode) -> None:
        self._host = node.setting("host", "127.0.0.1", "machine where Sawyer's rosbridge runs")
        self._port = node.setting("rosbridge_port", 9090, "port of rosbridge", 1, 65535)
        self._ratio = node.setting("speed_ratio", 0.3, "share of Sawyer's joint speeds that it uses", 0.01, 1.0)
        self._silence_s = node.setting("silence_s", 0.2, "oldest joint reading of Sawyer that is used, s", 0.02, 2.0)
        self._now_ns = node.now_ns

    def device(self) -> ArmDevice:
        robot, speed = SAWYER_ROBOT, self._ratio * float(JOINT_SPEEDS.min())
        limits = replace(robot.limits, joint_speed=min(robot.limits.joint_speed, speed))
        return ArmDevice(robot.name, robot.model, limits, JOINT_LIMITS, speed, self._connect, robot.data_name)

    def _connect(self) -> Arm:
        from crl_robot.sawyer.arm import SawyerArm
        from crl_robot.sawyer.settings import SawyerSettings

        settings = SawyerSettings(host=self._host, port=self._port, speed_ratio=self._ratio, silence_s=self._silence_s)
        return SawyerArm(settings, self._now_ns)


def _ros2_control_device(node: CrlNode, settings: Ros2ControlSettings) -> ArmDevice:
    """The robot's own bringup publishes its robot_description."""
    limits = SafetyLimits(joint_speed=settings.joint_speed)
    model, ranges, connect = settings.model, joint_limits(settings), partial(Ros2ControlArm, node, settings)
    return ArmDevice(ROS2_CONTROL, model, limits, ranges, settings.joint_speed, connect, describe=False)
