"""Evaluation over ROS: the node executables on the wall clock, the same paired trials as `run_direct`.

Either the simulated arm (via=ros), or the real driver and arm node on emulated hardware that moves the simulated world
(via=emulated).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch  # noqa: F401  before MuJoCo opens a GL context: the other order crashes
from numpy.typing import NDArray

from crl_learning.eval_report import failures_first, side_by_side, write_trial_video
from crl_learning.evaluate import CAMERA, make_trial
from crl_learning.trials import Trial, episode_seed
from crl_robot.contracts import ActionSpec
from crl_robot.graph import Graph, GraphError, NodeCommand
from crl_robot.robot_commands import emulated_robot, simulated_robot
from crl_robot.robots import WIDOWX, robot
from crl_robot.sim.env import SimEnv

if TYPE_CHECKING:
    from crl_learning.nodes.eval_client import EvalClient

Film = list[NDArray[np.uint8]]

SETTLE_S = 0.3
"""After a reset, until every frame on its way shows the new start."""
TICK_TIMEOUT_S = 5.0


def evaluation_nodes(checkpoint: str, task: str, robot_name: str, emulated: bool, folder: Path) -> list[NodeCommand]:
    """The executables under evaluation; the policy waits for /policy/start. ``folder`` gets the emulated port."""
    scene = {"task": task, "cameras": [CAMERA]}
    moved = emulated_robot(robot_name, scene, folder) if emulated else simulated_robot(robot_name, scene)
    policy = {"checkpoint": checkpoint, "start_on_activate": False}
    return [*moved, NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", policy)]


def run_ros(
    task: str,
    checkpoint: str,
    seed: int,
    episodes: int,
    videos: int,
    out: Path,
    on_trial: Callable[[], None],
    robot_name: str = WIDOWX.name,
    emulated: bool = False,
) -> list[Trial]:
    """Trials 0 .. episodes - 1 in order; writes up to ``videos`` films, failures first, and the nodes' logs.

    With ``emulated`` the real driver drives emulated hardware. When it fails the e-stop is latched: that trial stands
    as it went, and the arm is reset before the next one.

    Raises:
        GraphError: a node ended or did not answer; all nodes are ended then, and the arm holds.
    """
    trials: list[Trial] = []
    shelf: dict[int, Film] = {}
    log = out / "log"
    log.mkdir(parents=True, exist_ok=True)
    nodes = evaluation_nodes(checkpoint, task, robot_name, emulated, log)
    with Graph(nodes, log) as graph, SimEnv(task, (CAMERA,), robot=robot(robot_name)) as env:
        from crl_learning.nodes.eval_client import EvalClient

        with EvalClient(graph.env, CAMERA if videos else None, graph.check) as client:
            client.wait_for_simulation()
            client.wait_for_policy()
            for index in range(episodes):
                film: Film = []
                trials.append(run_trial(client, env, seed, index, film))
                shelf[index] = film
                kept = {trial.index for trial in failures_first(trials, videos)}
                shelf = {i: one for i, one in shelf.items() if i in kept}
                on_trial()
            client.disable_arm()
            facts = {"estops": client.estops, "counters": client.arm_status["counters"]}
    (log / f"{task}_arm.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    for index, film in shelf.items():
        write_trial_video(out / "videos", trials[index], film)
    return trials


def run_trial(client: EvalClient, env: SimEnv, seed: int, index: int, film: Film) -> Trial:
    """One trial of as many control ticks as the task allows; ``env`` only draws the goal image.

    Raises:
        GraphError: the simulation started another episode than ``env``, or something did not answer.
    """
    drawn = episode_seed(seed, index)
    env.reset(np.random.default_rng(drawn))
    _require_same_start(client.reset(env.task.name, drawn), env)
    goal = env.goal_image(CAMERA)
    client.set_goal(goal)
    client.wait_for(SETTLE_S)
    distances: list[float] = []

    def note() -> None:
        distances.append(client.newest_truth().distance_m)
        if client.frame is not None:
            film.append(side_by_side(client.frame.image, goal))

    note()
    client.start_policy()
    for ticks in range(1, env.task.max_steps + 1):
        client.wait(lambda ticks=ticks: len(client.timing) >= ticks, TICK_TIMEOUT_S, "next control tick of the policy")
        if ticks > 1:  # the tick before has had its whole period
            note()
    client.stop_policy()
    _wait_for_end_of_tick(client)
    note()
    return make_trial(env.task, env.episode, seed, index, distances)


def _wait_for_end_of_tick(client: EvalClient) -> None:
    """Wait until the simulation reports from after the period of the last control tick."""
    period_s = ActionSpec.from_dict(client.arm_status["action_spec"]).period_s
    client.wait_for(max(0.0, client.timing[-1].heard_s + period_s - time.monotonic()))
    end_ns = client.now_ns()
    client.wait(lambda: client.newest_truth().stamp_ns >= end_ns, TICK_TIMEOUT_S, "state after the last control tick")


def _require_same_start(reported: dict[str, Any], env: SimEnv) -> None:
    expected = asdict(env.episode)
    got = {key: tuple(reported[key]) for key in expected}
    if got != expected:
        raise GraphError(
            f"the simulation started {got}, expected {expected}; run one version of the project everywhere"
        )
