"""Drives an arm's joints: streams targets along a move, or holds. Knows joints and ticks, no Actions and no modes.

Everything here raises ArmError when the arm does not do it; the `ArmController` then latches its e-stop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import Arm, JointReading, Pose
from crl_robot.control import leash, safety
from crl_robot.control.joint_move import JointMove
from crl_robot.control.step_planner import Kinematics, Stand
from crl_robot.control.watched_arm import WatchedArm

Array = NDArray[np.float64]
_GRIPPER_STANDS = 0.05


class JointDrive:
    """Where the arm is commanded to be, and the `move` that it is in."""

    def __init__(self, arm: Arm, kinematics: Kinematics, limits: safety.SafetyLimits, now_ns: int) -> None:
        self.move: JointMove | None = None
        self.hold_pending = True
        self._arm = arm
        self._watched = WatchedArm(arm, limits)
        self._kinematics = kinematics
        self._limits = limits
        self._inner_ns = round(1e9 / limits.inner_rate_hz)
        self._tick_ns = now_ns - self._inner_ns
        reading = self._watched.read_any_age()
        self._reseed(reading)
        self.take_over_gripper(reading)

    @property
    def stand(self) -> Stand:
        """What was commanded last, and where that leads."""
        return Stand(self._q, self._gripper, self._q_target, self._target, self._gripper_target)

    def read(self, now_ns: int) -> JointReading:
        """The newest joints; see `WatchedArm.read`."""
        return self._watched.read(now_ns)

    def tick(self, now_ns: int) -> float:
        """Take note of an inner tick; returns the seconds since the last one."""
        elapsed_s = (now_ns - self._tick_ns) / 1e9
        self._tick_ns = now_ns
        return elapsed_s

    def next_tick_ns(self, now_ns: int) -> int:
        """When the next inner tick is due: a move that starts there runs evenly, whenever it was asked for."""
        return int(np.clip(self._tick_ns + self._inner_ns, now_ns - self._inner_ns, now_ns + self._inner_ns))

    def begin(self, move: JointMove, target: Pose) -> None:
        """Go along ``move``, which ends with the tool at ``target``."""
        self.move, self._q_target, self._target = move, move.end, target
        self._gripper_target = move.gripper_end

    def advance(self, move: JointMove, now_ns: int, elapsed_s: float) -> None:
        """Command the point of the move that should be reached by the end of this inner tick."""
        wanted, self._gripper = move.at(now_ns + self._inner_ns)
        if not move.homing:
            wanted = self._leashed(wanted, now_ns)
        step = self._limits.joint_speed * min(elapsed_s, 2 * self._inner_ns / 1e9)
        self._q = safety.limit_joint_step(self._q, wanted, step)
        self._arm.command(self._q, self._gripper)

    def _leashed(self, wanted: Array, now_ns: int) -> Array:
        """(N,) ``wanted``, on the leash of where the arm is now: it may have moved away since its Action was planned.

        A move home is watched by the controller. The arm is asked only when its last reading is half a leash away: an
        exchange with real servos takes milliseconds.
        """
        known, length = self._watched.newest, self._limits.leash_m
        if known and np.linalg.norm(self._position(wanted) - self._position(known.position)) <= 0.5 * length:
            return wanted
        return leash.pull_in_joints(wanted, self.read(now_ns).position, self._position, length)

    def _position(self, q: Array) -> Array:
        return self._kinematics.forward(q).position

    def hold(self) -> None:
        """Tell the arm to hold and start from there; `hold_pending` stays until it did so.

        The gripper keeps its command, or a held object would fall.
        """
        moved = self.move is not None
        self.move, self.hold_pending = None, True
        self._arm.hold()
        reading = self._watched.read_any_age()
        self._reseed(reading)
        self.hold_pending = False
        if moved:
            self._gripper_left = reading.gripper

    def resume_gripper(self, reading: JointReading) -> None:
        """Keep the command of a gripper that stands where it was left, as one that squeezes an object does.

        One that was moved since, as by hand or without torque, stays where it is.
        """
        if abs(reading.gripper - self._gripper_left) > _GRIPPER_STANDS:
            self.take_over_gripper(reading)

    def take_over_gripper(self, reading: JointReading) -> None:
        """Take the measured opening as the commanded one."""
        self._gripper = self._gripper_target = float(np.clip(reading.gripper, 0.0, 1.0))
        self._gripper_left = reading.gripper

    def _reseed(self, reading: JointReading) -> None:
        self._q = np.array(reading.position)
        self._q_target = self._q
        self._target = self._kinematics.forward(self._q)
