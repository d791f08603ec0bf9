"""How the driver of a servo arm behaves."""

from __future__ import annotations

import math
from dataclasses import dataclass

from crl_robot.errors import ConfigError
from crl_robot.widowx.control_table import WATCHDOG_UNIT_S


@dataclass(frozen=True)
class ServoArmSettings:
    """Settings of the driver.

    Attributes:
        watchdog_s: the servos stop by themselves when the bus is silent for so long; 0 leaves that off.
        speed_limit: largest speed of a joint in rad/s, kept by the servo's own profile.
        acceleration: of the servo's own profile in rad/s^2; 0 follows a stream of targets at once.
        timed_move_ms: time for one move where a servo's profile is set to time instead of speed.
        gripper_force: share of the gripper motor's largest voltage (and current, where it controls that).
        answer_s: time to wait for an answer beyond its time on the wire.
        retries: further attempts after a failed exchange.
    """

    watchdog_s: float = 0.2
    speed_limit: float = math.pi
    acceleration: float = 0.0
    timed_move_ms: int = 40
    gripper_force: float = 0.4
    answer_s: float = 0.02
    retries: int = 2

    def __post_init__(self) -> None:
        if not (self.watchdog_s == 0 or WATCHDOG_UNIT_S <= self.watchdog_s <= 127 * WATCHDOG_UNIT_S):
            raise ConfigError(f"watchdog_s is {self.watchdog_s}, expected 0 (off) or 0.02 to 2.54 s")
        if 0 < self.watchdog_s < 2 * self.answer_s:
            raise ConfigError(
                f"watchdog_s is {self.watchdog_s} and answer_s {self.answer_s}; expected a watchdog of at least twice "
                "that, or one missing answer would trip it"
            )
        if not 0 < self.speed_limit <= 10 or not 0 <= self.acceleration <= 1000:
            raise ConfigError(
                f"speed_limit is {self.speed_limit} rad/s and acceleration {self.acceleration} rad/s^2, "
                "expected above 0 to 10, and 0 to 1000"
            )
        if not 0 < self.gripper_force <= 1:
            raise ConfigError(f"gripper_force is {self.gripper_force}, expected a share above 0 and at most 1")
        if not 0.001 <= self.answer_s <= 1 or not 0 <= self.retries <= 10 or not 0 < self.timed_move_ms <= 10_000:
            raise ConfigError(
                f"answer_s is {self.answer_s}, retries {self.retries} and timed_move_ms {self.timed_move_ms}, "
                "expected 0.001 to 1, 0 to 10, and 1 to 10000"
            )

    @property
    def watchdog_units(self) -> int:
        return round(self.watchdog_s / WATCHDOG_UNIT_S)
