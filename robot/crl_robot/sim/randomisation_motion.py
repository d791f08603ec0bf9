"""Where things start and how they move from episode to episode: object poses, delays, servos and friction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from crl_robot.sim.randomisation_group import OBJECTS_DRAWN, Group, Range, one

Shift = tuple[float, float, float]
"""Change of an object's start: x and y (m), and a turn about the vertical (rad)."""


@dataclass(frozen=True)
class Objects(Group):
    """Start poses: shift in x and y (m) and turn about the vertical (rad) of each object on the table."""

    shift_m: Range = (-0.01, 0.01)
    yaw_rad: Range = (-0.3, 0.3)

    def shifts(self, rng: np.random.Generator) -> tuple[Shift, ...]:
        """Changes of the objects' starts, in the order of the scene."""
        return tuple(self._shift(rng) for _ in range(OBJECTS_DRAWN))

    def _shift(self, rng: np.random.Generator) -> Shift:
        return one(rng, self.shift_m), one(rng, self.shift_m), one(rng, self.yaw_rad)


@dataclass(frozen=True)
class Latency(Group):
    """Age of what the camera shows, and time from a command to the servos, in ms."""

    OPTION: ClassVar = {"camera_ms": "camera_latency_ms", "arm_ms": "arm_latency_ms"}

    camera_ms: Range = (0.0, 120.0)
    arm_ms: Range = (0.0, 60.0)

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        return {"camera_latency_ms": one(rng, self.camera_ms), "arm_latency_ms": one(rng, self.arm_ms)}


@dataclass(frozen=True)
class Servos(Group):
    """Stiffness and damping of the arm's servos and stiffness of the gripper as factors; noise on joint readings."""

    OPTION: ClassVar = {
        "gain": "servo_gain",
        "damping": "servo_damping",
        "gripper_gain": "gripper_gain",
        "joint_noise_rad": "joint_noise_rad",
    }

    gain: Range = (0.7, 1.3)
    damping: Range = (0.8, 1.25)
    gripper_gain: Range = (0.8, 1.2)
    joint_noise_rad: Range = (0.0, 0.003)

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        return {option: one(rng, getattr(self, name)) for name, option in self.OPTION.items()}


@dataclass(frozen=True)
class Friction(Group):
    """Factor on the sliding friction of everything."""

    OPTION: ClassVar = {"factor": "friction"}

    factor: Range = (0.8, 1.25)

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        return {"friction": one(rng, self.factor)}
