"""What a planner is and what it gives: pictures to go to one after the other, the goal last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from crl_learning.goals.reference import FrameName
from crl_robot.errors import ConfigError, ContractError

NONE = "none"
PLANNERS = (NONE, "graph", "interpolation")
MAX_WAYPOINTS = 20


@dataclass(frozen=True)
class Plan:
    """A way to a goal.

    Attributes:
        images: uint8 (M + 1, h, w, 3 * cameras) as the network sees them: the waypoints in order, then the goal.
        frames: which frames of the data the M waypoints are; none where the goal is near.
        ticks: (M + 1,) control ticks that the critic expects from each of them to the next, from the view on.
    """

    images: NDArray[np.uint8]
    frames: tuple[FrameName, ...]
    ticks: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or not len(self.images) == len(self.frames) + 1 == len(self.ticks):
            raise ContractError(
                f"a plan of {self.images.shape} images, {len(self.frames)} frames and {len(self.ticks)} legs, expected "
                "an image for each frame and the goal, and a leg to each of them"
            )

    @property
    def waypoints(self) -> NDArray[np.uint8]:
        """(M, h, w, 3 * cameras)."""
        return self.images[:-1]

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "waypoints": [{"episode": one.episode, "frame": one.frame} for one in self.frames],
            "ticks": [round(leg, 1) for leg in self.ticks],
        }


class Planner(Protocol):
    """Finds waypoints. The same arguments give the same plan."""

    def plan(
        self,
        view: NDArray[np.uint8],
        goal: NDArray[np.uint8],
        count: int,
        avoid: frozenset[FrameName] = frozenset(),
    ) -> Plan:
        """At most ``count`` waypoints from a view to a goal, uint8 (h, w, 3 * cameras) each, as seen.

        Args:
            avoid: frames that are not taken.

        Raises:
            PlanError: there is no way.
            ConfigError: ``count`` is not 1..MAX_WAYPOINTS.
        """
        ...


def plan_words(plan: Mapping[str, Any]) -> str:
    """What a run tells of its plan, in a line."""
    if plan["state"] != "followed":
        return f"{plan['state']}: {plan['reason']}".removesuffix(": ")
    names = [f"{one['episode']}:{one['frame']}" for one in plan["waypoints"]]
    return f"{', '.join(names) or 'straight to the goal'}; {sum(plan['ticks']):.0f} ticks expected"


def require_count(count: int) -> None:
    """Raise ConfigError for a number of waypoints that cannot be used."""
    if not 1 <= count <= MAX_WAYPOINTS:
        raise ConfigError(f"{count} waypoints were asked for, expected 1 to {MAX_WAYPOINTS}")
