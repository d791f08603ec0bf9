"""What a ros2_control arm is to its driver: model, joints, controllers and how old its joint states may be."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from crl_robot.arm_model import ArmModel
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ConfigError
from crl_robot.nodes.common import CrlNode

COMMAND_TYPES = ("trajectory", "forward")
_ABOVE_ZERO = ("connect_timeout_s", "silence_s", "gripper_silence_s", "ahead_s", "max_lead_rad", "joint_speed")


@dataclass(frozen=True)
class Ros2ControlSettings:
    """One arm behind ros2_control, or behind anything else that speaks the same topics.

    Attributes:
        model: the user's own MuJoCo model; its first joints are the arm's, in the controller's order.
        command_topic: of the arm's controller: `.../joint_trajectory` or `.../commands`.
        command_type: 'trajectory' (JointTrajectory of one point) or 'forward' (Float64MultiArray of positions).
        joint_states_topic: of the joint_state_broadcaster.
        gripper_joint: name in the joint states; empty for an arm without a gripper.
        gripper_topic: of the gripper's controller; empty when the gripper is the last joint of the arm's controller.
        gripper_type: as command_type.
        gripper_closed, gripper_open: positions of the gripper joint in its own unit.
        connect_timeout_s: time to find the joint states and the controllers.
        silence_s: oldest joint state that is still used, by its stamp and by its arrival.
        gripper_silence_s: oldest position of the gripper that is still used.
        ahead_s: when the point of a trajectory is to be reached; two periods of the inner loop.
        max_lead_rad: how far a joint target may be from the measured joint.
        joint_speed: greatest joint speed in rad/s that the arm follows.
    """

    model: ArmModel
    command_topic: str
    command_type: str = "trajectory"
    joint_states_topic: str = "/joint_states"
    gripper_joint: str = ""
    gripper_topic: str = ""
    gripper_type: str = "trajectory"
    gripper_closed: float = 0.0
    gripper_open: float = 1.0
    connect_timeout_s: float = 5.0
    silence_s: float = 0.2
    gripper_silence_s: float = 1.0
    ahead_s: float = 0.04
    max_lead_rad: float = 0.5
    joint_speed: float = SafetyLimits().joint_speed

    def __post_init__(self) -> None:
        for name in ("command_type", "gripper_type"):
            if getattr(self, name) not in COMMAND_TYPES:
                raise ConfigError(f"{name} is {getattr(self, name)!r}, expected one of {COMMAND_TYPES}")
        if not self.command_topic or not self.joint_states_topic:
            raise ConfigError("command_topic or joint_states_topic is empty, expected the topics of the controllers")
        for name in _ABOVE_ZERO:
            value = getattr(self, name)
            if not (isfinite(value) and value > 0):
                raise ConfigError(f"{name} is {value}, expected a finite number above 0")
        self._check_gripper()

    def _check_gripper(self) -> None:
        if self.gripper_topic and not self.gripper_joint:
            raise ConfigError(
                "gripper_topic without gripper_joint: expected the joint by which the gripper is measured"
            )
        if self.gripper_joint in self.model.joint_names:
            raise ConfigError(f"gripper_joint is {self.gripper_joint!r}, which is a joint of the arm, expected another")
        if (
            not (isfinite(self.gripper_closed) and isfinite(self.gripper_open))
            or self.gripper_closed == self.gripper_open
        ):
            raise ConfigError(
                f"gripper_closed and gripper_open are {self.gripper_closed} and {self.gripper_open}, expected two "
                "different positions"
            )


class Ros2ControlParameters:
    """Declares the parameters `ros2_control.*` of a node when made; `settings` reads them."""

    def __init__(self, node: CrlNode) -> None:
        text, number = _Declarer(node).text, _Declarer(node).number
        self._joints = node.setting("ros2_control.joints", [""], "the arm's joints, in the controller's order")
        self._home = node.setting("ros2_control.home", [0.0], "home pose, rad, one value for each joint")
        self._texts: dict[str, Any] = {
            "command_topic": text("command_topic", "", "of the arm's controller"),
            "command_type": text("command_type", "trajectory", "trajectory or forward"),
            "joint_states_topic": text("joint_states_topic", "/joint_states", "of the joint_state_broadcaster"),
            "gripper_joint": text("gripper_joint", "", "joint of the gripper; empty: none"),
            "gripper_topic": text("gripper_topic", "", "of the gripper's controller; empty: the arm's last joint"),
            "gripper_type": text("gripper_type", "trajectory", "trajectory or forward"),
        }
        speed = SafetyLimits().joint_speed
        self._numbers: dict[str, Any] = {
            "gripper_closed": number("gripper_closed", 0.0, "position of the closed gripper"),
            "gripper_open": number("gripper_open", 1.0, "position of the open gripper"),
            "silence_s": number("silence_s", 0.2, "oldest joint state that is used, s"),
            "ahead_s": number("ahead_s", 0.04, "when the point of a trajectory is to be reached, s"),
            "max_lead_rad": number("max_lead_rad", 0.5, "how far a target may be from the measured joint, rad"),
            "joint_speed": number("joint_speed", speed, "greatest joint speed that the arm follows, rad/s"),
        }

    def settings(self, model_file: str, tool: str) -> Ros2ControlSettings:
        """The settings with the model and tool site named. Raises ConfigError for what cannot be used."""
        path = Path(model_file).expanduser()
        if not path.is_file():
            raise ConfigError(f"model is {model_file!r}, expected the MJCF file of your arm; see docs/ros2_control.md")
        model = ArmModel(str(path.resolve()), tuple(self._joints), tuple(self._home), tool)
        return Ros2ControlSettings(model, **self._texts, **self._numbers)


class _Declarer:
    """Declares parameters under `ros2_control.`."""

    def __init__(self, node: CrlNode) -> None:
        self._node = node

    def text(self, name: str, default: str, description: str) -> str:
        return self._node.setting(f"ros2_control.{name}", default, description)

    def number(self, name: str, default: float, description: str) -> float:
        return self._node.setting(f"ros2_control.{name}", default, description)
