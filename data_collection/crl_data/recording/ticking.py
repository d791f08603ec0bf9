"""Steps from the clock alone, for an arm that is moved by hand: nobody commands it, so no action makes a step."""

from __future__ import annotations

from crl_data.recording.matching import PATIENCE_S, Step, Timeline


class StepClock:
    """One step every control period, on an absolute schedule of the frames' stamps. The caller locks.

    The first frame with a complete observation begins the schedule. A tick takes the first such frame that is stamped
    at the tick or after it. Cameras that run at the control rate themselves are late by a little more or less each
    time, so ``slack_s`` before the tick is early enough.

    Args:
        timeline: where observations are found.
        period_s: control period.
        slack_s: at most a quarter of the period is used.
        patience_s: how long a frame waits for what was stamped before it and arrives after it.
    """

    def __init__(self, timeline: Timeline, period_s: float, slack_s: float, patience_s: float = PATIENCE_S) -> None:
        self._timeline = timeline
        self._period_ns = round(period_s * 1e9)
        self._slack_ns = min(round(slack_s * 1e9), self._period_ns // 4)
        self._patience_ns = round(patience_s * 1e9)
        self._running = False
        self._start_ns: int | None = None
        self._tick = 0
        self._since_ns = 0
        self._missed = 0

    @property
    def lost(self) -> dict[str, int]:
        """'steps': ticks for which no complete observation came."""
        return {"steps": self._missed}

    def begin(self, now_ns: int) -> None:
        """Start a schedule with the next frame that is stamped after now."""
        self._running, self._start_ns = True, None
        self._tick = self._missed = 0
        self._since_ns = now_ns + 1

    def take(self, now_ns: int) -> list[Step]:
        """The steps of frames before which all has arrived, or that waited long enough."""
        return self._take(max(self._timeline.settled_ns(), now_ns - self._patience_ns)) if self._running else []

    def end(self, now_ns: int) -> list[Step]:
        """The last steps; ticks whose whole period has passed without an observation are counted as missed."""
        steps = self._take(now_ns) if self._running else []
        if self._start_ns is not None:
            self._missed += max(0, (now_ns - self._start_ns) // self._period_ns - self._tick)
        self._running = False
        return steps

    def _take(self, until_ns: int) -> list[Step]:
        steps = []
        for stamp_ns in self._timeline.frame_stamps(self._since_ns):
            if stamp_ns > until_ns:
                break
            self._since_ns = stamp_ns + 1
            tick = self._tick_at(stamp_ns)
            observation = self._timeline.at(stamp_ns) if tick >= self._tick else None
            if observation is not None:
                self._start_ns = stamp_ns if self._start_ns is None else self._start_ns
                self._missed += tick - self._tick
                self._tick = tick + 1
                steps.append(Step(observation))
        return steps

    def _tick_at(self, stamp_ns: int) -> int:
        """Number of the newest tick that is due at a stamp."""
        if self._start_ns is None:
            return 0
        return (stamp_ns + self._slack_ns - self._start_ns) // self._period_ns
