"""What the emulated arm saw of a stretch of time: every goal it was given, and where its joints truly were.

All times are seconds of the monotonic clock, which every process of the machine shares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_robot.bench.known_arm import ALL_IDS, GRIPPER_ID, JOINT_IDS, angle_from_ticks, tool_position

Array = NDArray[np.float64]
_JOINT_COLUMNS = [ALL_IDS.index(i) for i in JOINT_IDS]
_ARM_COLUMNS = [ALL_IDS.index(i) for i in ALL_IDS if i != GRIPPER_ID]


@dataclass(frozen=True)
class DeviceLog:
    """A stretch of the emulated arm's life.

    Attributes:
        goal_s: (G,) when a packet brought goals or switched torque.
        goals, present: (G, 9) goal and position registers of all servos after it, in the order of `ALL_IDS`.
        torque: (G, 9) whether the servo can follow its goal.
        truth_s: (T,) when time passed for the joints.
        truth: (T, 7) their angles in rad from then on, the gripper's crank last.
        stalled_s: how long the emulator itself did not get to run.
    """

    goal_s: Array
    goals: Array
    present: Array
    torque: NDArray[np.bool_]
    truth_s: Array
    truth: Array
    stalled_s: float = 0.0

    @property
    def goal_joints(self) -> Array:
        """(G, 6) rad."""
        return angle_from_ticks(self.goals[:, _JOINT_COLUMNS])

    @property
    def driven_joints(self) -> Array:
        """(G, 6) rad, where the goals drive the arm: a joint without torque stays where it stands."""
        return np.where(self.torque[:, _JOINT_COLUMNS], self.goal_joints, self.present_joints)

    @property
    def present_joints(self) -> Array:
        """(G, 6) rad, where the arm stood when each goal arrived."""
        return angle_from_ticks(self.present[:, _JOINT_COLUMNS])

    def last_change(self, after_s: float, before_s: float = math.inf) -> float:
        """When the arm's goals changed last before ``before_s``; ``after_s`` when they have not since then."""
        changed = (np.diff(self.goals[:, _ARM_COLUMNS], axis=0) != 0).any(axis=1)
        times = self.goal_s[1:][changed]
        times = times[times < before_s]
        return max(after_s, float(times[-1])) if len(times) else after_s

    def last_motion(self, after_s: float, slow_rad_s: float = 0.03, window_s: float = 0.04) -> float:
        """When a joint of the arm turned faster than ``slow_rad_s`` last, averaged over ``window_s``."""
        before = np.searchsorted(self.truth_s, self.truth_s - window_s)
        elapsed = np.maximum(self.truth_s - self.truth_s[before], window_s)
        speed = np.abs(self.truth[:, :6] - self.truth[before, :6]).max(axis=1) / elapsed
        moving = self.truth_s[speed > slow_rad_s]
        return max(after_s, float(moving[-1])) if len(moving) else after_s

    def tool_speed(self, at_s: float, window_s: float = 0.06) -> float:
        """Speed of the tool in m/s just before ``at_s``."""
        rows = np.flatnonzero((self.truth_s <= at_s) & (self.truth_s >= at_s - window_s))
        if len(rows) < 2:
            return 0.0
        ends = rows[[0, -1]]
        way, time = np.diff(tool_position(self.truth[ends, :6]), axis=0), np.diff(self.truth_s[ends])
        return float(np.linalg.norm(way) / max(float(time[0]), 1e-3))

    def since(self, start_s: float) -> DeviceLog:
        """The part from ``start_s`` on."""
        goal, truth = self.goal_s >= start_s, self.truth_s >= start_s
        return DeviceLog(
            self.goal_s[goal],
            self.goals[goal],
            self.present[goal],
            self.torque[goal],
            self.truth_s[truth],
            self.truth[truth],
            self.stalled_s,
        )


def joined(logs: list[DeviceLog]) -> DeviceLog:
    """Stretches that follow each other as one."""
    names = ("goal_s", "goals", "present", "torque", "truth_s", "truth")
    arrays = {name: np.concatenate([getattr(log, name) for log in logs]) for name in names}
    return DeviceLog(**arrays, stalled_s=sum(log.stalled_s for log in logs))
