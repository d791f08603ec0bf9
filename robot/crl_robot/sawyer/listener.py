"""The newest message of every stream from Sawyer, with its age; what is too old or was not understood is an error.

Handlers run in the connection's thread, the rest in the caller's.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from crl_robot.errors import ArmError, ContractError
from crl_robot.sawyer.clock import ClockOffset
from crl_robot.sawyer.model import JOINT_NAMES
from crl_robot.sawyer.settings import SawyerSettings
from crl_robot.sawyer.state import RobotState, parse_state
from crl_robot.sawyer.topics import (
    Endpoint,
    GripperSample,
    JointSample,
    parse_endpoint,
    parse_gripper,
    parse_joint_states,
)

T = TypeVar("T")
_OFFSET_SAMPLES = 10
_OFFSET_JITTER_NS = 500_000_000


@dataclass(frozen=True)
class Arrived(Generic[T]):
    """A message and when it came: wall clock in ns for stamps, monotonic seconds for ages."""

    value: T
    receive_ns: int
    monotonic_s: float


@dataclass(frozen=True)
class Joints:
    """A joint sample with both stamps on our clock."""

    sample: JointSample
    stamp_ns: int
    receive_ns: int


class Listener:
    """Keeps what came; ``counts`` are messages per stream, plus 'not understood'."""

    def __init__(self, settings: SawyerSettings, clock_ns: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self.counts: Counter[str] = Counter()
        self.clock = ClockOffset()
        self._settings = settings
        self._clock_ns, self._monotonic = clock_ns, monotonic
        self._newest: dict[str, Arrived[Any]] = {}
        self._problem: dict[str, str] = {}
        self._latched = ""
        self._stamp_ns = 0
        self._changed = threading.Condition()

    def on_joints(self, message: Mapping[str, Any]) -> None:
        """Handler of /robot/joint_states."""
        self._take("joints", lambda: parse_joint_states(message, JOINT_NAMES))

    def on_state(self, message: Mapping[str, Any]) -> None:
        """Handler of /robot/state."""
        self._take("state", lambda: parse_state(message))

    def on_gripper(self, message: Mapping[str, Any]) -> None:
        """Handler of the gripper's state."""
        self._take("gripper", lambda: parse_gripper(message))

    def on_endpoint(self, message: Mapping[str, Any]) -> None:
        """Handler of endpoint_state."""
        self._take("endpoint", lambda: parse_endpoint(message))

    def wait(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until ``done``, looked at after every message; returns whether it is."""
        with self._changed:
            return self._changed.wait_for(done, timeout_s)

    def missing(self) -> list[str]:
        """Streams that have not delivered what connecting needs."""
        enough = {"state": 1, "joints": _OFFSET_SAMPLES, "gripper": 1}
        return [name for name, count in enough.items() if self.counts[name] < count]

    def why(self, stream: str) -> str:
        """What was wrong with the newest message of a stream; empty when nothing was."""
        return self._problem.get(stream, "")

    def joints(self) -> Joints:
        """Newest joints. Raises ArmError when too old, not understood, or the robot's clock went back."""
        with self._changed:
            if self._latched:
                raise ArmError(self._latched)
            arrived: Arrived[JointSample] = self._fresh("joints", self._settings.silence_s)
            offset_ns = self.clock.offset_ns
        stamp_ns = arrived.value.source_ns + offset_ns
        late_s = (arrived.receive_ns - stamp_ns) / 1e9
        if late_s > self._settings.silence_s:
            raise ArmError(
                f"the newest joint reading was {late_s:.3f} s on its way, at most {self._settings.silence_s} s is "
                "allowed; is the network or the machine of rosbridge overloaded?"
            )
        # The offset shrinks when a faster message comes; stamps must not go back for that, but for a clock set back.
        if not 0 < self._stamp_ns - stamp_ns < _OFFSET_JITTER_NS:
            self._stamp_ns = stamp_ns
        return Joints(arrived.value, self._stamp_ns, arrived.receive_ns)

    def state(self) -> RobotState:
        """Newest /robot/state. Raises ArmError when too old or not understood."""
        with self._changed:
            return self._fresh("state", self._settings.state_silence_s).value

    def gripper(self) -> GripperSample:
        """Newest gripper state. Raises ArmError when too old or not understood."""
        with self._changed:
            return self._fresh("gripper", self._settings.gripper_silence_s).value

    def endpoint(self) -> Endpoint:
        """Newest endpoint state. Raises ArmError when too old or not understood."""
        with self._changed:
            return self._fresh("endpoint", self._settings.state_silence_s).value

    def summary(self) -> dict[str, float | int | str]:
        """Age in ms and number of messages of each stream, and the clock offset in ms."""
        with self._changed:
            now = self._monotonic()
            ages = {f"{name}_age_ms": (now - arrived.monotonic_s) * 1e3 for name, arrived in self._newest.items()}
            counts = {f"{name}_messages": count for name, count in self.counts.items()}
            return {**ages, **counts, "clock_offset_ms": self.clock.offset_ns / 1e6}

    def _take(self, stream: str, parse: Callable[[], Any]) -> None:
        receive_ns, monotonic_s = self._clock_ns(), self._monotonic()
        with self._changed:
            try:
                value = parse()
                if value is None:
                    return
                if stream == "joints":
                    self.clock.add(value.source_ns, receive_ns)
            except ContractError as error:
                self.counts["not understood"] += 1
                self._problem[stream] = str(error)
            except ArmError as error:
                self._latched = str(error)
            else:
                self.counts[stream] += 1
                self._problem.pop(stream, None)
                self._newest[stream] = Arrived(value, receive_ns, monotonic_s)
            self._changed.notify_all()

    def _fresh(self, stream: str, limit_s: float) -> Arrived[Any]:
        if problem := self._problem.get(stream):
            raise ArmError(f"the newest message of Sawyer's {stream} is not usable: {problem}")
        arrived = self._newest.get(stream)
        if arrived is None:
            raise ArmError(f"nothing of Sawyer's {stream} came yet; is the robot on, and rosbridge connected to it?")
        age_s = self._monotonic() - arrived.monotonic_s
        if age_s > limit_s:
            raise ArmError(
                f"Sawyer's {stream} were silent for {age_s:.3f} s, at most {limit_s} s is allowed; is the network, "
                "rosbridge or the robot down? The robot stops by its command timeout"
            )
        return arrived
