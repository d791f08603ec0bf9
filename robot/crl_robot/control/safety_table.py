"""What is watched, how it is noticed, what happens then and how soon: the one list, rendered in docs/safety.md."""

from __future__ import annotations

from crl_robot.control.safety_row import SafetyRow
from crl_robot.control.safety_rows import COMMAND_ROWS, MOTION_ROWS
from crl_robot.control.safety_rows_arm import ARM_ROWS, DEVICE_ROWS, NODE_ROWS

__all__ = ["SAFETY_TABLE", "SafetyRow", "render_table", "render_tests"]

SAFETY_TABLE = COMMAND_ROWS + MOTION_ROWS + ARM_ROWS + NODE_ROWS + DEVICE_ROWS


def render_table() -> str:
    """The table in Markdown."""
    head = "| Row | Condition | Detection | Reaction | Time | Watched by |\n|---|---|---|---|---|---|\n"
    rows = ((f"`{r.event}`", r.condition, r.detection, r.reaction, r.time, r.by) for r in SAFETY_TABLE)
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def render_tests() -> str:
    """The test of every row in Markdown."""
    return "| Row | Test |\n|---|---|\n" + "".join(f"| `{r.event}` | `{r.test}` |\n" for r in SAFETY_TABLE)
