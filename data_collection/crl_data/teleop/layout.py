"""Which axis and which button of a device means what: read from a YAML file of configs/teleop/ or of the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from crl_data.teleop.command import AXES, BUTTONS, Command, unit_range
from crl_robot.errors import ConfigError, ContractError, nearest
from crl_robot.resources import config_file

SHIPPED = ("plain", "playstation", "xbox")


@dataclass(frozen=True)
class JoyLayout:
    """Meaning of a `sensor_msgs/Joy`.

    Attributes:
        name: of the layout, for messages.
        axes: per entry of AXES the index of the joystick's axis and a factor, -1 to turn it round.
        buttons: per entry of BUTTONS the index of the joystick's button; one button may have several meanings.
        opening: axis of an analog gripper trigger and its values when released (open) and pressed (closed), or None.
        labels: what is printed on the buttons, for prompts.
        axis_count, button_count: what the device sends; another number means another device.
        dead_zone: share of an axis around its middle that counts as zero.
        expo: 0 linear .. 1 cubic: how much finer small movements are.
    """

    name: str
    axes: Mapping[str, tuple[int, float]]
    buttons: Mapping[str, int]
    axis_count: int
    button_count: int
    opening: tuple[int, float, float] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    dead_zone: float = 0.0
    expo: float = 0.0

    def __post_init__(self) -> None:
        _require_known(self.name, "axes", self.axes, AXES)
        _require_known(self.name, "buttons", self.buttons, BUTTONS)
        _require_known(self.name, "labels", self.labels, (*BUTTONS, *AXES, "opening"))
        if "deadman" not in self.buttons:
            raise ConfigError(f"layout '{self.name}' has no button 'deadman'; without one nothing may move")
        if not (0.0 <= self.dead_zone < 1.0 and 0.0 <= self.expo <= 1.0):
            raise ConfigError(
                f"layout '{self.name}' has dead_zone {self.dead_zone} and expo {self.expo}, expected 0 to 1"
            )
        indices = [index for index, _ in self.axes.values()] + ([self.opening[0]] if self.opening else [])
        for index, count in [(i, self.axis_count) for i in indices] + [
            (i, self.button_count) for i in self.buttons.values()
        ]:
            if not 0 <= index < count:
                raise ConfigError(f"layout '{self.name}' uses index {index}, the device has {count}; they count from 0")

    def read(self, axes: Sequence[float], buttons: Sequence[int]) -> Command:
        """One message as a Command. Raises ContractError on another device, or values that no device sends."""
        if (len(axes), len(buttons)) != (self.axis_count, self.button_count):
            raise ContractError(
                f"the device has {len(axes)} axes and {len(buttons)} buttons, layout '{self.name}' is for "
                f"{self.axis_count} and {self.button_count}; name the layout of your device, see docs/collecting.md"
            )
        values = unit_range("joystick", axes, self.axis_count)
        twist = np.zeros(len(AXES))
        for name, (index, factor) in self.axes.items():
            twist[AXES.index(name)] = shaped(factor * values[index], self.dead_zone, self.expo)
        pressed = frozenset(name for name, index in self.buttons.items() if buttons[index])
        return Command(twist, pressed, self._opening(values))

    def label(self, button: str) -> str:
        """What the operator finds on the device, or the name of the meaning."""
        return self.labels.get(button, button)

    def _opening(self, values: np.ndarray) -> float | None:
        if self.opening is None:
            return None
        index, released, pressed = self.opening
        return float(np.clip((values[index] - pressed) / (released - pressed), 0.0, 1.0))


def shaped(value: float, dead_zone: float, expo: float) -> float:
    """A value in -1..1 without its dead zone, and flatter around the middle; continuous, and 1 stays 1."""
    rest = max(0.0, abs(value) - dead_zone) / (1.0 - dead_zone)
    return float(np.copysign((1.0 - expo) * rest + expo * rest**3, value)) if rest else 0.0


def load_layout(name: str) -> JoyLayout:
    """A shipped layout by its name, or one from a YAML file. Raises ConfigError when it cannot be used."""
    path = config_file(f"teleop/{name}.yaml") if name in SHIPPED else Path(name)
    if not path.is_file():
        raise ConfigError(f"no layout '{name}': {nearest(name, SHIPPED)} A file of your own is named by its path")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"layout {path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"layout {path} holds {type(data).__name__}, expected keys such as axes and buttons")
    return _layout(path.stem, data)


def _layout(name: str, data: Mapping[str, Any]) -> JoyLayout:
    _require_known(name, "the file", data, [f.name for f in fields(JoyLayout) if f.name != "name"])
    try:
        axes = {key: (int(v["axis"]), float(v.get("factor", 1.0))) for key, v in data["axes"].items()}
        buttons = {key: int(v) for key, v in data["buttons"].items()}
        opening = data.get("opening")
        if opening is not None:
            opening = (int(opening["axis"]), float(opening["released"]), float(opening["pressed"]))
        rest = {key: float(data[key]) for key in ("dead_zone", "expo") if key in data}
        labels = {str(key): str(v) for key, v in data.get("labels", {}).items()}
        counts = int(data["axis_count"]), int(data["button_count"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"layout '{name}' is not complete: {error!r}; compare it with configs/teleop/xbox.yaml"
        ) from None
    return JoyLayout(name, axes, buttons, *counts, opening=opening, labels=labels, **rest)


def _require_known(layout: str, where: str, keys: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in keys:
        if key not in known:
            raise ConfigError(f"layout '{layout}' has '{key}' in {where}; {nearest(str(key), known)}")
