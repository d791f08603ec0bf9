"""How the recorder works: what a person may set, with the ranges in which it makes sense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from crl_data.schema import Labels
from crl_robot.errors import ConfigError, nearest
from crl_robot.streams import ALIGN_TOLERANCE_S

StepsFrom = Literal["commanded", "clock"]
OnExit = Literal["pending", "accept", "discard"]


@dataclass(frozen=True)
class RecorderSettings:
    """Settings of the recorder; the defaults are those of the node.

    Attributes:
        steps_from: 'commanded': a step for each action of the arm; 'clock': one every control period, without actions,
            for an arm that is moved by hand.
        review: whether a stopped episode waits to be accepted or discarded; else it is accepted at once.
        on_exit: what becomes of a running episode when the process ends.
        match_tolerance_s: largest difference of an action's stamp and its frame's, and how early a clock's tick may be.
        align_tolerance_s: largest difference of any stamp in an observation to that of its newest frame.
        max_age_s: older images or arm states are not recorded.
        queue: steps that may wait to be coded; more are dropped.
        min_free_mb: with less room on the disk no episode is started.
        warn_free_mb: with less room the answer and the status say so.
        camera_rate_hz: rate that cameras should have, for the audit; 0 where nobody knows.
        arm_rate_hz: likewise of the arm's state.
    """

    steps_from: StepsFrom = "commanded"
    review: bool = True
    on_exit: OnExit = "pending"
    match_tolerance_s: float = 0.02
    align_tolerance_s: float = ALIGN_TOLERANCE_S
    max_age_s: float = 0.5
    queue: int = 100
    min_free_mb: int = 500
    warn_free_mb: int = 5000
    camera_rate_hz: float = 0.0
    arm_rate_hz: float = 0.0

    def __post_init__(self) -> None:
        for name, choices in (("steps_from", get_args(StepsFrom)), ("on_exit", get_args(OnExit))):
            value = getattr(self, name)
            if value not in choices:
                raise ConfigError(
                    f"{name} is '{value}', expected one of {', '.join(choices)}; {nearest(value, choices)}"
                )
        if self.queue < 1 or min(self.match_tolerance_s, self.align_tolerance_s, self.max_age_s) < 0:
            raise ConfigError(f"queue is {self.queue}, expected 1 or more, and tolerances of 0 or more; got {self}")

    @property
    def labels(self) -> tuple[Labels, ...]:
        """Actions that episodes recorded so can be trained on."""
        return ("achieved",) if self.steps_from == "clock" else ("commanded", "achieved")


@dataclass(frozen=True)
class EpisodeLabels:
    """What the operator says about the next episode.

    Attributes:
        operator: who drives or watches.
        robot_id: which arm of its kind.
        note: free text.
        episode_id: its name in the store; made up from the time when None.
    """

    operator: str = ""
    robot_id: str = ""
    note: str = ""
    episode_id: str | None = None
