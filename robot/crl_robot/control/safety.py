"""Limits between every command source and every arm, as pure functions; nothing here knows the policy or the arm.

The controller calls these in order: check, shorten the step, box, leash (`crl_robot.control.leash`), joints,
dexterity. The whole list of what is watched and what happens then is `SAFETY_TABLE` in
`crl_robot.control.safety_table`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import ACTION_DIM
from crl_robot.errors import ArmError, ConfigError, ContractError, RefusedError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SafetyLimits:
    """What the arm may do. Positions are of the tool point in the base frame.

    Attributes:
        workspace_low, workspace_high: corners (x, y, z) in m of the box that targets stay in.
        max_step_m, max_step_rad: largest delta per axis in one control tick.
        leash_m, leash_rad: how far the target may be ahead of the measured pose.
        joint_speed: largest joint speed in rad/s.
        joint_margin_rad: distance kept from every joint limit.
        home_speed: joint speed in rad/s of a move to the home pose.
        stale_action_s: oldest observation an action may be computed from, when it arrives.
        future_action_s: how far an action's stamp may lie ahead of the arm's clock.
        hold_periods: control periods without an action after which the arm holds.
        deadman_s: oldest message of a pressed dead-man switch with which the arm may move; 0 when none is required.
        stale_joints_s: oldest joint state that is believed.
        clock_jump_s: longest time between two inner ticks while the arm moves.
        singularity: smallest singular value of the scaled Jacobian below which steps may not lower it further.
        self_clearance_m: distance kept between bodies of the arm that are not neighbours.
        table_clearance_m: distance kept between the arm and the table.
        table_z: height of the table top in the base frame, m.
        gripper_hysteresis: smallest change of the gripper command that moves it; 0 and 1 always do.
        inner_rate_hz: rate of the arm's own loop.
    """

    workspace_low: tuple[float, float, float] = (0.15, -0.20, 0.015)
    workspace_high: tuple[float, float, float] = (0.45, 0.20, 0.25)
    max_step_m: float = 0.05
    max_step_rad: float = 0.25
    leash_m: float = 0.08
    leash_rad: float = 0.3
    joint_speed: float = float(np.pi)
    joint_margin_rad: float = 0.02
    home_speed: float = 0.5
    stale_action_s: float = 0.5
    future_action_s: float = 0.1
    hold_periods: float = 2.0
    deadman_s: float = 0.0
    stale_joints_s: float = 0.25
    clock_jump_s: float = 0.5
    singularity: float = 0.05
    self_clearance_m: float = 0.005
    table_clearance_m: float = 0.002
    table_z: float = 0.0
    gripper_hysteresis: float = 0.1
    inner_rate_hz: float = 50.0

    def __post_init__(self) -> None:
        for name in ("workspace_low", "workspace_high"):
            corner = tuple(float(v) for v in getattr(self, name))
            if len(corner) != 3 or not np.isfinite(corner).all():
                raise ConfigError(f"{name} is {corner}, expected three finite numbers (x, y, z) in m")
            object.__setattr__(self, name, corner)
        if not np.less(self.workspace_low, self.workspace_high).all():
            raise ConfigError(
                f"workspace {self.workspace_low} .. {self.workspace_high} is empty; low must be below high"
            )
        for name, value in asdict(self).items():
            if isinstance(value, tuple):
                continue
            low = _LOWEST.get(name, float(np.nextafter(0.0, 1.0)))
            if not (np.isfinite(value) and value >= low):
                above = "of any sign" if low < 0 else "of at least 0" if low == 0 else "above 0"
                raise ConfigError(f"{name} is {value}, expected a finite number {above}")


_LOWEST: dict[str, float] = {
    "joint_margin_rad": 0.0,
    "gripper_hysteresis": 0.0,
    "future_action_s": 0.0,
    "deadman_s": 0.0,
    "singularity": 0.0,
    "table_z": -np.inf,
}


def check_values(values: NDArray[Any]) -> None:
    """Raise ContractError unless ``values`` are seven finite numbers."""
    if np.shape(values) != (ACTION_DIM,):
        raise ContractError(f"action has shape {np.shape(values)}, expected ({ACTION_DIM},)")
    if not np.isfinite(values).all():
        raise ContractError(f"action is not finite: {np.asarray(values).tolist()}; the arm holds")


def check_fresh(stamp_ns: int, now_ns: int, limits: SafetyLimits) -> None:
    """Raise RefusedError when an action was computed from an observation that is too old or lies in the future."""
    age_s = (now_ns - stamp_ns) / 1e9
    if age_s > limits.stale_action_s:
        raise RefusedError(
            "stale_action",
            f"action is {age_s:.3f} s old, at most {limits.stale_action_s} s is allowed; "
            "is the camera or the policy too slow, or a stream stalled?",
        )
    if age_s < -limits.future_action_s:
        raise RefusedError(
            "future_action",
            f"action is stamped {-age_s:.3f} s ahead of the arm's clock, "
            f"at most {limits.future_action_s} s is allowed; synchronise the clocks",
        )


def clip_step(delta: Array, limits: SafetyLimits) -> Array:
    """(6,) dx, dy, dz, droll, dpitch, dyaw -> the same with every axis inside the step limits."""
    bound = np.repeat([limits.max_step_m, limits.max_step_rad], 3)
    return np.clip(delta, -bound, bound)


def clip_to_workspace(base: Array, target: Array, limits: SafetyLimits) -> Array:
    """(3,) target clipped per axis to the box, or to where ``base`` already is: never further out than it was."""
    low = np.minimum(limits.workspace_low, base)
    high = np.maximum(limits.workspace_high, base)
    return np.clip(target, low, high)


def gripper_target(current: float, command: float, limits: SafetyLimits) -> float:
    """The new gripper opening in 0..1: ``current`` unless the command differs by the hysteresis or is an end stop."""
    command = float(np.clip(command, 0.0, 1.0))
    keeps = abs(command - current) <= limits.gripper_hysteresis and command not in (0.0, 1.0)
    return current if keeps else command


def check_joints(
    target: Array, previous: Array, joint_limits: Array, limits: SafetyLimits, names: Sequence[str]
) -> None:
    """Raise ArmError when a joint (N,) comes within the margin of its limit (N, 2) and nearer to it than before.

    So does one that is not a number.
    """
    low = np.minimum(joint_limits[:, 0] + limits.joint_margin_rad, previous)
    high = np.maximum(joint_limits[:, 1] - limits.joint_margin_rad, previous)
    inside = (target >= low - 1e-9) & (target <= high + 1e-9)
    for index in np.flatnonzero(~inside).tolist():
        raise ArmError(
            f"joint '{names[index]}' would go to {target[index]:.3f} rad, expected "
            f"{low[index]:.3f} .. {high[index]:.3f} (limits less {limits.joint_margin_rad} rad); choose another pose"
        )


def limit_joint_step(current: Array, target: Array, max_step: float) -> Array:
    """(N,) ``target``, or the point on the way to it where the fastest joint has moved by ``max_step`` rad."""
    step = target - current
    largest = float(np.abs(step).max())
    return target if largest <= max_step else current + step * (max_step / largest)


def dexterity(jacobian: Array, limits: SafetyLimits) -> float:
    """Smallest singular value of the tool's Jacobian (6, N), in rad per rad.

    Positions are scaled by max_step_m / max_step_rad (0.2 m by default), so that the largest step of the position and
    of the rotation count alike. Below it some direction costs the joints more than 1 / dexterity times the motion.
    """
    scaled = jacobian.copy()
    scaled[:3] /= limits.max_step_m / limits.max_step_rad
    return float(np.linalg.svd(scaled, compute_uv=False)[-1])


def check_dexterity(before: float, after: float, limits: SafetyLimits) -> None:
    """Raise RefusedError when a step leads to a singular pose, or deeper into one."""
    if after < limits.singularity and after < before:
        raise RefusedError(
            "singularity",
            f"the target is near a singular pose: dexterity {after:.3f}, expected at least {limits.singularity}; "
            "stay further from the stretched arm and from aligned wrist axes",
        )
