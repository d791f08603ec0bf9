"""Sawyer as rosbridge shows it: what it obeys, what it silently refuses, what it publishes, and how it fails.

Behaviour is that of the published interface (intera_sdk, intera_core_msgs) where that says something. The rates of
/robot/state and of the gripper, and what a real Sawyer does when position commands time out, are assumptions; the page
docs/sawyer.md lists them.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_robot.emulators.rosbridge.end_effector import EmulatedGripper
from crl_robot.emulators.rosbridge.plant import Plant, ServoPlant
from crl_robot.emulators.rosbridge.power import Power
from crl_robot.emulators.rosbridge.readings import arm_message, endpoint_message, fingers_message, spoiled
from crl_robot.kinematics import Kinematics
from crl_robot.sawyer import topics
from crl_robot.sawyer.model import JOINT_LIMITS, JOINT_NAMES, JOINT_SPEEDS, SAWYER

Array = NDArray[np.float64]
Publication = tuple[str, dict[str, Any]]

COMMAND = topics.limb_topic("right", "joint_command")
COMMAND_TIMEOUT = topics.limb_topic("right", "joint_command_timeout")
SPEED_RATIO = topics.limb_topic("right", "set_speed_ratio")
ENDPOINT = topics.limb_topic("right", "endpoint_state")
GRIPPER_COMMAND = topics.gripper_topic("right_gripper", "command")
GRIPPER_STATE = topics.gripper_topic("right_gripper", "state")
_SLOW_EVERY = 5


class EmulatedSawyer:
    """The robot behind a `RosbridgeServer`; its methods may be called from any thread.

    Attributes:
        power: motors and stops; press, release and fail are a person's and a fault's doing.
        gripper: the end effector.
        refusals: how often a command was not obeyed, by reason.
        target: newest joint target (7,) rad that was obeyed; at first where the arm stands.
        commands: how many were obeyed.
        timeout_s, speed_ratio: as set by the client, or the defaults.
        mute: topics that are not published.
        wrong: what is wrong with the joint states: '', 'null', 'short', 'names', 'text' or 'clock'.

    Args:
        plant: what moves; a `ServoPlant` at the neutral pose unless given.
        clock_s: the robot's own clock in seconds.
        monotonic: seconds for the command timeout.
        persistent: whether a position target is followed on after the command timeout.
    """

    publishes: Mapping[str, str] = dict((topics.JOINT_STATES, topics.STATE, ENDPOINT, GRIPPER_STATE))
    listens: Mapping[str, str] = dict(
        (COMMAND, COMMAND_TIMEOUT, SPEED_RATIO, GRIPPER_COMMAND, topics.ENABLE, topics.RESET, topics.STOP)
    )

    def __init__(
        self,
        plant: Plant | None = None,
        clock_s: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        persistent: bool = False,
    ) -> None:
        self.plant: Plant = ServoPlant() if plant is None else plant
        self.power = Power()
        self.gripper = EmulatedGripper(self.plant.gap())
        self.refusals: Counter[str] = Counter()
        self.commands = 0
        self.mute: set[str] = set()
        self.wrong = ""
        self.lock = threading.RLock()
        self._clock_s, self._monotonic, self._persistent = clock_s, monotonic, persistent
        self._kinematics = Kinematics(replace(SAWYER, tool="right_hand"))
        self.timeout_s, self.speed_ratio = 0.2, 0.3
        self._commanded_s = float("-inf")
        self._has_target = False
        self._ticks = 0
        self.target = self.plant.joints()[0].copy()
        self._set_point = self.target.copy()
        self._handlers: dict[str, Callable[[Mapping[str, Any]], str]] = {
            COMMAND[0]: self._on_command,
            COMMAND_TIMEOUT[0]: self._on_timeout,
            SPEED_RATIO[0]: self._on_speed_ratio,
            GRIPPER_COMMAND[0]: self._on_gripper,
            topics.ENABLE[0]: lambda message: "" if self.power.enable(message.get("data", False)) else "enable",
            topics.RESET[0]: lambda message: "" if self.power.reset() else "reset",
            topics.STOP[0]: self._on_stop,
        }

    @property
    def following(self) -> bool:
        """Whether the arm is on its way to `target`: enabled, and commanded within the timeout."""
        timed_out = self._monotonic() - self._commanded_s > self.timeout_s
        return self.power.moves and self._has_target and (self._persistent or not timed_out)

    def joints(self) -> tuple[Array, Array]:
        """True joints (7,) rad and rad/s."""
        with self.lock:
            position, velocity = self.plant.joints()
            return position.copy(), velocity.copy()

    def place(self) -> None:
        """Somebody switched the motors off and put the plant where it stands now; it does not go back from there."""
        with self.lock:
            self.power.enable(False)
            self._has_target = False
            self.target = self.plant.joints()[0].copy()
            self._set_point = self.target.copy()
            self.gripper.target_m = self.plant.gap()

    def receive(self, topic: str, message: Mapping[str, Any]) -> None:
        """Obey a message, or count it in `refusals`; the robot tells nobody."""
        with self.lock:
            if reason := self._handlers[topic](message):
                self.refusals[reason] += 1

    def call(self, service: str, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The two services of rosapi that clients use to see whether anybody is there."""
        if service == "/rosapi/get_time":
            return {"time": topics.to_ros_time(time.time_ns())}
        if service == "/rosapi/topics":
            known = {**self.publishes, **self.listens}
            return {"topics": list(known), "types": list(known.values())}
        return None

    def tick(self, period_s: float) -> list[Publication]:
        """Move for ``period_s``; joints and endpoint are published at every tick, the rest at every fifth."""
        with self.lock:
            self._move(period_s)
            stamp_ns = round(self._clock_s() * 1e9)
            messages = self._fast(stamp_ns)
            if self._ticks % _SLOW_EVERY == 0:
                messages.append((topics.STATE[0], self.power.message()))
                messages.append((GRIPPER_STATE[0], self.gripper.message(stamp_ns, self.plant.gap())))
            self._ticks += 1
            return [message for message in messages if message[0] not in self.mute]

    def _fast(self, stamp_ns: int) -> list[Publication]:
        position, velocity = self.plant.joints()
        arm = arm_message(stamp_ns, position, velocity)
        return [
            (topics.JOINT_STATES[0], spoiled(arm, self.wrong)),
            (topics.JOINT_STATES[0], fingers_message(stamp_ns, self.plant.gap())),
            (ENDPOINT[0], endpoint_message(stamp_ns, self._kinematics.forward(position))),
        ]

    def _move(self, period_s: float) -> None:
        """Lead the set point to the target at the share of the top speed; brakes and timeouts freeze it."""
        self._has_target = self._has_target and self.power.moves
        if self.following:
            reach = self.speed_ratio * JOINT_SPEEDS * period_s
            self._set_point = self._set_point + np.clip(self.target - self._set_point, -reach, reach)
        self.plant.follow(self._set_point, self.gripper.target_m)
        self.plant.step(period_s)

    def _on_command(self, message: Mapping[str, Any]) -> str:
        names, position = message.get("names", []), message.get("position", [])
        if not self.power.moves:
            return "not enabled"
        if message.get("mode") != topics.POSITION_MODE:
            return "mode"
        if set(names) != set(JOINT_NAMES) or len(names) != len(position):
            return "names"
        joints = np.array([position[names.index(name)] for name in JOINT_NAMES])
        if not np.isfinite(joints).all() or (joints < JOINT_LIMITS[:, 0]).any() or (joints > JOINT_LIMITS[:, 1]).any():
            return "limits"
        if not self.following:
            self._set_point = self.plant.joints()[0].copy()
        self.target, self._commanded_s = joints, self._monotonic()
        self._has_target = True
        self.commands += 1
        return ""

    def _on_timeout(self, message: Mapping[str, Any]) -> str:
        self.timeout_s = float(message["data"])
        return ""

    def _on_speed_ratio(self, message: Mapping[str, Any]) -> str:
        self.speed_ratio = min(max(float(message["data"]), 0.0), 1.0)
        return ""

    def _on_gripper(self, message: Mapping[str, Any]) -> str:
        return self.gripper.obey(message)

    def _on_stop(self, message: Mapping[str, Any]) -> str:
        self.power.stop()
        return ""
