"""The read-only parameters of a node that owns an arm: what Actions mean to it, and its limits."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from crl_robot.contracts import ActionSpec
from crl_robot.control.safety import SafetyLimits
from crl_robot.nodes.common import CrlNode

LIMIT_TEXTS = {
    "workspace_low": "low corner (x, y, z) of the box for the tool point, m in the base frame",
    "workspace_high": "high corner (x, y, z) of the box for the tool point, m in the base frame",
    "max_step_m": "largest position delta per axis in one control tick, m",
    "max_step_rad": "largest rotation delta per axis in one control tick, rad",
    "leash_m": "how far the target may be ahead of the measured position, m",
    "leash_rad": "how far the target may be ahead of the measured orientation, rad",
    "joint_speed": "largest joint speed, rad/s",
    "joint_margin_rad": "distance kept from joint limits, rad",
    "home_speed": "joint speed of a move to the home pose, rad/s",
    "stale_action_s": "oldest observation an action may be computed from, s",
    "future_action_s": "how far an action's stamp may lie ahead of the arm's clock, s",
    "hold_periods": "control periods without an action after which the arm holds",
    "deadman_s": "age of the last pressed arm/deadman with which the arm may still move, s; 0: none is required",
    "stale_joints_s": "oldest joint state that is believed, s",
    "clock_jump_s": "longest time between two inner ticks while the arm moves, s",
    "singularity": "smallest singular value of the scaled Jacobian; steps that lower it further are refused",
    "self_clearance_m": "distance kept between bodies of the arm that are not neighbours, m",
    "table_clearance_m": "distance kept between the arm and the table, m",
    "table_z": "height of the table top in the base frame, m",
    "gripper_hysteresis": "smallest change of the gripper command that moves it",
    "inner_rate_hz": "rate of the arm's own loop, Hz",
}


def action_spec_setting(node: CrlNode) -> ActionSpec:
    """Declare and read action.rate_hz and action.reference."""
    default = ActionSpec()
    rate = node.setting("action.rate_hz", default.rate_hz, "control rate, Hz; deltas are per control tick", 0.1, 100.0)
    reference: Any = node.setting(
        "action.reference", str(default.reference), "what deltas are added to: previous_target or measured"
    )
    return ActionSpec(rate, reference)


def limits_setting(node: CrlNode, default: SafetyLimits | None = None) -> SafetyLimits:
    """Declare and read limits.*; the defaults are those of SafetyLimits unless others are given."""
    default = default or SafetyLimits()
    values: dict[str, Any] = {}
    for field in fields(SafetyLimits):
        value = getattr(default, field.name)
        value = list(value) if isinstance(value, tuple) else value
        values[field.name] = node.setting(f"limits.{field.name}", value, LIMIT_TEXTS[field.name])
    return SafetyLimits(**values)
