"""Settings of `crl-data play`: hydra-style key=value words checked against a typed dataclass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, get_args

from crl_data.schema import Encoding
from crl_robot.arm_model import ROBOT_NAMES
from crl_robot.errors import ConfigError, nearest
from crl_robot.sim.play_options import PlayOptions

PLAY_TASKS = ("play", "reach", "push")


@dataclass(frozen=True)
class PlaySettings:
    """What to record.

    Attributes:
        out: store to write; made when it does not exist.
        robot: 'widowx' or 'sawyer'.
        task: 'play' (noisy mixture of reaching and pushing) or an oracle's task, 'reach' or 'push'.
        episodes: number of episodes with this task and seed that the store shall hold.
        steps: control ticks per episode.
        seed: episode i draws from the seed sequence [seed, i], whatever the number of workers.
        resume: add to an existing store, skipping the episodes that it holds.
        workers: processes.
        cameras: comma-separated names.
        encoding: 'jpeg' or 'lossless'.
        push_share: in task=play, probability that the next thing to do is a push rather than a reach; a robot without
            a task 'push' only reaches.
    """

    out: str = ""
    robot: str = ROBOT_NAMES[0]
    task: str = "play"
    episodes: int = 100
    steps: int = 60
    seed: int = 0
    resume: bool = False
    workers: int = 2
    cameras: str = "over_shoulder"
    encoding: Encoding = "jpeg"
    push_share: float = PlayOptions.push_share

    def __post_init__(self) -> None:
        if not self.out:
            raise ConfigError("out is missing: name the store to write, for example out=data/play.zarr")
        if self.robot not in ROBOT_NAMES:
            raise ConfigError(f"robot={self.robot} is unknown, {nearest(self.robot, ROBOT_NAMES)}")
        if self.task not in PLAY_TASKS:
            raise ConfigError(f"task={self.task} is unknown, {nearest(self.task, PLAY_TASKS)}")
        if self.encoding not in get_args(Encoding):
            raise ConfigError(f"encoding={self.encoding} is unknown, {nearest(self.encoding, get_args(Encoding))}")
        for name, low in (("episodes", 1), ("steps", 2), ("workers", 1), ("seed", 0)):
            if getattr(self, name) < low:
                raise ConfigError(f"{name}={getattr(self, name)}, expected at least {low}")
        if not 0 <= self.push_share <= 1:
            raise ConfigError(f"push_share={self.push_share}, expected a probability from 0 to 1")
        if not all(self.camera_names):
            raise ConfigError(f"cameras={self.cameras!r}, expected names separated by commas")

    @property
    def camera_names(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.cameras.split(","))

    @classmethod
    def from_words(cls, words: Sequence[str]) -> PlaySettings:
        """``['task=push', 'episodes=10', ...]`` -> settings. Raises ConfigError naming the nearest known key."""
        defaults = {field.name: field.default for field in fields(cls)}
        values: dict[str, Any] = {}
        for word in words:
            key, equals, text = word.partition("=")
            if not equals:
                raise ConfigError(f"'{word}' is not of the form key=value; keys: {', '.join(defaults)}")
            if key not in defaults:
                raise ConfigError(f"unknown key '{key}', {nearest(key, defaults)}")
            values[key] = _convert(key, text, type(defaults[key]))
        return cls(**values)


_SWITCH = {"true": True, "false": False}


def _convert(key: str, text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() not in _SWITCH:
            raise ConfigError(f"{key}={text}, expected true or false")
        return _SWITCH[text.lower()]
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError as error:
            raise ConfigError(f"{key}={text}, expected a {'whole ' if kind is int else ''}number") from error
    return text.strip("[]")
