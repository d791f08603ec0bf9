"""One row of the safety table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SafetyRow:
    """One condition and what happens then.

    Attributes:
        event: its name, under which `ArmController.events` and /arm/status count it where ``by`` is the controller.
        condition, detection, reaction: what is watched for, how it is noticed, what happens then.
        limit_s: longest time from the condition to the reaction at the default limits; 0 where the command itself is
            refused or changed before anything moves.
        test: the test that fails when the row is switched off, as file::name below tests/.
        by: who watches: 'controller', 'arm node', 'camera node', 'policy node', 'driver' or 'device'.
    """

    event: str
    condition: str
    detection: str
    reaction: str
    limit_s: float
    test: str = "robot/test_safety_rows.py::test_each_row_reacts_to_its_condition"
    by: str = "controller"

    @property
    def time(self) -> str:
        """``limit_s`` in words."""
        return f"{self.limit_s:g} s" if self.limit_s else "at once"
