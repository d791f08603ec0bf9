"""What lies between policy/start and the first tick: a look around, the operator's enable, the move to the start pose.

Each step waits for the one before it. Whatever goes wrong ends with an arm that holds and a run that has not begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from crl_learning.runtime.checks import Check
from crl_learning.runtime.outcome import UNUSABLE
from crl_learning.runtime.start_pose import StartPose
from crl_robot.errors import ConfigError

Phase = Literal["idle", "looking", "enable", "asked", "moving"]
ANSWER_S = 10.0
"""How long the arm may take to answer that it goes."""
SETTLED_S = 2.0
"""After its answer, until an arm that was never seen moving counts as one that did not go."""
MOVE_S = 60.0


@dataclass(frozen=True)
class ArmFacts:
    """What the arm says of itself: mode, reason, and how often it has come to where it was sent."""

    mode: str = ""
    reason: str = ""
    homed: int = 0


class ArmCalls(Protocol):
    """The services of the arm that a preparation needs; answers come to `Preparation.answered`."""

    def facts(self) -> ArmFacts:
        """What it said last."""
        ...

    def why_not(self, pose: StartPose) -> str:
        """Why it cannot be asked to move there now; '' when it can."""
        ...

    def go(self, pose: StartPose) -> None:
        """Ask it to move there."""
        ...

    def stop(self) -> None:
        """Disable it, so that it holds."""
        ...


class Preparation:
    """One after another for each run; everything on one thread, `poll` many times a second.

    Args:
        arm: what is asked of it.
        look: the checks, None while nothing is seen; raises nothing.
        begin: begins the run, for so many ticks where not 0.
        pose: where runs begin; None moves nothing.
        refuse: whether a check that says so keeps the run from beginning.
        wait_for_enable: whether the run waits for the operator's enable.
        now_s: monotonic seconds.
    """

    def __init__(
        self,
        arm: ArmCalls,
        look: Callable[[], Sequence[Check] | None],
        begin: Callable[[int], None],
        pose: StartPose | None,
        refuse: bool,
        wait_for_enable: bool,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._arm, self._look, self._begin, self._pose = arm, look, begin, pose
        self._refuse, self._wait, self._now_s = refuse, wait_for_enable or pose is not None, now_s
        self.phase: Phase = "idle"
        self.given_up = ""
        """Why the last preparation ended without a run; '' when it did not."""
        self._steps, self._homed, self._since_s = 0, 0, 0.0
        self._patient = self._went = self._again = False

    @property
    def reason(self) -> str:
        """What is waited for, or why no run began; '' where neither is so."""
        pose = self._pose.words if self._pose else ""
        then = f"; the arm then moves {pose}" if pose else ""
        waiting = {
            "looking": "waiting for the cameras and the arm",
            "enable": f"waiting for the operator: call /arm/enable{then}",
            "asked": f"the arm was asked to move {pose}",
            "moving": f"the arm moves {pose}",
        }
        return waiting.get(self.phase, self.given_up)

    @property
    def steps(self) -> int:
        """How many ticks the run is to have that is prepared; 0: as many as it takes."""
        return self._steps

    def start(self, steps: int = 0, patient: bool = False, again: bool = False) -> None:
        """Prepare a run; with ``patient`` wait until something is seen to be checked.

        With ``again``, after a process that died, an arm that is not enabled or moves is given up at once: meanwhile
        somebody has stopped it, or has taken it over.

        Raises ConfigError where a check refuses at once, or a preparation goes on.
        """
        if self.phase != "idle":
            raise ConfigError(f"a run is being prepared already: {self.reason}; call policy/stop to give it up")
        self.phase, self.given_up = "looking", ""
        self._steps, self._patient, self._went, self._again = steps, patient, False, again
        self.poll()
        if self.given_up:
            raise ConfigError(f"not started: {self.given_up}")

    def cancel(self, why: str) -> None:
        """Give up; an arm that is on its way holds, and must be enabled anew."""
        if self.phase in ("asked", "moving"):
            self._arm.stop()
        if self.phase != "idle":
            self.phase, self.given_up = "idle", why

    def answered(self, success: bool, words: str) -> None:
        """The arm's answer to being asked to go."""
        if self.phase == "asked":
            self.phase, self._since_s = "moving", self._now_s()
            if not success:
                self._give_up(f"the arm does not go to its start: {words}")

    def poll(self) -> None:
        """Go on as far as possible."""
        if self.phase == "looking":
            self._poll_looking()
        if self.phase == "enable":
            self._poll_enable()
        elif self.phase in ("asked", "moving"):
            self._poll_move(self._arm.facts())

    def _poll_looking(self) -> None:
        checks = self._look()
        arm = self._arm.facts()
        if (checks is None and self._patient) or (self._again and not arm.mode):
            return
        if self._again and self._wait and arm.mode != "holding":
            self._give_up(f"the arm is {arm.mode} ({arm.reason}) now that the policy is back; call policy/start")
            return
        if self._refused(checks or ()):
            return
        self.phase, self._since_s = "enable", self._now_s()

    def _poll_enable(self) -> None:
        if self._wait and self._arm.facts().mode in ("", *UNUSABLE):
            self._since_s = self._now_s()
            return
        why_not = self._arm.why_not(self._pose) if self._pose else ""
        if not why_not:
            self._go()
        elif self._now_s() - self._since_s > ANSWER_S:
            self._give_up(why_not)

    def _refused(self, checks: Sequence[Check]) -> bool:
        said = [check.words for check in checks if check.verdict == "refused"] if self._refuse else []
        if said:
            self._give_up("; ".join(said))
        return bool(said)

    def _go(self) -> None:
        if self._pose is None:
            self._finish()
            return
        self.phase, self._since_s, self._homed = "asked", self._now_s(), self._arm.facts().homed
        self._arm.go(self._pose)

    def _poll_move(self, arm: ArmFacts) -> None:
        waited_s = self._now_s() - self._since_s
        if arm.mode in UNUSABLE:
            self._give_up(f"the arm is {arm.mode} ({arm.reason}); enable it and start again")
        elif self.phase == "asked":
            if waited_s > ANSWER_S:
                self.cancel(f"the arm has not answered for {ANSWER_S:g} s; it was disabled, start again")
        elif arm.homed > self._homed:
            if not self._refused(self._look() or ()):
                self._finish()
        elif arm.mode == "moving":
            self._went = True
            if waited_s > MOVE_S:
                self.cancel(f"the arm has moved for {MOVE_S:g} s without coming to its start; it was disabled")
        elif self._went or waited_s > SETTLED_S:
            self._give_up(f"the arm did not come to its start: {arm.reason}; start again")

    def _finish(self) -> None:
        self.phase = "idle"
        self._begin(self._steps)

    def _give_up(self, why: str) -> None:
        self.phase, self.given_up = "idle", why
