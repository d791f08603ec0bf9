"""One run after another towards goal images: every tick is judged here, and every way out ends in silence.

The arm holds by itself when nothing is sent. Control thread and services may call at any time; what is to be published
of a tick is published inside the lock, so that nothing follows a stop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.goals.check import CheckedGoal
from crl_learning.goals.stages import Stages
from crl_learning.policy_loop import Policy, PolicyLoop, Tick
from crl_learning.progress.watch import Progress, ProgressWatch
from crl_learning.runtime.clockwork import GOING, RunClock, Verdict, VerdictName
from crl_learning.runtime.outcome import UNUSABLE, Facing, Outcome
from crl_learning.runtime.settings import Conclusion, RunSettings
from crl_robot.contracts import Observation
from crl_robot.errors import ContractError


class GoalRun:
    """Policy, stages, progress and the clock of a run, behind one lock.

    Args:
        watch: judges the progress.
        now_s: monotonic seconds.
        show: given each goal as the network sees it, uint8 (h, w, 3), when it becomes the present one; returns the
            stamp that it was shown with.
        drop_late: False where the world waits for the policy.
    """

    def __init__(
        self,
        policy: Policy,
        settings: RunSettings,
        watch: ProgressWatch,
        now_s: Callable[[], float] = time.monotonic,
        show: Callable[[CheckedGoal, NDArray[np.uint8]], int] = lambda goal, seen: 0,
        drop_late: bool = True,
    ) -> None:
        self.settings = settings
        self.stages = Stages()
        self.clock = RunClock()
        self.loop = PolicyLoop(policy, drop_late)
        self._watch, self._now_s, self._show = watch, now_s, show
        self._lock = threading.RLock()
        self._steps_left = 0
        self.facing: Facing | None = None
        self.plan: Mapping[str, Any] | None = None
        """Of the way to the present goal; only a `FarRun` has one."""

    @property
    def seconds(self) -> float:
        """Of acting in the present or last run."""
        with self._lock:
            return self.clock.seconds(self._now_s())

    @property
    def runs_on(self) -> bool:
        """Whether it acts, and not for a number of ticks alone."""
        return self.clock.state == "running" and not self._steps_left

    def set_goals(self, goals: Sequence[CheckedGoal]) -> None:
        """Replace all stages; a run goes on towards the first of them. Raises ContractError without any."""
        if not goals:
            raise ContractError("no goals were given, expected at least one")
        with self._lock:
            self.stages.replace(goals)
            self._face(goals[0])

    def go_to(self, stage: int) -> None:
        """Act towards another stage. Raises ContractError when there is none of that number."""
        with self._lock:
            self._face(self.stages.go_to(stage))

    def start(self, steps: int = 0) -> bool:
        """Begin a run or go on with a paused one, for ``steps`` ticks where given; returns whether it is a new one.

        Raises ContractError without a goal.
        """
        with self._lock:
            if self.stages.present is None:
                raise ContractError("there is no goal yet; give one by topic, launch argument or policy/capture_goal")
            again = self.clock.state == "ended"
            new = self.clock.begin(self._now_s())
            self._steps_left = steps
            if again:
                self.stages.restart()
                self._face(self.stages.go_to(0))
            elif new:
                self.stages.reached = set()
                self._watch.restart()
            self.loop.interrupt()
            return new

    def pause(self, reason: str) -> None:
        """Silent until started again."""
        with self._lock:
            self.clock.pause(self._now_s(), reason)

    def hand_over(self, sentence: str) -> None:
        """Silent, and somebody else may move the arm, until the run is started again. Raises ContractError without."""
        with self._lock:
            self.clock.hand_over(self._now_s(), f"{sentence}; the arm is handed over: policy/resume takes it back")
            self._watch.restart()

    def stop(self, sentence: str = "stopped by the operator") -> Verdict | None:
        """End the run, if there is one."""
        with self._lock:
            going = self.clock.state in GOING
            return self.clock.end(self._now_s(), "stopped", sentence, self.stages.index) if going else None

    def fail(self, sentence: str) -> None:
        """End the run because the policy cannot go on."""
        with self._lock:
            if self.clock.state in GOING:
                self.clock.end(self._now_s(), "failed", sentence, self.stages.index)

    def close(self) -> None:
        """Leave nothing running."""

    def tick(self, observation: Observation | None, lateness_ms: float, publish: Callable[[Outcome], None]) -> None:
        """One control tick; ``publish`` is called inside the lock, and not at all once the run is over or paused."""
        tick = self.loop.tick(observation, lateness_ms, self.settings.speed)
        with self._lock:
            if self.clock.state == "running":
                publish(self._judge(tick, observation))

    def preview(self, observation: Observation | None, publish: Callable[[Outcome], None]) -> None:
        """What a tick would say, while nothing is acted on."""
        if observation is None or not self.loop.has_goal:
            return
        tick = self.loop.look(observation, speed=self.settings.speed)
        with self._lock:
            self.loop.interrupt()
            if self.clock.state != "running" and tick.goal == self.loop.goal:
                publish(Outcome(tick, self._looked(tick), False, False, self.stages.index, True))

    def _judge(self, tick: Tick, observation: Observation | None) -> Outcome:
        stage, mode = self.stages.index, observation.arm.mode if observation else ""
        usable = mode not in UNUSABLE and not self.settings.dry_run
        if observation is not None and tick.goal != self.loop.goal:  # computed towards one that was replaced meanwhile
            return Outcome(tick, None, False, False, stage)
        acts = usable and tick.action is not None
        progress = self._watch.update(tick.distances, self.settings.speed) if acts else self._looked(tick)
        changed = self._paused_by_arm(observation) or self._concluded(progress) or self._next_stage(progress)
        send = acts and not changed
        if not changed and self._steps_left and tick.action is not None:
            self._steps_left -= 1
            if not self._steps_left:
                self.clock.pause(self._now_s(), "the single step is done; start goes on")
                changed = True
        return Outcome(tick, progress if observation else None, send, changed, stage)

    def _looked(self, tick: Tick) -> Progress:
        """Progress at a tick that was not acted on."""
        return self._watch.look(tick.distances, self.settings.speed)

    def _paused_by_arm(self, observation: Observation | None) -> bool:
        estopped = observation is not None and observation.arm.mode == "estopped"
        if estopped and self.settings.pause_on_estop and not self.settings.dry_run:
            reason = observation.arm.reason if observation else ""
            self.clock.pause(self._now_s(), f"e-stop ({reason}); reset the arm, enable it, start again")
            return True
        return False

    def _concluded(self, progress: Progress) -> bool:
        settings, limit_s = self.settings, self.settings.time_limit_s
        if progress.reached:
            self.stages.reached.add(self.stages.index)
        if progress.reached and self.stages.last:
            self._conclude("reached", "the goal counts as reached", settings.when_reached)
        elif progress.improving is False and not progress.reached:
            self._conclude("not_improving", "no progress for longer than the patience", settings.when_stuck)
        if self.clock.state == "running" and limit_s and self.clock.seconds(self._now_s()) >= limit_s:
            self._conclude("time_limit", f"the time limit of {limit_s:g} s is over", "stop")
        return self.clock.state != "running"

    def _conclude(self, verdict: VerdictName, sentence: str, what: Conclusion) -> None:
        if what == "stop":
            self.clock.end(self._now_s(), verdict, sentence, self.stages.index)
        elif what == "hold":
            self.clock.pause(self._now_s(), f"{sentence}; the arm holds: policy/start goes on")
            self._watch.restart()
        elif what == "hand_over":
            self.hand_over(sentence)

    def _next_stage(self, progress: Progress) -> bool:
        if not progress.reached or self.stages.last:
            return False
        self._face(self.stages.go_to(self.stages.index + 1))
        return True

    def _face(self, goal: CheckedGoal) -> None:
        """Act towards this goal from the next tick on."""
        if goal.waypoint is None:
            seen = self.loop.set_goal(goal.goal.image)
        else:
            seen = goal.waypoint.seen
            self.loop.set_seen_goal(seen)
        self._watch.restart()
        self.facing = Facing(goal, self._show(goal, seen))
