"""What may differ from the simulated world as it is modelled: look, camera, delays, servos and friction.

Plain values without MuJoCo: `crl_robot.sim.world_changes` puts them into a model, `crl_robot.sim.randomisation` draws
them, and evaluations take them as ``world.*``. The defaults change nothing, to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from crl_robot.errors import ContractError, nearest

PATTERNS = ("plain", "checker", "stripes", "grain", "speckle")
"""What can be on the table."""
MAX_DISTRACTORS = 6
MAX_LATENCY_MS = 400.0

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class WorldOptions:
    """What may differ from the world that data were made in.

    Attributes:
        light: factor on the brightness of all lights.
        light_rgb: factor on each colour of the lights.
        light_tilt_rad: turn of the lamps about the x and the y axis of the base frame.
        table_rgb: colour of the table top, 0..1 each; None leaves it as modelled.
        backdrop_rgb: colour of what is seen behind the table; None leaves it as modelled.
        texture: pattern on the table top, one of PATTERNS.
        texture_contrast: how much darker the darkest part of the pattern is, 0..1.
        texture_seed: decides scale, direction and details of the pattern.
        object_hues: turn of the colour circle, 1 being once around, for each object in the order of the scene; the
            last value serves for those that have none of their own, and no value leaves all as modelled.
        object_brightness: factor on the colours of each object, like object_hues.
        camera_offset: shift (3,) m of the over-shoulder camera in the base frame.
        camera_turn_rad: turn (3,) of that camera about its own axes: right, up, and backwards along its view.
        camera_fovy_deg: degrees added to its vertical field of view.
        camera_centre_px: shift of its principal point to the right and down, in pixels of 320 x 240.
        distractors: number of strange things beside the workspace; they are only seen, nothing touches them.
        distractor_seed: decides what they are and where.
        camera_latency_ms: age of what a camera shows when it is read, rounded to inner ticks of 20 ms.
        arm_latency_ms: time from a command to the servos, rounded alike.
        servo_gain: factor on the stiffness of the arm's position servos.
        servo_damping: factor on their damping.
        gripper_gain: factor on the stiffness of the gripper.
        friction: factor on the sliding friction of everything.
        joint_noise_rad: standard deviation of the noise on measured joint angles.
    """

    light: float = 1.0
    light_rgb: Triple = (1.0, 1.0, 1.0)
    light_tilt_rad: tuple[float, float] = (0.0, 0.0)
    table_rgb: Triple | None = None
    backdrop_rgb: Triple | None = None
    texture: str = "plain"
    texture_contrast: float = 0.25
    texture_seed: int = 0
    object_hues: tuple[float, ...] = ()
    object_brightness: tuple[float, ...] = ()
    camera_offset: Triple = (0.0, 0.0, 0.0)
    camera_turn_rad: Triple = (0.0, 0.0, 0.0)
    camera_fovy_deg: float = 0.0
    camera_centre_px: tuple[float, float] = (0.0, 0.0)
    distractors: int = 0
    distractor_seed: int = 0
    camera_latency_ms: float = 0.0
    arm_latency_ms: float = 0.0
    servo_gain: float = 1.0
    servo_damping: float = 1.0
    gripper_gain: float = 1.0
    friction: float = 1.0
    joint_noise_rad: float = 0.0

    def __post_init__(self) -> None:
        for one in fields(self):
            if one.name in _BOUNDS:
                _require_within(one.name, getattr(self, one.name), *_BOUNDS[one.name])
        if self.texture not in PATTERNS:
            raise ContractError(f"texture is '{self.texture}'; {nearest(self.texture, PATTERNS)}")

    @property
    def latencies_ms(self) -> tuple[float, float]:
        """Delay of the cameras and of the arm."""
        return self.camera_latency_ms, self.arm_latency_ms

    @property
    def decorated(self) -> bool:
        """Whether the world must be made with a table cover and distractors."""
        return self.texture != "plain" or self.distractors > 0


_BOUNDS: dict[str, tuple[float, float]] = {
    "light": (0.0, 3.0),
    "light_rgb": (0.0, 3.0),
    "light_tilt_rad": (-1.0, 1.0),
    "table_rgb": (0.0, 1.0),
    "backdrop_rgb": (0.0, 1.0),
    "texture_contrast": (0.0, 1.0),
    "texture_seed": (0, 2**31 - 1),
    "object_hues": (-1.0, 1.0),
    "object_brightness": (0.0, 3.0),
    "camera_offset": (-0.3, 0.3),
    "camera_turn_rad": (-0.5, 0.5),
    "camera_fovy_deg": (-20.0, 20.0),
    "camera_centre_px": (-80.0, 80.0),
    "distractors": (0, MAX_DISTRACTORS),
    "distractor_seed": (0, 2**31 - 1),
    "camera_latency_ms": (0.0, MAX_LATENCY_MS),
    "arm_latency_ms": (0.0, MAX_LATENCY_MS),
    "servo_gain": (0.05, 10.0),
    "servo_damping": (0.05, 10.0),
    "gripper_gain": (0.05, 10.0),
    "friction": (0.0, 10.0),
    "joint_noise_rad": (0.0, 0.2),
}
"""Least and greatest value of each number of `WorldOptions`, of every entry where it has several."""


def require_option_range(name: str, bounds: Sequence[float]) -> None:
    """Raise ContractError unless both ``bounds`` are values that the world option ``name`` may have."""
    _require_within(name, bounds, *_BOUNDS[name])


def _require_within(name: str, value: Any, low: float, high: float) -> None:
    values = np.asarray([] if value is None else value, dtype=np.float64)
    if not np.all((values >= low) & (values <= high)):
        count = f"{values.size} values" if values.ndim else "a value"
        raise ContractError(f"{name} is {value}, expected {count} of {low:g} to {high:g}")
