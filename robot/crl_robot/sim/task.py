"""What a task is: how its episodes are drawn, how far a world is from the goal, and what is reached on the way there.

A task never moves anything; its oracle does, with the true state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from crl_robot.sim.state import Episode
from crl_robot.sim.world import World

if TYPE_CHECKING:
    from crl_robot.sim.env import SimEnv

Measure = Callable[[World, Episode], float]


class Oracle(Protocol):
    """Anything that chooses action values (7,) from the true state of an environment; one serves one episode."""

    def act(self, env: SimEnv) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Part:
    """One thing that must be where the goal has it: ``distance`` in m, at most ``tolerance_m`` when it is there."""

    name: str
    tolerance_m: float
    distance: Measure


@dataclass(frozen=True)
class Stage:
    """A step on the way to the goal, and whether the world is there now."""

    name: str
    reached: Callable[[World, Episode], bool]


@dataclass(frozen=True)
class Task:
    """One task of one robot.

    Attributes:
        name: as settings name it.
        scene: scene of the robot that it takes place in.
        max_steps: control ticks of a trial.
        object: name of the object whose place reports show.
        parts: what success consists of; the tolerance of the first one is that of the task.
        stages: steps on the way, in their order.
        sample: draws episodes.
        oracle: makes a scripted solution for one episode.
    """

    name: str
    scene: str
    max_steps: int
    object: str
    parts: tuple[Part, ...]
    stages: tuple[Stage, ...]
    sample: Callable[[np.random.Generator], Episode]
    oracle: Callable[[], Oracle]

    @property
    def tolerance_m(self) -> float:
        """A `distance` of at most this is a success."""
        return self.parts[0].tolerance_m

    def distance(self, world: World, episode: Episode) -> float:
        """What is left to the goal in m: the largest of the parts, each scaled to the tolerance of the task."""
        return max(self.tolerance_m / part.tolerance_m * part.distance(world, episode) for part in self.parts)

    def distances(self, world: World, episode: Episode) -> dict[str, float]:
        """What is left of each part in m, unscaled."""
        return {part.name: part.distance(world, episode) for part in self.parts}

    def success(self, world: World, episode: Episode) -> bool:
        """Whether all parts are at the goal now."""
        return self.distance(world, episode) <= self.tolerance_m

    def arm_distance(self, world: World, episode: Episode) -> float:
        """Distance in m from the tool to where the goal image shows it, whatever the objects do."""
        return tool_distance(world, episode)

    def stage(self, world: World, episode: Episode, before: int = 0) -> int:
        """How many stages are behind the world now, when ``before`` of them were; one is reached after the other."""
        while before < len(self.stages) and self.stages[before].reached(world, episode):
            before += 1
        return before

    def facts(self, episode: Episode) -> dict[str, Any]:
        """Start and goal as JSON: tool and main object by themselves, then all of both."""
        start, goal = episode.start, episode.goal
        return {
            "start_tool": list(start.tool),
            "start_object_xy": list(self.object_xy(episode)[0]),
            "goal_tool": list(goal.tool),
            "goal_object_xy": list(self.object_xy(episode)[1]),
            "start": _plain(asdict(start)),
            "goal": _plain(asdict(goal)),
        }

    def object_xy(self, episode: Episode) -> tuple[tuple[float, float], tuple[float, float]]:
        """(x, y) in m of the main object at start and goal."""
        (a, b, *_), (c, d, *_) = (state.objects[self.object] for state in (episode.start, episode.goal))
        return (a, b), (c, d)


def tool_distance(world: World, episode: Episode) -> float:
    """From the tool to where the goal has it, m."""
    return float(np.linalg.norm(world.tool_pose().position - episode.goal.tool))


def _plain(value: Any) -> Any:
    """The same with lists for tuples, as JSON gives it back."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
