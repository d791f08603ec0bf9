"""crl-bench critic: how far a critic moves an actor's actions, and whether its value follows the object or the arm.

Scenes of `push` are posed in the simulation: the same arm with the object elsewhere, and the same object with the arm
elsewhere. The networks see them as they learned to, as images or as numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.ranks import rank_correlation
from crl_learning.scene_judge import SceneJudge, Seen
from crl_learning.statistics import wilson
from crl_learning.trials import episode_seed
from crl_robot.errors import CheckpointError
from crl_robot.robots import WIDOWX, Robot
from crl_robot.sim.env import SimEnv
from crl_robot.sim.moves import TRAVEL_HEIGHT_M
from crl_robot.sim.places import clear_of_can, draw, reachable, sample_can, sample_tool
from crl_robot.sim.state import SceneState

TASK, OBJECT = "push", "can"
SHARE = "object_counts_more"
PLACES = 64
"""Other places of the object, or of the tool, that a start is judged with."""


def critic_effect(
    checkpoint: str, control: str, episodes: int, seed: int, on_episode: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Facts of ``checkpoint`` beside ``control``, the same actor trained without the critic, on trials of `push`.

    Every fact is a mean over trials with its 95 % interval:

    - moved_mm, step_mm: how far actions of both lie apart on the way of ``checkpoint``, and how long its own are;
    - follows_object: Spearman's correlation of the value with the nearness of the object to its goal, over places of
      the object at the arm of the start; follows_arm: with the nearness of the arm, over places of the arm at the
      object of the start;
    - object_counts_more: share of the starts where the object at its goal is worth more than the arm at its.

    Raises CheckpointError where one of them cannot be used, or they see different things.
    """
    judge, other = SceneJudge(checkpoint), SceneJudge(control)
    if judge.cameras != other.cameras:
        raise CheckpointError(
            f"{checkpoint} sees {judge.cameras or 'states'}, {control} {other.cameras or 'states'}; the control must "
            "have learned from the same"
        )
    rows: dict[str, list[float]] = {}
    with SimEnv(TASK, cameras=judge.cameras, robot=judge.robot) as env:
        for index in range(episodes):
            drawn = episode_seed(seed, index)
            env.reset(np.random.default_rng(drawn))
            goal = judge.seen_at(env, env.episode.goal)
            rng = np.random.default_rng([drawn, 1])
            for name, value in (_of_values(judge, env, goal, rng) | _of_actions(judge, other, env, goal)).items():
                rows.setdefault(name, []).append(value)
            on_episode()
    facts = {"checkpoint": checkpoint, "control": control, "episodes": episodes, "seed": seed}
    share = rows.pop(SHARE)
    return facts | {name: _mean(np.array(values)) for name, values in rows.items()} | {SHARE: _share(share)}


def _of_actions(judge: SceneJudge, control: SceneJudge, env: SimEnv, goal: Seen) -> dict[str, float]:
    """How far the actions of both lie apart, mm, along the way that ``judge`` goes."""
    states = []
    for _ in range(env.task.max_steps):
        states.append(judge.seen(env))
        env.act(judge.actions(states[-1][None], goal)[0], look=False)
    mine, its = (one.actions(np.stack(states), goal)[:, :3] for one in (judge, control))
    return {
        "moved_mm": 1000 * float(np.linalg.norm(mine - its, axis=1).mean()),
        "step_mm": 1000 * float(np.linalg.norm(mine, axis=1).mean()),
    }


def _of_values(judge: SceneJudge, env: SimEnv, goal: Seen, rng: np.random.Generator) -> dict[str, float]:
    """Rank correlations of value and nearness, and which of arm and object counts for more."""
    start, end = env.episode.start, env.episode.goal

    def values(scenes: Sequence[SceneState]) -> NDArray[np.float32]:
        return judge.values(np.stack([judge.seen_at(env, scene) for scene in scenes]), goal)

    objects = [object_elsewhere(start, rng, env.robot) for _ in range(PLACES)]
    arms = [arm_elsewhere(start, rng, env.robot) for _ in range(PLACES)]
    only_object, only_arm = values([replace(start, objects=end.objects), replace(start, tool=end.tool)])
    return {
        "follows_object": follows(values(objects), -object_distance(objects, end)),
        "follows_arm": follows(values(arms), -arm_distance(arms, end)),
        SHARE: float(only_object > only_arm),
    }


def follows(values: NDArray[np.float32], nearness: NDArray[np.float64]) -> float:
    """Spearman's correlation (N,) with (N,); 0 for values that are all the same."""
    return rank_correlation(values.astype(np.float64), nearness) if np.ptp(values) > 0 else 0.0


def object_elsewhere(scene: SceneState, rng: np.random.Generator, robot: Robot = WIDOWX) -> SceneState:
    """The same with the object at another place of the table, clear of the arm."""
    tool, (_, _, height, yaw) = np.array(scene.tool), scene.objects[OBJECT]
    x, y = draw(lambda: sample_can(rng, robot), lambda place: clear_of_can(tool, place)).tolist()
    return replace(scene, objects={**scene.objects, OBJECT: (x, y, height, yaw)})


def arm_elsewhere(scene: SceneState, rng: np.random.Generator, robot: Robot = WIDOWX) -> SceneState:
    """The same with the tool at another place above the table."""
    x, y, z = draw(lambda: _raised(sample_tool(rng, robot=robot)), lambda place: reachable(place, robot)).tolist()
    return replace(scene, tool=(x, y, z))


def object_distance(scenes: Sequence[SceneState], goal: SceneState) -> NDArray[np.float64]:
    """(N,) m from the object of each scene to the goal's, along the table."""
    apart = [np.subtract(one.objects[OBJECT][:2], goal.objects[OBJECT][:2]) for one in scenes]
    return np.linalg.norm(apart, axis=1)


def arm_distance(scenes: Sequence[SceneState], goal: SceneState) -> NDArray[np.float64]:
    """(N,) m from the tool of each scene to the goal's."""
    return np.linalg.norm([np.subtract(one.tool, goal.tool) for one in scenes], axis=1)


def _raised(tool: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.append(tool[:2], max(tool[2], TRAVEL_HEIGHT_M))


def _share(values: Sequence[float]) -> dict[str, float]:
    """Of trials with its 95 % Wilson interval."""
    interval = wilson(int(sum(values)), len(values))
    return {"mean": interval.value, "low": interval.low, "high": interval.high}


def _mean(values: NDArray[np.float64]) -> dict[str, float]:
    """Mean over episodes with its normal 95 % interval."""
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    mean = float(values.mean())
    return {"mean": mean, "low": mean - float(half), "high": mean + float(half)}
