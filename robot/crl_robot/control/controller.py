"""Between every command source and every arm: takes Actions at the control rate and drives joints at the inner rate.

Plain Python without threads; the clock is passed in as ``now_ns`` (the clock of the stamps). The caller calls
`inner_tick` at `SafetyLimits.inner_rate_hz` and `submit` for each Action, never both at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import Action, ActionSpec, Arm
from crl_robot.control import safety
from crl_robot.control.arm_modes import ModalArm
from crl_robot.control.collision import CollisionModel
from crl_robot.control.command_sources import CommandSources
from crl_robot.control.joint_drive import JointDrive
from crl_robot.control.joint_move import HOME_TOLERANCE_RAD, JointMove
from crl_robot.control.step_planner import Collisions, Kinematics, StepPlanner
from crl_robot.errors import ArmError, ConfigError, ContractError, RefusedError
from crl_robot.joint_targets import require_near

__all__ = ["ArmController", "Collisions", "Kinematics"]


class ArmController(ModalArm):
    """Validates, limits and interpolates; every refusal and every silence ends with the arm holding.

    ``events`` counts what happened under the keys of `crl_robot.control.safety_table.SAFETY_TABLE`, plus 'accepted'.
    ``collisions`` is by default the `CollisionModel` of the kinematics' arm.
    """

    def __init__(
        self,
        arm: Arm,
        kinematics: Kinematics,
        spec: ActionSpec,
        limits: safety.SafetyLimits,
        now_ns: int,
        collisions: Collisions | None = None,
    ) -> None:
        if spec.frame != "base":
            raise ConfigError(f"action frame is {spec.frame!r}, expected 'base'; the controller knows no other frame")
        collisions = collisions or CollisionModel.of(kinematics.arm, limits)
        super().__init__(arm, JointDrive(arm, kinematics, limits, now_ns), kinematics, collisions, now_ns)
        self.spec, self.limits = spec, limits
        self._silence_s = limits.hold_periods * spec.period_s
        self._planner = StepPlanner(kinematics, collisions, spec, limits, arm.joint_names, self.events)
        self._sources = CommandSources(limits, self._silence_s)

    def deadman(self, pressed: bool, now_ns: int) -> None:
        """Take a message of the dead-man switch; a moving arm holds when it is required and released."""
        self._now_ns = now_ns
        self._sources.deadman(pressed, now_ns)
        self._hold_without_deadman(now_ns)

    def home(self, q_home: NDArray[np.float64], now_ns: int, place: str = "home") -> None:
        """Move slowly to the joints ``q_home`` (N,), which people call ``place``.

        Raises ArmError when not enabled, without a required dead-man, or when the straight way in joint space comes too
        near the table or the arm itself.
        """
        self._require_enabled()
        self._now_ns = now_ns
        q_home = np.asarray(q_home, dtype=np.float64)
        self._read()
        self._stop("holding", f"asked to go {_to(place)}")
        self._require_no_fault()
        with self._refusing("home_refused"):
            self._sources.check_deadman(now_ns)
            self._planner.check_home(q_home, self._drive.stand)
        stand, start_ns = self._drive.stand, self._drive.next_tick_ns(now_ns)
        move = JointMove.to_home(stand.q, q_home, stand.gripper, start_ns, self.limits, place)
        self._drive.begin(move, self._kinematics.forward(q_home))
        self._mode, self._reason = "moving", "homing"

    def submit(self, action: Action, now_ns: int, source: str = "") -> Action:
        """Start moving by ``action``; returns the Action really commanded, with the same stamp.

        ``source`` names who sent it: one source at a time has the arm, and goes on when another one is refused. The arm
        holds after every other refusal.

        Raises:
            ContractError: the values are not seven finite numbers, or the kinematics cannot use the joints.
            ArmError: any other row of the safety table, or the arm does not answer.
        """
        self._require_enabled()
        self._now_ns = now_ns
        self._require_owner(source, now_ns)
        with self._refusing("bad_action"):
            safety.check_values(action.values)
        with self._refusing("unreachable"):
            self._require_not_homing()
            safety.check_fresh(action.stamp_ns, now_ns, self.limits)
            self._sources.check_deadman(now_ns)
            commanded = self._start_action(action, now_ns)
        self._sources.accepted(source, now_ns)
        self.events["accepted"] += 1
        return commanded

    def inner_tick(self, now_ns: int) -> None:
        """Send the next joint target, or hold when the command source fell silent."""
        self._now_ns = now_ns
        elapsed_s = self._drive.tick(now_ns)
        if self._drive.hold_pending:
            self._try_hold()
        self._hold_without_deadman(now_ns)
        move = self._drive.move
        if move is None:
            return
        stop = move.why_stop(now_ns, elapsed_s, self.limits)
        try:
            if move.homing and (stop is None or stop[1] == "homed"):
                stop = self._why_not_home(move, stop)
            if stop:
                self.hold(*stop)
                return
            self._drive.advance(move, now_ns, elapsed_s)
        except ArmError as error:
            self._arm_fault(error)

    def _why_not_home(self, move: JointMove, stop: tuple[str, str] | None) -> tuple[str, str] | None:
        """Reason and event when a homing arm must hold: as given, or since it does not follow or is not there.

        Actions have a leash when they are submitted; a move home is one command for its whole way.
        """
        measured, names = self._drive.read(self._now_ns).position, self._arm.joint_names
        arriving = stop is not None
        where, nearest_rad = (
            (move.end, HOME_TOLERANCE_RAD) if arriving else (self._drive.stand.q, self.limits.leash_rad)
        )
        try:
            require_near(where, measured, names, nearest_rad)
        except ArmError as error:
            where_to = f"did not reach {move.place}" if arriving else f"stopped on the way {_to(move.place)}"
            return f"{where_to}: {error}", "leash"
        return stop

    def _start_action(self, action: Action, now_ns: int) -> Action:
        measured, stand = self._kinematics.forward(self._read().position), self._drive.stand
        step = self._planner.plan(action.values, stand, measured)
        start_ns, period, silence = self._drive.next_tick_ns(now_ns), self.spec.period_s, self._silence_s
        reason = f"no action for {silence:.2f} s"
        move = JointMove(
            stand.q, step.q, stand.gripper, step.gripper, start_ns, period, silence, "silence", reason
        )  # fmt: skip
        self._drive.begin(move, step.pose)
        self._mode, self._reason = "moving", ""
        return Action(np.append(step.delta, step.gripper).astype(np.float32), action.stamp_ns)

    def _hold_without_deadman(self, now_ns: int) -> None:
        if self._mode != "moving":
            return
        try:
            self._sources.check_deadman(now_ns)
        except RefusedError as error:
            self.hold(str(error), error.event)

    @contextmanager
    def _refusing(self, event: str) -> Iterator[None]:
        """Hold when what is done inside is refused, counting the error's own event or else ``event``."""
        try:
            yield
        except (ArmError, ContractError) as error:
            if self._mode != "estopped":
                self.hold(str(error), error.event if isinstance(error, RefusedError) else event)
            raise

    def _require_not_homing(self) -> None:
        if self._drive.move is not None and self._drive.move.homing:
            raise RefusedError("not_enabled", "the arm is homing; send actions when /arm/status says it holds at home")

    def _require_owner(self, source: str, now_ns: int) -> None:
        try:
            self._sources.check_owner(source, now_ns)
        except RefusedError as error:
            self.events[error.event] += 1
            raise


def _to(place: str) -> str:
    """The way to it, in words."""
    return place if place == "home" else f"to {place}"
