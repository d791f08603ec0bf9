"""What a person may choose of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from crl_robot.errors import ConfigError

UNATTENDED: dict[str, bool | str] = {
    "stop_when_reached": False,
    "stop_when_stalled": False,
    "pause_on_estop": False,
    "checks": "warn",
}
"""Parameters of the policy node where a program decides when a run ends: evaluation, benches, the demo."""

MIN_SPEED = 0.05


@dataclass(frozen=True)
class RunSettings:
    """How a run goes and ends.

    Attributes:
        time_limit_s: of acting, pauses left out; 0 for none.
        stop_when_reached: whether the run ends when its last stage is reached.
        stop_when_stalled: whether it ends when it does not improve any more.
        pause_on_estop: whether an e-stop of the arm pauses it, so that it goes on only when asked to.
        dry_run: whether nothing is sent to the arm.
        speed: factor on the deltas, MIN_SPEED..1; the gripper is not scaled.
    """

    time_limit_s: float = 0.0
    stop_when_reached: bool = True
    stop_when_stalled: bool = True
    pause_on_estop: bool = True
    dry_run: bool = False
    speed: float = 1.0

    def __post_init__(self) -> None:
        if not MIN_SPEED <= self.speed <= 1.0:
            raise ConfigError(f"speed is {self.speed}, expected {MIN_SPEED} to 1, a factor on the checkpoint's deltas")
        if not self.time_limit_s >= 0:
            raise ConfigError(f"time_limit_s is {self.time_limit_s}, expected 0 (none) or more")

    def at_speed(self, speed: float) -> RunSettings:
        """The same with another speed. Raises ConfigError."""
        return replace(self, speed=speed)
