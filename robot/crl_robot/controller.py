"""Between every command source and every arm: takes Actions at the control rate and drives joints at the inner rate.

Plain Python without threads; the clock is passed in as ``now_ns`` (the clock of the stamps). The caller calls
`inner_tick` at `SafetyLimits.inner_rate_hz` and `submit` for each Action, never both at once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from crl_robot import safety
from crl_robot.contracts import Action, ActionSpec, Arm, ArmState, JointReading, Pose
from crl_robot.errors import ArmError, ConfigError, ContractError
from crl_robot.geometry import matrix_from_quat, matrix_from_rpy, quat_from_matrix

Array = NDArray[np.float64]
HOME_SETTLE_S = 0.3
_HOME_PATH_SAMPLES = 20


class Kinematics(Protocol):
    """What the controller needs to know about an arm's geometry; joints (N,) in rad."""

    @property
    def joint_limits(self) -> Array:
        """(N, 2) low and high in rad."""
        ...

    def forward(self, q: Array) -> Pose: ...

    def solve(self, target: Pose, q_seed: Array) -> Array:
        """Joints that reach ``target``, near ``q_seed``. Raises ArmError when there are none."""
        ...


@dataclass(frozen=True)
class _Move:
    """Straight line in joint space from ``start`` at ``start_ns`` to ``end`` ``duration_s`` later.

    The arm holds ``timeout_s`` after the start, counting ``timeout_event``, unless another move began.
    """

    start: Array
    end: Array
    gripper_start: float
    gripper_end: float
    start_ns: int
    duration_s: float
    timeout_s: float
    timeout_event: str
    timeout_reason: str


class ArmController:
    """Validates, limits and interpolates; every refusal and every silence ends with the arm holding.

    ``events`` counts what happened under the keys of `crl_robot.safety_table.SAFETY_TABLE`, plus 'accepted'.
    """

    def __init__(
        self, arm: Arm, kinematics: Kinematics, spec: ActionSpec, limits: safety.SafetyLimits, now_ns: int
    ) -> None:
        if spec.frame != "base":
            raise ConfigError(f"action frame is {spec.frame!r}, expected 'base'; the controller knows no other frame")
        self.spec = spec
        self.limits = limits
        self.events: Counter[str] = Counter()
        self._arm = arm
        self._kinematics = kinematics
        self._mode = "disabled"
        self._reason = "not enabled yet"
        self._move: _Move | None = None
        self._inner_ns = round(1e9 / limits.inner_rate_hz)
        self._tick_ns = now_ns - self._inner_ns
        self._hold_pending = True
        reading = arm.read()
        self._reseed(reading)
        self._reseed_gripper(reading)

    @property
    def mode(self) -> str:
        return self._mode

    @property
    def reason(self) -> str:
        return self._reason

    def state(self) -> ArmState:
        """The arm now. Raises ArmError (and latches the e-stop) when it cannot be read."""
        reading = self._read()
        measured = self._kinematics.forward(reading.position)
        return ArmState(reading, measured, self._target, self._gripper_target, self._mode, self._reason)

    def enable(self) -> None:
        """Allow motion; the arm holds until the first Action. Raises ArmError while the e-stop is latched."""
        if self._mode == "estopped":
            raise ArmError(f"e-stop is latched ({self._reason}); clear the cause and reset before enabling")
        if self._mode == "disabled":
            self._reseed_gripper(self._read())
            self._stop("holding", "enabled, waiting for actions")

    def disable(self) -> None:
        """Hold and refuse Actions until enabled. An e-stop stays latched."""
        self.events["disabled"] += 1
        if self._mode != "estopped":
            self._stop("disabled", "disabled by the operator")

    def estop(self, reason: str) -> None:
        """Hold now and refuse everything until `reset`."""
        self.events["estop"] += 1
        self._stop("estopped", reason)

    def reset(self) -> None:
        """Clear a latched e-stop; the arm stays disabled."""
        if self._mode == "estopped":
            self._stop("disabled", "e-stop was reset, not enabled yet")

    def hold(self, reason: str, event: str) -> None:
        """Stop where the arm is and wait for the next Action; counts ``event``. Does not enable or un-latch.

        An arm that holds already is not told again: each hold takes the measured, sagged pose as the new one, and an
        arm that refuses a stream of Actions would creep down.
        """
        self.events[event] += 1
        if self._mode == "moving":
            self._stop("holding", reason)
        elif self._mode == "holding":
            self._reason = reason

    def resync(self, reason: str) -> None:
        """Hold where the arm now is, in the mode it has, after something else moved it. Raises ArmError when silent."""
        moving = self._mode == "moving"
        self._stop("holding" if moving else self._mode, reason if moving else self._reason)
        self._reseed_gripper(self._read())

    def home(self, q_home: Array, now_ns: int) -> None:
        """Move slowly to the joints ``q_home`` (N,).

        Raises ArmError when not enabled, or when the straight way in joint space comes too near the table.
        """
        self._require_enabled()
        q_home = np.asarray(q_home, dtype=np.float64)
        self._stop("holding", "asked to go home")
        safety.check_joints(q_home, self._q, self._kinematics.joint_limits, self.limits, self._arm.joint_names)
        self._check_home_path(q_home)
        duration = max(float(np.abs(q_home - self._q).max()) / self.limits.home_speed, 1.0 / self.limits.inner_rate_hz)
        self._target = self._kinematics.forward(q_home)
        gripper = self._gripper
        timeout = duration + HOME_SETTLE_S
        start_ns = self._next_tick_ns(now_ns)
        self._begin(_Move(self._q, q_home, gripper, gripper, start_ns, duration, timeout, "homed", "at home"), "homing")

    def submit(self, action: Action, now_ns: int) -> Action:
        """Start moving by ``action``; returns the Action really commanded, with the same stamp.

        Raises:
            ContractError: the values are not seven finite numbers, or the kinematics cannot use the joints.
            ArmError: disabled, e-stopped, homing, stale, stamped ahead, out of reach, or the arm does not answer.
        The arm holds after either.
        """
        self._require_enabled()
        if self._move is not None and self._move.timeout_event == "homed":
            self.hold("an action arrived while homing", "not_enabled")
            raise ArmError("the arm is homing; send actions when /arm/status says it holds at home")
        try:
            safety.check_values(action.values)
        except ContractError as error:
            self.hold(str(error), "bad_action")
            raise
        try:
            safety.check_fresh(action.stamp_ns, now_ns, self.limits)
        except ArmError as error:
            self.hold(str(error), "stale_action" if action.stamp_ns < now_ns else "future_action")
            raise
        try:
            return self._start_action(action, now_ns)
        except (ArmError, ContractError) as error:
            if self._mode != "estopped":
                self.hold(str(error), "unreachable")
            raise

    def inner_tick(self, now_ns: int) -> None:
        """Send the next joint target, or hold when the command source fell silent."""
        elapsed_s = (now_ns - self._tick_ns) / 1e9
        self._tick_ns = now_ns
        if self._hold_pending:
            self._try_hold()
        if self._move is None:
            return
        if elapsed_s < 0:
            self.hold(f"the clock went back by {-elapsed_s:.3f} s", "clock_went_back")
        elif (now_ns - self._move.start_ns) / 1e9 > self._move.timeout_s:
            self.hold(self._move.timeout_reason, self._move.timeout_event)
        else:
            self._advance(self._move, now_ns, elapsed_s)

    def _start_action(self, action: Action, now_ns: int) -> Action:
        reading = self._read()
        measured = self._kinematics.forward(reading.position)
        base = measured if self.spec.reference == "measured" else self._target
        delta = action.values[:6].astype(np.float64)
        position, rotation = self._limited_base(base, measured)
        delta = self._limited_delta(position, rotation, delta, measured)
        q_target, delta = self._solve(position, rotation, delta)
        self._target = _moved(position, rotation, delta)
        self._gripper_target = safety.gripper_target(self._gripper_target, float(action.values[6]), self.limits)
        period = self.spec.period_s
        timeout = self.limits.hold_periods * period
        reason = f"no action for {timeout:.2f} s"
        start_ns, gripper = self._next_tick_ns(now_ns), self._gripper_target
        self._begin(_Move(self._q, q_target, self._gripper, gripper, start_ns, period, timeout, "silence", reason))
        self.events["accepted"] += 1
        return Action(np.append(delta, self._gripper_target).astype(np.float32), action.stamp_ns)

    def _limited_base(self, base: Pose, measured: Pose) -> tuple[Array, Array]:
        """What the delta is added to: the base pose, pulled in to the leash when the arm fell behind."""
        rotation, measured_rotation = matrix_from_quat(base.quat_wxyz), matrix_from_quat(measured.quat_wxyz)
        position = safety.pull_in(base.position, measured.position, self.limits.leash_m)
        pulled = safety.pull_in_rotation(rotation, measured_rotation, self.limits.leash_rad)
        if position is not base.position or pulled is not rotation:
            self.events["leash"] += 1
        return position, pulled

    def _limited_delta(self, position: Array, rotation: Array, delta: Array, measured: Pose) -> Array:
        """(6,) delta inside step limits, box and leash; each only ever shortens it."""
        limits = self.limits
        stepped = safety.clip_step(delta, limits)
        boxed = stepped.copy()
        boxed[:3] = safety.clip_to_workspace(position, position + stepped[:3], limits) - position
        leashed = boxed.copy()
        leashed[:3] *= safety.leash_fraction(position, boxed[:3], measured.position, limits.leash_m)
        leashed[3:] *= safety.leash_fraction_rotation(
            rotation, boxed[3:], matrix_from_quat(measured.quat_wxyz), limits.leash_rad
        )
        self.events["step"] += int((stepped != delta).any())
        self.events["workspace"] += int((np.abs(boxed - stepped) > 1e-9).any())
        self.events["leash"] += int((leashed != boxed).any())
        return leashed

    def _solve(self, position: Array, rotation: Array, delta: Array) -> tuple[Array, Array]:
        """Joints for the delta, shortened once when a joint would have to turn faster than it may."""
        reach = self.limits.joint_speed * self.spec.period_s
        q_target = self._checked_ik(_moved(position, rotation, delta))
        largest = float(np.abs(q_target - self._q).max())
        if largest > reach:
            self.events["joint_speed"] += 1
            delta = delta * (0.9 * reach / largest)
            q_target = self._checked_ik(_moved(position, rotation, delta))
            largest = float(np.abs(q_target - self._q).max())
        if largest > reach:
            raise ArmError(f"a joint would turn {largest:.2f} rad in one tick, at most {reach:.2f} rad is allowed")
        return q_target, delta

    def _checked_ik(self, target: Pose) -> Array:
        q_target = np.asarray(self._kinematics.solve(target, self._q_target), dtype=np.float64)
        safety.check_joints(q_target, self._q, self._kinematics.joint_limits, self.limits, self._arm.joint_names)
        return q_target

    def _check_home_path(self, q_home: Array) -> None:
        floor = min(self.limits.workspace_low[2], float(self._target.position[2])) - 0.005
        for fraction in np.linspace(0.0, 1.0, _HOME_PATH_SAMPLES):
            height = self._kinematics.forward(self._q + fraction * (q_home - self._q)).position[2]
            if height < floor:
                self.events["home_refused"] += 1
                raise ArmError(f"the way home passes {height:.3f} m above the base, below {floor:.3f} m; raise the arm")

    def _advance(self, move: _Move, now_ns: int, elapsed_s: float) -> None:
        """Command the point of the line that should be reached by the end of this inner tick."""
        passed_s = (now_ns + self._inner_ns - move.start_ns) / 1e9
        fraction = float(np.clip(passed_s / move.duration_s, 0.0, 1.0))
        wanted = move.start + fraction * (move.end - move.start)
        step = self.limits.joint_speed * min(elapsed_s, 2 * self._inner_ns / 1e9)
        self._q = safety.limit_joint_step(self._q, wanted, step)
        self._gripper = move.gripper_start + fraction * (move.gripper_end - move.gripper_start)
        try:
            self._arm.command(self._q, self._gripper)
        except ArmError as error:
            self._arm_fault(error)

    def _next_tick_ns(self, now_ns: int) -> int:
        """When the next inner tick is due: a move that starts there runs evenly, whenever it was asked for."""
        return int(np.clip(self._tick_ns + self._inner_ns, now_ns - self._inner_ns, now_ns + self._inner_ns))

    def _begin(self, move: _Move, reason: str = "") -> None:
        self._move, self._q_target = move, move.end
        self._mode, self._reason = "moving", reason

    def _stop(self, mode: str, reason: str) -> None:
        self._mode, self._reason, self._move = mode, reason, None
        self._hold_pending = True
        self._try_hold()

    def _try_hold(self) -> None:
        """Hold once; tried again at the next inner tick as long as the arm does not take it."""
        try:
            self._arm.hold()
            self._reseed(self._arm.read())
            self._hold_pending = False
        except ArmError as error:
            self.events["arm_fault"] += 1
            self._mode, self._reason = "estopped", f"arm fault: {error}"

    def _reseed(self, reading: JointReading) -> None:
        """Take the measured joints as the target; the gripper keeps its command, or a held object would fall."""
        self._q = np.array(reading.position)
        self._q_target = self._q
        self._target = self._kinematics.forward(self._q)

    def _reseed_gripper(self, reading: JointReading) -> None:
        self._gripper = self._gripper_target = float(np.clip(reading.gripper, 0.0, 1.0))

    def _read(self) -> JointReading:
        try:
            return self._arm.read()
        except ArmError as error:
            self._arm_fault(error)
            raise

    def _arm_fault(self, error: ArmError) -> None:
        self.events["arm_fault"] += 1
        self._stop("estopped", f"arm fault: {error}")

    def _require_enabled(self) -> None:
        if self._mode in ("disabled", "estopped"):
            self.events["not_enabled"] += 1
            hint = "reset, then enable it" if self._mode == "estopped" else "enable it first"
            raise ArmError(f"the arm is {self._mode} ({self._reason}); {hint}")


def _moved(position: Array, rotation: Array, delta: Array) -> Pose:
    """The pose after a delta: position is added, R' = Rz Ry Rx R about the tool point."""
    return Pose(position + delta[:3], quat_from_matrix(matrix_from_rpy(delta[3:]) @ rotation))
