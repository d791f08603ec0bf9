"""What is watched, how it is noticed, what happens then and how soon: the one list, rendered in docs/safety.md.

``event`` is the key under which `ArmController.events` and /arm/status count it.
"""

from __future__ import annotations

from dataclasses import dataclass

from crl_robot.safety import SafetyLimits

_L = SafetyLimits()
_INNER_MS = round(1000 / _L.inner_rate_hz)


@dataclass(frozen=True)
class SafetyRow:
    """One condition; ``time`` is from its occurrence to the reaction, at the default limits."""

    event: str
    condition: str
    detection: str
    reaction: str
    time: str


SAFETY_TABLE = (
    SafetyRow(
        "bad_action",
        "Action with NaN or infinity, another shape or other names",
        "every Action is checked before anything else",
        "refused; the arm holds",
        "at once",
    ),
    SafetyRow(
        "stale_action",
        "Stale Action, or stale image: the stamp of an Action is that of the newest frame behind it",
        f"stamp older than {_L.stale_action_s} s on arrival",
        "refused; the arm holds",
        "at once",
    ),
    SafetyRow(
        "future_action",
        "Clocks differ: Action stamped in the future",
        f"stamp more than {_L.future_action_s} s ahead",
        "refused; the arm holds",
        "at once",
    ),
    SafetyRow(
        "not_enabled",
        "Action or home while disabled, e-stopped or homing",
        "mode of the controller",
        "refused; the arm stays held, a homing move ends in a hold",
        "at once",
    ),
    SafetyRow(
        "silence",
        "Command source died, hangs or was stopped",
        f"no accepted Action for {_L.hold_periods:g} control periods",
        "the arm holds; the next Action starts from the measured pose",
        f"{_L.hold_periods:g} control periods + {_INNER_MS} ms",
    ),
    SafetyRow(
        "step",
        "Delta too large",
        f"more than {_L.max_step_m} m or {_L.max_step_rad} rad on an axis in one tick",
        "shortened per axis",
        "same tick",
    ),
    SafetyRow(
        "workspace",
        "Target outside the workspace box",
        f"{_L.workspace_low} .. {_L.workspace_high} m",
        "shortened per axis to the box; an arm that starts outside may only move inwards",
        "same tick",
    ),
    SafetyRow(
        "leash",
        "Arm blocked, pushed or lagging: the target runs ahead",
        f"target more than {_L.leash_m} m or {_L.leash_rad} rad from the measured pose",
        "target re-seeded from the measured pose at the length of the leash",
        "same tick",
    ),
    SafetyRow(
        "joint_speed",
        "A joint would have to turn too fast",
        f"more than {_L.joint_speed:.2f} rad/s over a control tick, or in an inner tick",
        "step shortened, or refused and held when that does not help; inner ticks are limited as well",
        "same tick",
    ),
    SafetyRow(
        "unreachable",
        "No joint solution, or a joint within the margin of its limit",
        f"inverse kinematics fails, or less than {_L.joint_margin_rad} rad to a limit",
        "refused; the arm holds",
        "at once",
    ),
    SafetyRow(
        "clock_went_back",
        "The clock of the stamps is set back",
        "an inner tick is earlier than the one before",
        "the arm holds",
        f"{_INNER_MS} ms",
    ),
    SafetyRow(
        "arm_fault",
        "The arm does not answer or does not take a command",
        "the driver raises ArmError",
        "e-stop latched; holding is tried again at every inner tick",
        f"{_INNER_MS} ms",
    ),
    SafetyRow(
        "estop",
        "Operator calls /arm/estop",
        "service",
        "the arm holds and stays so until /arm/reset and then /arm/enable",
        f"{_INNER_MS} ms",
    ),
    SafetyRow(
        "disabled",
        "Operator disables, the node is deactivated, or the process gets SIGINT or SIGTERM",
        "service, lifecycle, signal",
        "the arm holds and refuses Actions",
        "0.1 s",
    ),
    SafetyRow(
        "homed",
        "A move to the home pose ends",
        "its time has passed",
        "the arm holds",
        "0.3 s",
    ),
    SafetyRow(
        "home_refused",
        "The way home comes too near the table",
        "tool height at 20 points of the way",
        "refused; the arm stays held",
        "at once",
    ),
)


def render_table() -> str:
    """The table in Markdown."""
    head = "| Counter | Condition | Detection | Reaction | Time |\n|---|---|---|---|---|\n"
    rows = (f"| `{r.event}` | {r.condition} | {r.detection} | {r.reaction} | {r.time} |\n" for r in SAFETY_TABLE)
    return head + "".join(rows)
