"""The newest joints of somebody else's joint_states: checked, by name, with their own stamp and age.

`on_message` runs in the executor's thread, the rest in the caller's.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState

from crl_robot.contracts import JointReading
from crl_robot.errors import ArmError
from crl_robot.nodes.messages import ns_from_time
from crl_robot.nodes.ros2_control_settings import Ros2ControlSettings

Array = NDArray[np.float64]
_FUTURE_S = 0.1


@dataclass(frozen=True)
class _Sample:
    """Joints (N,) of one message; ``velocity`` is None until it is known."""

    position: Array
    velocity: Array | None
    stamp_ns: int
    receive_ns: int
    monotonic_s: float


class JointListener:
    """Keeps the newest; ``counts`` are messages 'taken', 'unordered', 'unusable' and of 'others'."""

    def __init__(
        self, settings: Ros2ControlSettings, clock_ns: Callable[[], int], monotonic: Callable[[], float]
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._settings = settings
        self._names = settings.model.joint_names
        self._clock_ns, self._monotonic = clock_ns, monotonic
        self._sample: _Sample | None = None
        self._gripper: tuple[float, float] | None = None
        self._problem = ""
        self._changed = threading.Condition()

    def on_message(self, msg: JointState) -> None:
        """Take in one message; what has none of our joints is somebody else's."""
        receive_ns, monotonic_s = self._clock_ns(), self._monotonic()
        index = {name: place for place, name in enumerate(msg.name)}
        with self._changed:
            if not index.keys() & set(self._names):
                self._take_gripper(msg, index, monotonic_s)
                self.counts["others"] += 1
                return
            self._problem = self._fault_of(msg, index)
            if self._problem:
                self.counts["unusable"] += 1
            else:
                self._take_gripper(msg, index, monotonic_s)
                self._take(msg, [index[name] for name in self._names], receive_ns, monotonic_s)
            self._changed.notify_all()

    def wait(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until ``done``, looked at after every message; returns whether it is."""
        with self._changed:
            return self._changed.wait_for(done, timeout_s)

    def why_not(self) -> str:
        """Why there is no reading; empty when there is one."""
        try:
            self.reading()
        except ArmError as error:
            return str(error)
        return ""

    def reading(self) -> JointReading:
        """The newest joints. Raises ArmError when there are none, or they are too old or not usable."""
        with self._changed:
            sample, settings = self._fresh(), self._settings
            gripper = self._opening() if settings.gripper_joint else 0.0
        if sample.velocity is None:
            raise ArmError("one joint state came without velocities, expected a second one to derive them from")
        return JointReading(sample.position, sample.velocity, gripper, sample.stamp_ns, sample.receive_ns)

    def forget(self) -> None:
        """Begin anew, also with stamps that are older than the last."""
        with self._changed:
            self._sample, self._gripper, self._problem = None, None, ""

    def age_ms(self) -> float:
        """Age of the newest joints, -1 when there are none."""
        sample = self._sample
        return -1.0 if sample is None else (self._monotonic() - sample.monotonic_s) * 1e3

    def _take(self, msg: JointState, places: list[int], receive_ns: int, monotonic_s: float) -> None:
        before, stamp_ns = self._sample, ns_from_time(msg.header.stamp)
        if before is not None and stamp_ns <= before.stamp_ns:
            self.counts["unordered"] += 1
            return
        position = np.array([msg.position[place] for place in places])
        velocity = np.array([msg.velocity[place] for place in places]) if len(msg.velocity) == len(msg.name) else None
        if velocity is None or not np.isfinite(velocity).all():
            velocity = None if before is None else (position - before.position) / ((stamp_ns - before.stamp_ns) / 1e9)
        self._sample = _Sample(position, velocity, stamp_ns, receive_ns, monotonic_s)
        self.counts["taken"] += 1

    def _take_gripper(self, msg: JointState, index: dict[str, int], monotonic_s: float) -> None:
        place = index.get(self._settings.gripper_joint)
        if place is not None and place < len(msg.position) and np.isfinite(msg.position[place]):
            self._gripper = (msg.position[place], monotonic_s)

    def _fault_of(self, msg: JointState, index: dict[str, int]) -> str:
        """What makes a message with joints of ours unusable; empty when nothing does."""
        missing = [name for name in self._names if name not in index]
        if missing:
            return f"the joint state lacks {', '.join(missing)}, expected all joints of the arm in one message"
        if len(msg.position) != len(msg.name):
            return f"the joint state has {len(msg.position)} positions for {len(msg.name)} names"
        values = {name: msg.position[index[name]] for name in self._names}
        if wrong := [name for name, value in values.items() if not np.isfinite(value)]:
            return f"the position of {', '.join(wrong)} is not a number; is the hardware connected and active?"
        if ns_from_time(msg.header.stamp) == 0:
            return "the joint state has no stamp, expected the time of measurement"
        return ""

    def _fresh(self) -> _Sample:
        topic, limit_s, sample = self._settings.joint_states_topic, self._settings.silence_s, self._sample
        if self._problem:
            raise ArmError(f"the newest message of {topic} is not usable: {self._problem}")
        if sample is None:
            raise ArmError(f"nothing of the arm came on {topic} yet; is its joint_state_broadcaster active?")
        late_s = (sample.receive_ns - sample.stamp_ns) / 1e9
        if not -_FUTURE_S <= late_s <= limit_s:
            raise ArmError(
                f"the newest joint state of {topic} was stamped {late_s:.3f} s before it came, expected 0 to "
                f"{limit_s} s; set both machines by one clock"
            )
        age_s = max(late_s, 0.0) + self._monotonic() - sample.monotonic_s
        if age_s > limit_s:
            raise ArmError(
                f"{topic} is silent: its newest joint state is {age_s:.3f} s old, at most {limit_s} s is allowed "
                f"({self.counts['unordered']} messages were not newer than the one before)"
            )
        return sample

    def _opening(self) -> float:
        settings = self._settings
        if self._gripper is None:
            raise ArmError(f"no position of {settings.gripper_joint!r} came on {settings.joint_states_topic} yet")
        position, monotonic_s = self._gripper
        silent_s = self._monotonic() - monotonic_s
        if silent_s > settings.gripper_silence_s:
            raise ArmError(f"joint {settings.gripper_joint!r} was silent for {silent_s:.3f} s")
        span = settings.gripper_open - settings.gripper_closed
        return float(np.clip((position - settings.gripper_closed) / span, 0.0, 1.0))
