"""The policy node's control thread: keeps the rate, and publishes what came of each tick."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from crl_learning.nodes.policy_topics import PolicyTopics
from crl_learning.policy_loop import Policy
from crl_learning.progress.watch import ProgressWatch
from crl_learning.runtime.arm_watch import ArmWatch
from crl_learning.runtime.goal_run import GoalRun
from crl_learning.runtime.latency import LatencyMeter
from crl_learning.runtime.outcome import UNUSABLE, Outcome
from crl_learning.runtime.status import progress_facts
from crl_robot.contracts import ArmState, Observation
from crl_robot.errors import CrlError
from crl_robot.nodes.worker import NEWEST_TICKS, Worker
from crl_robot.schedule import OnDemand

REHEARSALS = 10
"""Actions for practice before the first, which tell how long one takes."""


class Control:
    """Runs the ticks of a `GoalRun` on a thread of their own while there is something to do.

    Args:
        observe: the newest complete observation, or None.
        rate: chosen false-positive rate, for what is published.
        lead_s: from the start to the first tick.
        changed: called on the control thread after a tick that changed state or stage.
        failed: called on it with the error that ended it.
        demand: in lock step: there is a tick for each observation, when this is asked, and not by a clock.
    """

    def __init__(
        self,
        run: GoalRun,
        policy: Policy,
        watch: ProgressWatch,
        topics: PolicyTopics,
        observe: Callable[[], Observation | None],
        rate: float,
        lead_s: float,
        changed: Callable[[], None],
        failed: Callable[[CrlError], None],
        demand: OnDemand | None = None,
    ) -> None:
        self.latency = LatencyMeter()
        for _ in range(REHEARSALS):
            self.latency.add(inference=policy.rehearse())
        self.arm = ArmWatch(policy.action_spec.period_s)
        self._run, self._policy, self._topics = run, policy, topics
        self._observe, self._changed, self._failed = observe, changed, failed
        self._rate = rate if watch.calibrated else None
        self._worker: Worker | None = None
        self._lead_s, self._first_s = lead_s, 0.0
        self._ticks = 0
        self._demand = demand
        self._sent_ns = 0
        self.failed = False
        """Whether the thread ended by an error, with which this process ends."""

    def begin(self, steps: int = 0) -> None:
        """Act from now on, for so many ticks where given. Raises ContractError without a goal."""
        self.end()
        self._run.start(steps)
        self._first_s = time.monotonic() + self._lead_s
        period_s = self._policy.action_spec.period_s
        self._worker = Worker("control", period_s, self._tick, self._fail, on_demand=self._demand)
        self._worker.start()

    def end(self) -> None:
        """Wait for the thread. The run has been paused or ended before, so nothing more is published."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(timeout_s=1.0)

    def preview(self) -> None:
        """What a tick would say while nothing is acted on; ends a thread whose run is over. To be called now and then.

        Without a goal it says how old views and arm states are. While a run goes on it only looks how the arm follows.
        """
        self.arm.look()
        if self._run.clock.state == "running":
            return
        self.end()
        observation = self._observe()
        if observation is not None and not self._run.loop.has_goal:
            camera_ms = observation.age_ms(self._policy.image_spec.camera)
            self.latency.add(camera=camera_ms, arm_state=arm_age_ms(observation))
        self._run.preview(observation, lambda outcome: self._tell(outcome, observation))

    def ask(self) -> None:
        """In lock step there is a tick whenever something new is there."""
        if self._demand is not None:
            self._demand.ask()

    def take_state(self, state: ArmState) -> None:
        """Note where the arm was; not in lock step, where the world waits and an arm has no latency."""
        if self._demand is None:
            self.arm.state(state.joints.stamp_ns, state.measured.position, state.target.position)
        self.ask()

    def latency_ms(self) -> dict[str, dict[str, float] | None]:
        """Of cameras, arm and inference, by name; None where nothing was measured yet."""
        return {**self.latency.summary(), **self.arm.summary()}

    def facts(self) -> dict[str, Any]:
        """Lateness of the newest ticks, and what was measured of the latencies."""
        stats = self._worker.stats if self._worker is not None else None
        return {
            "latency_ms": self.latency_ms(),
            "lateness_ms": stats.summary(NEWEST_TICKS) if stats else None,
            "missed": stats.missed if stats else 0,
        }

    def _tick(self) -> None:
        worker = self._worker
        if worker is not None and time.monotonic() >= self._first_s:
            observation = self._observe()
            if self._demand is not None and not self._new(observation):
                return
            self._run.tick(observation, worker.stats.samples_ms[-1], lambda outcome: self._send(outcome, observation))

    def _new(self, observation: Observation | None) -> bool:
        """Whether this is an observation that was not yet acted on, of an arm that takes actions."""
        if observation is None or observation.arm.mode in UNUSABLE:
            return False
        return observation.newest_stamp_ns != self._sent_ns

    def _send(self, outcome: Outcome, observation: Observation | None) -> None:
        """Inside the run's lock."""
        if outcome.send and observation is not None:
            self._sent_ns = observation.newest_stamp_ns
        sent_ns = self._topics.send(outcome)
        if sent_ns is not None and outcome.tick.action is not None:
            self.arm.commanded(sent_ns, outcome.tick.action.values[:3])
        self._tell(outcome, observation)
        if outcome.changed:
            self._changed()

    def _tell(self, outcome: Outcome, observation: Observation | None) -> None:
        if observation is None:
            return
        tick, period_s = outcome.tick, self._policy.action_spec.period_s
        self.latency.add(camera=tick.age_ms, inference=tick.inference_ms, arm_state=arm_age_ms(observation))
        self._ticks += 1
        self._topics.tell_progress(progress_facts(outcome, self._run, self._ticks, self._rate, period_s))
        self._topics.show_view(observation.frames)

    def _fail(self, error: CrlError) -> None:
        self.failed = True
        self._run.fail(str(error))
        self._changed()
        self._failed(error)


def arm_age_ms(observation: Observation) -> float:
    """How old the arm's state was."""
    return (observation.stamp_ns - observation.arm.joints.stamp_ns) / 1e6
