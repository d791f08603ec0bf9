"""What the camera sees from episode to episode: colours, textures, light, camera and distractors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from crl_robot.errors import ConfigError
from crl_robot.sim.randomisation_group import OBJECTS_DRAWN, Group, Range, many, one, seed
from crl_robot.sim.world_options import MAX_DISTRACTORS, PATTERNS


@dataclass(frozen=True)
class Colours(Group):
    """Table, backdrop and objects: hue as a turn of the colour circle 0..1, brightness as a factor."""

    OPTION: ClassVar = {
        "hue": "object_hues",
        "brightness": "object_brightness",
        "table": "table_rgb",
        "backdrop": "backdrop_rgb",
    }

    hue: Range = (-0.04, 0.04)
    brightness: Range = (0.75, 1.25)
    table: Range = (0.5, 0.95)
    backdrop: Range = (0.2, 0.8)

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        return {
            "object_hues": many(rng, self.hue, OBJECTS_DRAWN),
            "object_brightness": many(rng, self.brightness, OBJECTS_DRAWN),
            "table_rgb": many(rng, self.table, 3),
            "backdrop_rgb": many(rng, self.backdrop, 3),
        }


@dataclass(frozen=True)
class Textures(Group):
    """Pattern on the table: ``share`` of the episodes have one, ``contrast`` is how dark it gets."""

    OPTION: ClassVar = {"contrast": "texture_contrast"}

    share: float = 0.7
    contrast: Range = (0.05, 0.35)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.share <= 1:
            raise ConfigError(f"randomisation: share of textures is {self.share}, expected 0 to 1")

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        kinds = [name for name in PATTERNS if name != "plain"]
        kind = kinds[int(rng.integers(len(kinds)))]
        chosen = kind if rng.random() < self.share else "plain"
        return {"texture": chosen, "texture_contrast": one(rng, self.contrast), "texture_seed": seed(rng)}


@dataclass(frozen=True)
class Light(Group):
    """Lamps: brightness and colour as factors, direction as a turn about x and y (rad)."""

    OPTION: ClassVar = {"factor": "light", "rgb": "light_rgb", "tilt_rad": "light_tilt_rad"}

    factor: Range = (0.6, 1.3)
    rgb: Range = (0.9, 1.1)
    tilt_rad: Range = (-0.3, 0.3)

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        return {
            "light": one(rng, self.factor),
            "light_rgb": many(rng, self.rgb, 3),
            "light_tilt_rad": many(rng, self.tilt_rad, 2),
        }


@dataclass(frozen=True)
class Camera(Group):
    """Over-shoulder camera: position (m) and direction (rad) on each axis, field of view (degrees), principal point."""

    OPTION: ClassVar = {
        "shift_m": "camera_offset",
        "turn_rad": "camera_turn_rad",
        "fovy_deg": "camera_fovy_deg",
        "centre_px": "camera_centre_px",
    }

    shift_m: Range = (-0.015, 0.015)
    turn_rad: Range = (-0.02, 0.02)
    fovy_deg: Range = (-1.5, 1.5)
    centre_px: Range = (-4.0, 4.0)

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        return {
            "camera_offset": many(rng, self.shift_m, 3),
            "camera_turn_rad": many(rng, self.turn_rad, 3),
            "camera_fovy_deg": one(rng, self.fovy_deg),
            "camera_centre_px": many(rng, self.centre_px, 2),
        }


@dataclass(frozen=True)
class Distractors(Group):
    """Number of strange things beside the workspace, both ends included."""

    OPTION: ClassVar = {"count": "distractors"}

    count: tuple[int, int] = (0, min(4, MAX_DISTRACTORS))

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        low, high = self.count
        return {"distractors": int(rng.integers(low, high + 1)), "distractor_seed": seed(rng)}
