"""crl-bench kills: each node of a running graph is killed with SIGKILL at random moments, while the arm moves.

Half of the nodes are started again, as respawn:=true does, and the run must go on; after the others the graph
is ended, as the launch files do without it, and every other node must leave with code 0. The simulated world judges the
arm.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from crl_learning.campaigns.kept_runs import judge_runs
from crl_learning.campaigns.killing import Rig
from crl_learning.campaigns.kills_report import Kill, facts_of, plot_kills, write_kills
from crl_learning.campaigns.victims import CAMERA, ROBOTS, TASK, Victim, free_port, kills_nodes, victims_of
from crl_robot.errors import ConfigError, nearest
from crl_robot.graph import Graph, GraphError

GOAL_SEED = 0
PATIENCE_S = 15.0
"""As the launch files give a node that is to end."""
STARTS = 3
"""Tries to bring the graph up."""


def run(
    n: int = 100,
    seed: int = 0,
    out: Path | None = None,
    only: Sequence[str] = (),
    robot: str = "widowx",
    on_kill: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Kill each node ``n`` times; returns flat facts.

    Args:
        n: kills of each node.
        seed: of order and moments.
        out: folder that gets a line for each kill (kills.csv), a plot, the nodes' logs of lives with a complaint, and
            recorded runs that are unsound.
        only: nodes to kill; empty for all.
        robot: 'widowx': the ordinary driver on emulated servos; 'sim': the simulated arm.
        on_kill: called after each.

    Raises:
        ConfigError: a value is out of range, or no node has that name.
        GraphError: the graph does not come up.
    """
    victims, rng = chosen(n, only, robot), np.random.default_rng(seed)
    kills: list[Kill] = []
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crl-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        goal = write_goal(folder / "goal.png")
        runs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runs-", dir=folder))).absolute()
        for life in lives(victims, n, rng):
            with _graph(robot, folder, runs, goal) as rig:
                for victim, respawn in life:
                    kills.append(rig.kill(victim, respawn, rng))
                    on_kill()
            if any(kill.complaint for kill in kills[-len(life) :]):
                shutil.copytree(folder / "logs", folder / f"logs_until_kill_{len(kills)}", dirs_exist_ok=True)
            kills[-1] = judged(kills[-1], *judge_runs(runs, rig.cut_off, folder / "unsound"))
            write_kills(folder, kills)  # after each life: a campaign takes hours, and may be cut off
        plot_kills(folder / "kills.png", kills)
    return facts_of(kills) | {"seed": seed}


def judged(kill: Kill, runs: int, unsound: dict[str, str]) -> Kill:
    """With what the recorded runs of this life look like."""
    return replace(kill, runs=runs, unsound="; ".join(f"{name}: {words}" for name, words in unsound.items()))


def chosen(n: int, only: Sequence[str], robot: str = "widowx") -> list[Victim]:
    """The nodes to kill. Raises ConfigError."""
    if robot not in ROBOTS:
        raise ConfigError(f"robot is '{robot}'; {nearest(robot, ROBOTS)}")
    known = {victim.name: victim for victim in victims_of(robot)}
    for name in only:
        if name not in known:
            raise ConfigError(f"no node of the campaign is named '{name}'; {nearest(name, known)}")
    if not 1 <= n <= 100_000:
        raise ConfigError(f"n is {n}, expected 1 to 100000 kills of each node")
    return [known[name] for name in only] or list(known.values())


def lives(victims: Sequence[Victim], n: int, rng: np.random.Generator) -> Iterator[list[tuple[Victim, bool]]]:
    """The kills of each life of the graph: one with respawn, and one without, which ends it.

    Every node is killed ``n`` times, every second time with respawn, in random order.
    """
    drawn = [(victim, index % 2 == 0) for victim in victims for index in range(n)]
    shuffled = [drawn[i] for i in rng.permutation(len(drawn))]
    again = [kill for kill in shuffled if kill[1]]
    last = [kill for kill in shuffled if not kill[1]]
    for index in range(max(len(again), len(last))):
        yield again[index : index + 1] + last[index : index + 1]


def write_goal(path: Path) -> Path:
    """The goal image of one episode of the task."""
    from crl_robot.sim.env import SimEnv

    with SimEnv(TASK, (CAMERA,)) as env:
        env.reset(np.random.default_rng(GOAL_SEED))
        cv2.imwrite(str(path), env.goal_image(CAMERA)[..., ::-1])
    return path.absolute()


@contextmanager
def _graph(robot: str, folder: Path, runs: Path, goal: Path) -> Iterator[Rig]:
    """The running graph with a run that is recorded; tried again where a busy machine let a node come up too late."""
    for left in reversed(range(STARTS)):
        with ExitStack() as stack:
            try:
                rig = _started(stack, robot, folder, runs, goal)
            except GraphError:
                if not left:
                    raise
                continue
            yield rig
            return


def _started(stack: ExitStack, robot: str, folder: Path, runs: Path, goal: Path) -> Rig:
    from crl_learning.nodes.kills_client import KillsClient

    port, begin_s = free_port(), time.monotonic()
    graph = stack.enter_context(
        Graph(kills_nodes(robot, folder, runs, goal, port), folder / "logs", patience_s=PATIENCE_S)
    )
    rig = Rig(graph, port)
    rig.client = stack.enter_context(KillsClient(graph.env, rig.check))
    rig.client.let_move(begin_s)
    rig.client.wait_for_graph()
    return rig
