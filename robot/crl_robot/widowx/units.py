"""Ticks of a servo to radians, a gripper's crank to its opening, and back: pure functions.

4096 ticks are one turn and 2048 is 0 rad. Source: ROBOTIS e-Manual; vendor's driver documentation for the linkage.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crl_robot.errors import ConfigError, ContractError

TICKS_PER_TURN = 4096
ZERO_TICK = 2048
RAD_PER_TICK = 2 * math.pi / TICKS_PER_TURN
SPEED_UNIT = 0.229 * 2 * math.pi / 60
"""One unit of the velocity registers, 0.229 rev/min, in rad/s."""
ACCELERATION_UNIT = 214.577 * 2 * math.pi / 3600
"""One unit of the profile acceleration, 214.577 rev/min^2, in rad/s^2."""
CURRENT_UNIT_A = 2.69e-3
"""One unit of the present current of XM servos in A."""
LOAD_UNIT = 1e-3
"""One unit of the present load of XL servos, as a share of the largest torque."""
PWM_FULL = 885
"""Value of the PWM registers for the full supply voltage."""


def radians_from_ticks(ticks: float) -> float:
    """Position register -> rad."""
    return (ticks - ZERO_TICK) * RAD_PER_TICK


def ticks_from_radians(angle: float) -> int:
    """Angle in rad -> nearest position register value."""
    return ZERO_TICK + round(angle / RAD_PER_TICK)


@dataclass(frozen=True)
class Linkage:
    """A crank on the gripper's servo that drives each finger through a rod.

    finger = r sin(angle) + sqrt(L^2 - (r cos(angle))^2)

    Attributes:
        crank_m, rod_m: r and L.
        closed_m, open_m: distance of each finger from the middle at opening 0 and at opening 1.
    """

    crank_m: float
    rod_m: float
    closed_m: float
    open_m: float

    def __post_init__(self) -> None:
        if not 0 < self.crank_m < self.rod_m:
            raise ConfigError(f"linkage has crank {self.crank_m} m and rod {self.rod_m} m, expected 0 < crank < rod")
        if not self.rod_m - self.crank_m <= self.closed_m < self.open_m <= self.rod_m + self.crank_m:
            raise ConfigError(
                f"fingers go from {self.closed_m} to {self.open_m} m, expected to lie in order within "
                f"{self.rod_m - self.crank_m:.4f} .. {self.rod_m + self.crank_m:.4f} m, which the linkage can reach"
            )

    def finger_from_angle(self, angle: float) -> float:
        """Crank angle in rad, within -pi/2 .. pi/2 -> distance of each finger from the middle in m."""
        if not -math.pi / 2 <= angle <= math.pi / 2:
            raise ContractError(f"gripper angle is {angle} rad, expected -pi/2 to pi/2: beyond it the crank turns over")
        return self.crank_m * math.sin(angle) + math.sqrt(self.rod_m**2 - (self.crank_m * math.cos(angle)) ** 2)

    def angle_from_finger(self, finger_m: float) -> float:
        """Distance of each finger from the middle in m -> crank angle in rad. Raises ContractError out of reach."""
        low, high = self.rod_m - self.crank_m, self.rod_m + self.crank_m
        if not low <= finger_m <= high:
            raise ContractError(f"finger position is {finger_m} m, expected {low:.4f} to {high:.4f} m")
        cosine = (self.crank_m**2 + finger_m**2 - self.rod_m**2) / (2 * self.crank_m * finger_m)
        return math.pi / 2 - math.acos(max(-1.0, min(1.0, cosine)))

    def ticks_from_opening(self, opening: float) -> int:
        """Opening, 0 closed .. 1 open and clipped to it -> position register of the gripper's servo."""
        finger = self.closed_m + min(max(opening, 0.0), 1.0) * (self.open_m - self.closed_m)
        return ticks_from_radians(self.angle_from_finger(finger))

    def opening_from_ticks(self, ticks: float) -> float:
        """Position register of the gripper's servo -> opening, 0 closed .. 1 open, clipped to it."""
        angle = min(max(radians_from_ticks(ticks), -math.pi / 2), math.pi / 2)
        finger = self.finger_from_angle(angle)
        return min(max((finger - self.closed_m) / (self.open_m - self.closed_m), 0.0), 1.0)
