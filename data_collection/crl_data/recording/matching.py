"""Which observation an action was computed from: puts recorded steps together from streams that arrive apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from crl_robot.contracts import Action, ArmState, Observation

REMEMBERED_S = 1.0
"""How far steps may look back for their frames: for actions that are on their way, and streams that are behind."""

PATIENCE_S = 0.5
"""How long a step waits for streams that are behind."""

_REMEMBERED_ACTIONS = 64


@dataclass(frozen=True)
class Step:
    """One control tick: what was known, what was asked for, what the arm's controller made of it.

    Without actions where the arm was moved by hand.
    """

    observation: Observation
    requested: Action | None = None
    executed: Action | None = None


class Timeline(Protocol):
    """What arrived lately, by its stamps; see `crl_robot.streams.ObservationBuffer`."""

    def at(self, stamp_ns: int, tolerance_ns: int = 0) -> Observation | None:
        """The observation of the frame that is stamped so, or nearest to it within the tolerance."""
        ...

    def frame_stamps(self, since_ns: int) -> list[int]:
        """Stamps of the frames of all cameras from an instant on, in order."""
        ...

    def settled_ns(self) -> int:
        """Up to here every stream has arrived."""
        ...


class StepSource(Protocol):
    """Makes steps of what arrives. The caller locks."""

    @property
    def lost(self) -> dict[str, int]:
        """What was lost since `begin`, by stream."""
        ...

    def begin(self, now_ns: int) -> None:
        """An episode starts: what was waiting belongs to no episode, and counting starts anew."""
        ...

    def take(self, now_ns: int) -> list[Step]:
        """The steps that are complete by now, in order."""
        ...

    def end(self, now_ns: int) -> list[Step]:
        """The last steps of the episode; what is still incomplete is counted as lost."""
        ...


class StepMatcher:
    """Matches each commanded action to the observation of the frame that it names by its stamp. The caller locks.

    Args:
        timeline: where observations are found.
        tolerance_s: largest difference between the action's stamp and the frame's.
        patience_s: how long an action waits for what was stamped before it and arrives after it.
    """

    def __init__(self, timeline: Timeline, tolerance_s: float, patience_s: float = PATIENCE_S) -> None:
        self._timeline = timeline
        self._tolerance_ns = round(tolerance_s * 1e9)
        self._patience_ns = round(patience_s * 1e9)
        self._requested: deque[Action] = deque(maxlen=_REMEMBERED_ACTIONS)
        self._waiting: deque[tuple[int, Action]] = deque()
        self._grippers: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED_ACTIONS)
        self._unmatched = self._unrequested = 0

    @property
    def lost(self) -> dict[str, int]:
        """'actions': commanded, but no observation was found. 'requests': recorded without what was asked for."""
        return {"actions": self._unmatched, "requests": self._unrequested}

    def begin(self, now_ns: int) -> None:
        """Forget actions that still wait."""
        self._waiting.clear()
        self._unmatched = self._unrequested = 0

    def add_requested(self, action: Action) -> None:
        """Note an action on its way to the arm."""
        self._requested.append(action)

    def add_commanded(self, action: Action, now_ns: int) -> None:
        """Note an action that the arm really commanded."""
        self._waiting.append((now_ns, action))
        self._grippers.append((now_ns, float(action.values[6])))

    def take(self, now_ns: int) -> list[Step]:
        """The steps that are complete by now, in the order of their commands."""
        return self._take(now_ns - self._patience_ns)

    def end(self, now_ns: int) -> list[Step]:
        """The last steps; an action whose frame has not come is counted as lost."""
        steps = self._take(now_ns)
        self._unmatched += len(self._waiting)
        self._waiting.clear()
        return steps

    def _take(self, impatient_ns: int) -> list[Step]:
        """The steps of actions before which all has arrived, or that came at ``impatient_ns`` or before."""
        steps = []
        settled_ns = self._timeline.settled_ns() if self._waiting else 0
        while self._waiting:
            arrived_ns, executed = self._waiting[0]
            if settled_ns < executed.stamp_ns and arrived_ns > impatient_ns:
                break
            self._waiting.popleft()
            observation = self._timeline.at(executed.stamp_ns, self._tolerance_ns)
            if observation is None:
                self._unmatched += 1
            else:
                steps.append(Step(self._gripped(observation), self._request_of(executed), executed))
        return steps

    def _gripped(self, observation: Observation) -> Observation:
        """With the gripper's target from the last action that was commanded before the observation."""
        before = [target for arrived_ns, target in self._grippers if arrived_ns < observation.stamp_ns]
        return replace(observation, arm=replace(observation.arm, gripper_target=before[-1])) if before else observation

    def _request_of(self, executed: Action) -> Action:
        for action in self._requested:
            if action.stamp_ns == executed.stamp_ns:
                return action
        self._unrequested += 1
        return executed


def nearest_state(states: Iterable[ArmState], stamp_ns: int, tolerance_ns: int) -> ArmState | None:
    """The arm state nearest to an instant, None when none is within the tolerance."""
    near = [state for state in states if abs(state.joints.stamp_ns - stamp_ns) <= tolerance_ns]
    return min(near, key=lambda state: abs(state.joints.stamp_ns - stamp_ns), default=None)
