"""The way to one Sawyer: the lock, the websocket, every topic of it, and requests that are repeated until they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ArmError
from crl_robot.sawyer import topics
from crl_robot.sawyer.bridge import Bridge
from crl_robot.sawyer.listener import Listener
from crl_robot.sawyer.lock import RobotLock
from crl_robot.sawyer.model import JOINT_NAMES
from crl_robot.sawyer.settings import SawyerSettings
from crl_robot.sawyer.state import RobotState
from crl_robot.sawyer.topics import Topic

_ASK_AGAIN_S = 0.1
_ENDPOINT_THROTTLE_MS = 50


class SawyerLink:
    """Connected when made: every stream has delivered. Sets the command timeout and the speed ratio, nothing else.

    Raises ArmError when the robot cannot be reached, or is in use by another driver on this machine.
    """

    def __init__(self, settings: SawyerSettings, clock_ns: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self.settings = settings
        self.listener = Listener(settings, clock_ns, monotonic)
        self._clock_ns, self._monotonic = clock_ns, monotonic
        self._joint_command = topics.limb_topic(settings.limb, "joint_command")
        self._gripper_command = topics.gripper_topic(settings.gripper, "command")
        self._lock = RobotLock(settings.host, settings.port)
        try:
            self._bridge = Bridge(settings.host, settings.port, settings.connect_timeout_s)
        except ArmError:
            self._lock.release()
            raise
        try:
            self._advertise()
            self._subscribe()
            self._wait_for_streams()
        except ArmError:
            self.close()
            raise

    @property
    def fault(self) -> str:
        """Why the connection is no more, empty while it is."""
        return self._bridge.fault

    def require_sound(self) -> None:
        """Raise ArmError when the connection was cut or rosbridge reported an error."""
        self._bridge.require_sound()

    def round_trip_s(self) -> float:
        """Time for a question to rosbridge and its answer. Raises ArmError when there is none in time."""
        return self._bridge.round_trip_s(self.settings.connect_timeout_s)

    def send_joints(self, joints: NDArray[np.float64]) -> None:
        """Publish one target (7,) rad in position mode."""
        self._bridge.publish(self._joint_command, topics.joint_command(JOINT_NAMES, joints, self._clock_ns()))

    def send_gripper(self, message: Mapping[str, Any]) -> None:
        """Publish one command of the gripper."""
        self._bridge.publish(self._gripper_command, message)

    def ask(
        self,
        topic: Topic,
        message: Mapping[str, Any],
        done: Callable[[RobotState], bool],
        wanted: str,
        timeout_s: float,
    ) -> None:
        """Publish until the robot's state shows it: ROS loses a message now and then, and the robot may refuse.

        Raises ArmError when the state does not show it within ``timeout_s``.
        """
        end = self._monotonic() + timeout_s
        while self._monotonic() < end:
            self._bridge.publish(topic, message)
            if self.listener.wait(lambda: done(self.listener.state()), _ASK_AGAIN_S):
                return
        state = self.listener.state()
        raise ArmError(f"the robot was not {wanted} after {timeout_s} s: {state.refusal or state}")

    def close(self) -> None:
        """Close the websocket after what was sent, and free the lock."""
        self._bridge.close()
        self._lock.release()

    def _advertise(self) -> None:
        for topic in (self._joint_command, topics.ENABLE, topics.RESET, topics.STOP, self._gripper_command):
            self._bridge.advertise(topic)
        limb = self.settings.limb
        values = {
            topics.limb_topic(limb, "joint_command_timeout"): self.settings.command_timeout_s,
            topics.limb_topic(limb, "set_speed_ratio"): self.settings.speed_ratio,
        }
        for topic, value in values.items():
            self._bridge.advertise(topic, latch=True)
            self._bridge.publish(topic, {"data": value})

    def _subscribe(self) -> None:
        listener = self.listener
        self._bridge.subscribe(topics.STATE, listener.on_state)
        self._bridge.subscribe(topics.JOINT_STATES, listener.on_joints)
        self._bridge.subscribe(topics.gripper_topic(self.settings.gripper, "state"), listener.on_gripper)
        endpoint = topics.limb_topic(self.settings.limb, "endpoint_state")
        self._bridge.subscribe(endpoint, listener.on_endpoint, _ENDPOINT_THROTTLE_MS)

    def _wait_for_streams(self) -> None:
        listener, timeout_s = self.listener, self.settings.connect_timeout_s
        complete = listener.wait(lambda: not listener.missing() or bool(self.fault), timeout_s)
        self.require_sound()
        if not complete:
            missing = listener.missing()
            why = "; ".join(filter(None, map(listener.why, missing)))
            raise ArmError(
                f"rosbridge answers, but not enough of Sawyer's {', '.join(missing)} came in {timeout_s} s "
                f"({why or 'nothing wrong in what came'}); is the robot on, are ROS_MASTER_URI and ROS_IP of the "
                "container right, is the gripper attached?"
            )
        listener.joints()
