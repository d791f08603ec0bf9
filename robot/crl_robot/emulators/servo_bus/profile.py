"""The motion profile inside a servo: how its set point travels to the goal position.

Velocity-based (trapezoid of a velocity and an acceleration) or time-based (bit 2 of the drive mode: milliseconds for
the whole move and for its acceleration). Positions in ticks, 4096 a turn. Source: ROBOTIS e-Manual, "Profile".
"""

from __future__ import annotations

import math

TICKS_PER_S = 0.229 * 4096 / 60
"""One unit of velocity, 0.229 rev/min, in ticks/s."""
TICKS_PER_S2 = 214.577 * 4096 / 3600
"""One unit of profile acceleration, 214.577 rev/min^2, in ticks/s^2."""


class Profile:
    """A set point that follows goals."""

    def __init__(self, position: float) -> None:
        self.position = self.goal = position
        self.velocity = 0.0
        self._start, self._elapsed = position, 0.0

    def stop(self, position: float) -> None:
        """Stand at ``position`` with nothing left to do."""
        self.position = self.goal = self._start = position
        self.velocity = self._elapsed = 0.0

    def aim(self, goal: float) -> None:
        """Travel to ``goal`` from where the set point is now."""
        self.goal, self._start, self._elapsed = goal, self.position, 0.0

    def advance(self, dt: float, speed: float, acceleration: float) -> None:
        """Velocity-based, ``speed`` in ticks/s and ``acceleration`` in ticks/s^2; 0 acceleration means at once."""
        way = self.goal - self.position
        wanted = math.copysign(speed, way) if way else 0.0
        if acceleration > 0:
            brake = math.sqrt(2 * acceleration * abs(way))
            wanted = math.copysign(min(speed, brake), way)
            change = acceleration * dt
            wanted = min(max(wanted, self.velocity - change), self.velocity + change)
        if abs(wanted * dt) >= abs(way) and wanted * way >= 0:
            self.position, self.velocity = self.goal, 0.0
        else:
            self.position, self.velocity = self.position + wanted * dt, wanted

    def advance_timed(self, dt: float, duration: float, ramp: float) -> None:
        """Time-based: the whole move takes ``duration`` s with ``ramp`` s of acceleration at each end."""
        self._elapsed += dt
        before = self.position
        if self._elapsed >= duration:
            self.position = self.goal
        else:
            self.position = self._start + (self.goal - self._start) * _trapezoid(self._elapsed, duration, ramp)
        self.velocity = (self.position - before) / dt


def _trapezoid(t: float, duration: float, ramp: float) -> float:
    """Share of the way covered at time ``t``."""
    ramp = min(max(ramp, 1e-6), duration / 2)
    peak = 1.0 / (duration - ramp)
    if t < ramp:
        return peak * t * t / (2 * ramp)
    if t > duration - ramp:
        rest = duration - t
        return 1.0 - peak * rest * rest / (2 * ramp)
    return peak * (t - ramp / 2)
