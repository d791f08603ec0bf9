"""Which observation an action was computed from: puts recorded steps together from streams that arrive apart."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from crl_robot.contracts import Action, ArmState, Observation

_REMEMBERED = 64


@dataclass(frozen=True)
class Step:
    """One control tick: what was known, what was asked for, what the arm's controller made of it."""

    observation: Observation
    requested: Action
    executed: Action


class StepMatcher:
    """Matches each commanded action to the observation whose newest frame it names by its stamp. The caller locks.

    Observations are taken when a frame arrives, thus before the arm turns to the action computed from that frame.

    Args:
        tolerance_s: largest difference between the action's stamp and the observation's newest frame.
        patience_s: how long an action waits for a frame that arrives after it.
    """

    def __init__(self, tolerance_s: float, patience_s: float = 0.5) -> None:
        self._tolerance_ns = round(tolerance_s * 1e9)
        self._patience_ns = round(patience_s * 1e9)
        self._observations: deque[Observation] = deque(maxlen=_REMEMBERED)
        self._requested: deque[Action] = deque(maxlen=_REMEMBERED)
        self._waiting: deque[tuple[int, Action]] = deque()
        self._gripper_target: float | None = None
        self.unmatched = 0
        """Commanded actions for which no observation was found."""

    def add_observation(self, observation: Observation) -> None:
        """Note what was known when a frame arrived."""
        if self._gripper_target is not None:
            arm = replace(observation.arm, gripper_target=self._gripper_target)
            observation = replace(observation, arm=arm)
        self._observations.append(observation)

    def add_requested(self, action: Action) -> None:
        """Note an action on its way to the arm."""
        self._requested.append(action)

    def add_commanded(self, action: Action, now_ns: int) -> None:
        """Note an action that the arm really commanded."""
        self._waiting.append((now_ns, action))
        self._gripper_target = float(action.values[6])

    def take(self, now_ns: int) -> list[Step]:
        """The steps that are complete by now, in the order of their commands."""
        steps = []
        while self._waiting:
            arrived_ns, executed = self._waiting[0]
            newest = self._observations[-1].newest_stamp_ns if self._observations else -1
            if newest < executed.stamp_ns and now_ns - arrived_ns < self._patience_ns:
                break
            self._waiting.popleft()
            observation = self._nearest(executed.stamp_ns)
            if observation is None:
                self.unmatched += 1
            else:
                steps.append(Step(observation, self._request_of(executed), executed))
        return steps

    def state_at(self, stamp_ns: int, tolerance_ns: int) -> ArmState | None:
        """The observed arm state nearest to an instant, None when none is within the tolerance."""
        states = [o.arm for o in self._observations if abs(o.stamp_ns - stamp_ns) <= tolerance_ns]
        return min(states, key=lambda state: abs(state.joints.stamp_ns - stamp_ns), default=None)

    def _nearest(self, stamp_ns: int) -> Observation | None:
        near = [o for o in self._observations if abs(o.newest_stamp_ns - stamp_ns) <= self._tolerance_ns]
        return min(near, key=lambda o: abs(o.newest_stamp_ns - stamp_ns), default=None)

    def _request_of(self, executed: Action) -> Action:
        same = (action for action in self._requested if action.stamp_ns == executed.stamp_ns)
        return next(same, executed)
