"""The goals of a run in order, and which of them is acted towards now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crl_learning.goals.check import CheckedGoal
from crl_robot.errors import ContractError


@dataclass
class Stages:
    """Goals in order; ``index`` is the present one, ``reached`` those that were reached in this run."""

    goals: tuple[CheckedGoal, ...] = ()
    index: int = 0
    reached: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.goals)

    @property
    def present(self) -> CheckedGoal | None:
        """The goal that is acted towards; None without any."""
        return self.goals[self.index] if self.goals else None

    @property
    def last(self) -> bool:
        """Whether no stage follows."""
        return self.index >= len(self.goals) - 1

    def replace(self, goals: Sequence[CheckedGoal]) -> None:
        """Other goals; begins with the first."""
        self.goals, self.index, self.reached = tuple(goals), 0, set()

    def go_to(self, index: int) -> CheckedGoal:
        """Make stage ``index`` the present one. Raises ContractError when there is none of that number."""
        if not 0 <= index < len(self.goals):
            raise ContractError(f"stage {index} was asked for, there are {len(self.goals)}, numbered from 0")
        self.index = index
        return self.goals[index]

    @property
    def aim(self) -> CheckedGoal | None:
        """The present goal, or that which the present waypoint leads to."""
        return next((goal for goal in self.goals[self.index :] if goal.waypoint is None), None)

    @property
    def wanted(self) -> tuple[CheckedGoal, ...]:
        """The goals without the waypoints of a planner."""
        return tuple(goal for goal in self.goals if goal.waypoint is None)

    @property
    def number(self) -> int:
        """Of the present aim among `wanted`."""
        return sum(goal.waypoint is None for goal in self.goals[: self.index])

    def lead_by(self, waypoints: Sequence[CheckedGoal]) -> None:
        """Put waypoints before the present aim, in place of those that are left of an older plan."""
        behind = next(n for n in range(self.index, len(self.goals)) if self.goals[n].waypoint is None)
        self.goals = (*self.goals[: self.index], *waypoints, *self.goals[behind:])
        self.reached = {stage for stage in self.reached if stage < self.index}

    def restart(self) -> None:
        """Back to the first stage, for a new run; waypoints belong to the run before."""
        self.goals = self.wanted
        self.index, self.reached = 0, set()
