"""A run towards far goals: waypoints of a planner become stages before each goal, and are planned anew on a stall.

While a plan is awaited nothing is sent, so the arm holds. A run that gets no first plan ends; one that stalls and gets
no other way ends, pauses or goes on as it would without a planner.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.goals.check import CheckedGoal, Waypoint
from crl_learning.goals.reference import FrameName
from crl_learning.planning.plan import Plan, Planner
from crl_learning.policy_loop import Policy, Tick
from crl_learning.progress.watch import Progress, ProgressWatch
from crl_learning.runtime.goal_run import GoalRun
from crl_learning.runtime.outcome import Outcome
from crl_learning.runtime.plan_ahead import PlanAhead
from crl_learning.runtime.settings import RunSettings
from crl_learning.views import Views
from crl_robot.contracts import Observation
from crl_robot.errors import CrlError, PlanError
from crl_robot.goal_image import GoalImage

REPLANS = 3
"""Times that the way to one goal is planned anew."""
PLAN_LIMIT_S = 30.0
"""A plan that takes longer does not come any more."""


class FarRun(GoalRun):
    """`GoalRun` with a planner.

    Args:
        planner: used by one thread beside the one that ticks.
        waypoints: most of a plan.
        planned: told each plan that is followed, inside the lock.
        executor: where plans are made; a thread by default.
        others: as `GoalRun`.
    """

    def __init__(
        self,
        policy: Policy,
        settings: RunSettings,
        watch: ProgressWatch,
        planner: Planner,
        waypoints: int,
        now_s: Callable[[], float] = time.monotonic,
        show: Callable[[CheckedGoal, NDArray[np.uint8]], int] = lambda goal, seen: 0,
        planned: Callable[[Plan], None] = lambda plan: None,
        executor: Executor | None = None,
        drop_late: bool = True,
    ) -> None:
        super().__init__(policy, settings, watch, now_s, show, drop_late)
        self._views, self._planned = policy.views, planned
        self._ahead = PlanAhead(planner, waypoints, executor)
        self._wanted, self._asked_s, self._stalled = True, 0.0, False
        self._avoid: set[FrameName] = set()
        self._again = 0
        self._way: Mapping[str, Any] | None = None

    def close(self) -> None:
        """Plan no more."""
        self._ahead.close()

    def set_goals(self, goals: Sequence[CheckedGoal]) -> None:
        """As `GoalRun.set_goals`; the way to the first goal is planned before anything is sent."""
        with self._lock:
            super().set_goals(goals)
            self._renew()

    def go_to(self, stage: int) -> None:
        """As `GoalRun.go_to`; the way is planned unless the stage is a waypoint of a plan."""
        with self._lock:
            super().go_to(stage)
            self._renew()
            present = self.stages.present
            if present is not None and present.waypoint is not None:
                self._wanted, self.plan = False, self._way

    def start(self, steps: int = 0) -> bool:
        """As `GoalRun.start`; a new run has a new plan, and so has one that was paused before it had any."""
        with self._lock:
            new = super().start(steps)
            if new:
                self._renew()
            self._ahead.forget()
            return new

    def _judge(self, tick: Tick, observation: Observation | None) -> Outcome:
        if not self._wanted:
            return super()._judge(tick, observation)
        stage, before = self.stages.index, self.plan
        progress = self._looked(tick) if tick.goal == self.loop.goal else None
        changed = self._paused_by_arm(observation) or self._concluded(progress or Progress(np.nan))
        if not changed:
            self._await_plan(observation)
        return Outcome(tick, progress if observation else None, False, changed or self.plan is not before, stage)

    def _concluded(self, progress: Progress) -> bool:
        present = self.stages.present
        waypoint = present.waypoint if present is not None else None
        stalled = progress.improving is False and not progress.reached and not self._wanted
        if stalled and self._again < REPLANS:
            self._again += 1
            self._avoid |= {waypoint.frame} if waypoint is not None else set()
            self._want(stalled=True)
            return True
        if stalled and waypoint is not None:
            self._give_up(PlanError(f"the way was planned anew {REPLANS} times"))
            return True
        return super()._concluded(progress)

    def _next_stage(self, progress: Progress) -> bool:
        of_plan = self.stages.present is not None and self.stages.present.waypoint is not None
        moved = super()._next_stage(progress)
        if moved and not of_plan:
            self._renew()
        return moved

    def _renew(self) -> None:
        """Another aim, or the same in a new run."""
        self._avoid.clear()
        self._again = 0
        self._want(stalled=False)

    def _want(self, stalled: bool) -> None:
        self._wanted, self._stalled = True, stalled
        self._ahead.forget()
        self._watch.restart()
        self.plan = self._told("planning", "")

    def _await_plan(self, observation: Observation | None) -> None:
        """Ask, or see whether there is an answer."""
        aim = self.stages.aim
        assert aim is not None
        if not self._ahead.asked:
            if observation is not None:
                self._asked_s = self._now_s()
                view = self._views.apply(self._views.stack(observation.frames))
                self._ahead.ask(view, self._views.apply(aim.goal.image), frozenset(self._avoid))
            return
        answer = self._ahead.answer()
        if answer is None and self._now_s() - self._asked_s > PLAN_LIMIT_S:
            self._ahead.forget()
            answer = PlanError(f"no plan came within {PLAN_LIMIT_S:g} s; use a smaller map: crl-run waypoints --frames")
        if isinstance(answer, Plan) and self._stalled and not answer.frames:
            answer = PlanError("the way to the goal is the same as before")
        if isinstance(answer, Plan):
            self._follow(answer)
        elif answer is not None:
            self._give_up(answer)

    def _follow(self, plan: Plan) -> None:
        self._wanted = False
        self.plan = self._way = {**self._told("followed", ""), **plan.facts()}
        views = self._views
        self.stages.lead_by([as_goal(n, name, plan.images[n], views) for n, name in enumerate(plan.frames)])
        self._face(self.stages.go_to(self.stages.index))
        self._planned(plan)

    def _give_up(self, error: CrlError) -> None:
        """The first plan must come; without a later one things go as they would without a planner."""
        self._wanted = False
        self.plan = self._told("failed", str(error))
        if not self._stalled:
            self.clock.end(self._now_s(), "failed", f"no plan: {error}", self.stages.index)
            return
        self._again = REPLANS
        self.stages.lead_by(())
        self._face(self.stages.go_to(self.stages.index))
        self._conclude("not_improving", f"no progress, and no other way: {error}", self.settings.when_stuck)

    def _told(self, state: str, reason: str) -> Mapping[str, Any]:
        return {"state": state, "reason": reason, "again": self._again, "avoided": len(self._avoid)}


def as_goal(number: int, name: FrameName, seen: NDArray[np.uint8], views: Views) -> CheckedGoal:
    """A waypoint as a stage; for people it is drawn at the camera's size, black where the network sees nothing."""
    source = f"waypoint {number + 1}: {name.episode}:{name.frame}"
    return CheckedGoal(GoalImage(views.unapply(seen), (), source), waypoint=Waypoint(name, seen))
