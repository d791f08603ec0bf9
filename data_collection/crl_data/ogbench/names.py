"""What the name of an OGBench data set says, without the package: environment, kind of data, and what it needs.

The names are those of https://github.com/seohongpark/ogbench, with ``ogbench/`` in front of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crl_robot.errors import ConfigError, nearest

PREFIX = "ogbench/"
VERSION = "v0"
GOALS = 5
"""Each environment has so many fixed goals to be evaluated on."""

_MAZES = ("medium", "large", "giant", "teleport")
_SIZES = {
    "pointmaze": _MAZES,
    "antmaze": _MAZES,
    "humanoidmaze": ("medium", "large", "giant"),
    "antsoccer": ("arena", "medium"),
    "cube": ("single", "double", "triple", "quadruple"),
    "scene": (),
    "puzzle": ("3x3", "4x4", "4x5", "4x6"),
}
_SEEN = ("antmaze", "humanoidmaze", "cube", "scene", "puzzle")
"""Families that also come with images."""
_ARMS = ("cube", "scene", "puzzle")

Demonstrator = Literal["maze", "arm", "none"]


@dataclass(frozen=True)
class OgbenchName:
    """One data set.

    Attributes:
        dataset: its name without ``ogbench/``, such as 'visual-cube-single-play-v0'.
        family: 'cube', 'pointmaze', ...
        size: 'single', 'medium', ...; '' where there is only one.
        kind: how the data were made: 'navigate', 'stitch', 'explore', 'play' or 'noisy'.
        visual: whether an observation is an image instead of a state vector.
    """

    dataset: str
    family: str
    size: str
    kind: str
    visual: bool

    @classmethod
    def parse(cls, task: str) -> OgbenchName:
        """From a task such as 'ogbench/pointmaze-medium-navigate-v0'. Raises ConfigError naming the nearest one."""
        dataset = task.removeprefix(PREFIX)
        known = {name.dataset: name for name in known_names()}
        if dataset not in known:
            hint = nearest(dataset, known)
            hint = hint if "did you" in hint else "such as ogbench/pointmaze-medium-navigate-v0"
            raise ConfigError(
                f"task={task}: OGBench has no goal-conditioned data set '{dataset}' that this program knows; {hint}"
            )
        return known[dataset]

    @property
    def task(self) -> str:
        """With ``ogbench/`` in front."""
        return f"{PREFIX}{self.dataset}"

    @property
    def environment(self) -> str:
        """Name of its environment, such as 'visual-cube-single-v0'; data sets of several kinds share one."""
        return self.dataset.replace(f"-{self.kind}-", "-")

    @property
    def demonstrator(self) -> Demonstrator:
        """Which policy can make such data; 'none' where it is a trained network that the package does not bring."""
        if self.family in _ARMS:
            return "arm"
        return "maze" if self.family == "pointmaze" else "none"

    @property
    def steps(self) -> int:
        """Observations of one episode in the published data."""
        if self.kind == "explore":
            return 501
        if self.kind == "stitch":
            soccer = self.family == "antsoccer" and self.size == "medium"
            return 501 if soccer else 401 if self.family == "humanoidmaze" else 201
        longer = 2 if self.size == "giant" else 1
        return (2000 if self.family == "humanoidmaze" else 1000) * longer + 1


def is_ogbench(task: str) -> bool:
    """Whether a task is one of OGBench's."""
    return task.startswith(PREFIX)


def known_names() -> list[OgbenchName]:
    """Every goal-conditioned data set with continuous actions."""
    found = []
    for family, sizes in _SIZES.items():
        for size in sizes or ("",):
            for kind in _kinds(family, size):
                for visual in (False, True) if family in _SEEN else (False,):
                    words = ("visual" if visual else "", family, size, kind, VERSION)
                    found.append(OgbenchName("-".join(filter(None, words)), family, size, kind, visual))
    return found


def _kinds(family: str, size: str) -> tuple[str, ...]:
    if family in _ARMS:
        return ("play", "noisy")
    explored = family == "antmaze" and size != "giant"
    return ("navigate", "stitch", "explore") if explored else ("navigate", "stitch")
