"""The rows of the safety table that `ArmController` watches, first of two parts: the command and the motion."""

from __future__ import annotations

from crl_robot.contracts import ActionSpec
from crl_robot.control.joint_move import HOME_SETTLE_S, HOME_TOLERANCE_RAD
from crl_robot.control.safety import SafetyLimits
from crl_robot.control.safety_row import SafetyRow

_L = SafetyLimits()
_INNER_S = round(1 / _L.inner_rate_hz, 3)
_SILENCE_S = _L.hold_periods * ActionSpec().period_s
_HOLDS = "refused; the arm holds"

COMMAND_ROWS = (
    SafetyRow(
        "not_enabled",
        "Action or home while disabled, e-stopped or homing",
        "mode of the controller",
        "refused; the arm stays held, a homing move ends in a hold",
        0,
    ),
    SafetyRow(
        "second_source",
        "Two command sources at a time",
        f"an Action of another source within {_L.hold_periods:g} control periods of the last accepted one",
        "refused; the arm goes on to obey the first",
        0,
    ),
    SafetyRow(
        "bad_action",
        "Action with NaN or infinity, another shape or other names",
        "every Action is checked before anything else",
        _HOLDS,
        0,
    ),
    SafetyRow(
        "stale_action",
        "Stale Action, or stale image: the stamp of an Action is that of the newest frame behind it",
        f"stamp older than {_L.stale_action_s} s on arrival",
        _HOLDS,
        0,
    ),
    SafetyRow(
        "future_action",
        "Clocks differ: Action stamped in the future",
        f"stamp more than {_L.future_action_s} s ahead",
        _HOLDS,
        0,
    ),
    SafetyRow(
        "deadman",
        "Dead-man switch released, or silent, where limits.deadman_s requires one",
        "no message of a pressed switch within limits.deadman_s",
        "the arm holds; Actions and home are refused",
        _INNER_S,
    ),
    SafetyRow(
        "silence",
        "Command source died, hangs or was stopped",
        f"no accepted Action for {_L.hold_periods:g} control periods",
        "the arm holds; the next Action starts from the measured pose",
        round(_SILENCE_S + _INNER_S, 3),
    ),
)

MOTION_ROWS = (
    SafetyRow(
        "step",
        "Delta too large",
        f"more than {_L.max_step_m} m or {_L.max_step_rad} rad on an axis in one tick",
        "shortened per axis",
        0,
    ),
    SafetyRow(
        "workspace",
        "Target outside the workspace box",
        f"{_L.workspace_low} .. {_L.workspace_high} m",
        "shortened per axis to the box; an arm that starts outside may only move inwards",
        0,
    ),
    SafetyRow(
        "leash",
        "Arm blocked, pushed or lagging: the target runs ahead",
        f"target more than {_L.leash_m} m or {_L.leash_rad} rad from the measured pose; on the way home a joint more "
        f"than {_L.leash_rad} rad from its target, or {HOME_TOLERANCE_RAD} rad from home at the end",
        "target re-seeded from the measured pose at the length of the leash, joints that are sent between two Actions "
        "pulled in to it; a move home ends in a hold",
        0,
    ),
    SafetyRow(
        "joint_speed",
        "A joint would have to turn too fast",
        f"more than {_L.joint_speed:.2f} rad/s over a control tick, or in an inner tick",
        "step shortened, or refused and held when that does not help; inner ticks are limited as well",
        0,
    ),
    SafetyRow(
        "unreachable",
        "No joint solution, or a joint within the margin of its limit",
        f"inverse kinematics fails, or less than {_L.joint_margin_rad} rad to a limit",
        _HOLDS,
        0,
    ),
    SafetyRow(
        "singularity",
        "Near a singular pose: stretched arm, aligned wrist axes",
        f"dexterity of the target below {_L.singularity} and lower than now",
        f"{_HOLDS}; steps out of it pass",
        0,
    ),
    SafetyRow(
        "self_collision",
        "The arm would touch itself or its pedestal",
        f"less than {_L.self_clearance_m * 1e3:g} mm between bodies that are not neighbours, at the target or before",
        f"{_HOLDS}; steps out of it pass",
        0,
    ),
    SafetyRow(
        "table_contact",
        "The arm would touch the table",
        f"less than {_L.table_clearance_m * 1e3:g} mm between a body and the table, at the target or before",
        f"{_HOLDS}; steps out of it pass",
        0,
    ),
    SafetyRow(
        "home_refused",
        "The way home comes too near the table, or ends at a joint limit",
        "tool height at 20 points of the way; joint limits; clearances count under their own rows",
        "refused; the arm stays held",
        0,
    ),
    SafetyRow(
        "homed", "A move to the home pose ends", "its time has passed, and it is there", "the arm holds", HOME_SETTLE_S
    ),
)
