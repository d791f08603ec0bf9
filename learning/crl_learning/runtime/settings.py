"""What a person may choose of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from crl_robot.errors import ConfigError, nearest

Conclusion = Literal["stop", "hold", "hand_over", "go_on"]
CONCLUSIONS: tuple[Conclusion, ...] = ("stop", "hold", "hand_over", "go_on")
"""What may follow from the progress signal: the run ends; it pauses and the arm holds; the policy lets go of the arm,
for a person to take it; or it acts on."""

UNATTENDED: dict[str, bool | str] = {
    "when_reached": "go_on",
    "when_stuck": "go_on",
    "pause_on_estop": False,
    "wait_for_enable": False,
    "checks": "warn",
}
"""Parameters of the policy node where a program decides when a run ends: evaluation, benches, the demo."""

MIN_SPEED = 0.05


@dataclass(frozen=True)
class RunSettings:
    """How a run goes and ends.

    Attributes:
        time_limit_s: of acting, pauses left out; 0 for none.
        when_reached: what follows when the last stage is reached.
        when_stuck: what follows when the run does not improve any more.
        pause_on_estop: whether an e-stop of the arm pauses it, so that it goes on only when asked to.
        dry_run: whether nothing is sent to the arm.
        speed: factor on the deltas, MIN_SPEED..1; the gripper is not scaled.
    """

    time_limit_s: float = 0.0
    when_reached: Conclusion = "stop"
    when_stuck: Conclusion = "stop"
    pause_on_estop: bool = True
    dry_run: bool = False
    speed: float = 1.0

    def __post_init__(self) -> None:
        for name in ("when_reached", "when_stuck"):
            if getattr(self, name) not in CONCLUSIONS:
                raise ConfigError(f"{name} is '{getattr(self, name)}'; {nearest(getattr(self, name), CONCLUSIONS)}")
        if not MIN_SPEED <= self.speed <= 1.0:
            raise ConfigError(f"speed is {self.speed}, expected {MIN_SPEED} to 1, a factor on the checkpoint's deltas")
        if not self.time_limit_s >= 0:
            raise ConfigError(f"time_limit_s is {self.time_limit_s}, expected 0 (none) or more")

    def at_speed(self, speed: float) -> RunSettings:
        """The same with another speed. Raises ConfigError."""
        return replace(self, speed=speed)
