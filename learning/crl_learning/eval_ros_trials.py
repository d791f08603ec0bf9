"""One trial over ROS: on the wall clock, or with a simulation that waits for each action."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.direct_runner import CAMERA, Film, make_trial
from crl_learning.eval_pictures import Pictures
from crl_learning.eval_report import side_by_side
from crl_learning.trials import Moment, Trial, episode_seed
from crl_robot.contracts import ActionSpec
from crl_robot.graph import GraphError
from crl_robot.sim.env import SimEnv

if TYPE_CHECKING:
    from crl_learning.nodes.eval_client import EvalClient

SETTLE_S = 0.3
"""After a reset on the wall clock, until every frame on its way shows the new start."""
TICK_TIMEOUT_S = 5.0
LOCKSTEP_TIMEOUT_S = 30.0
"""Of a control tick whose nodes may be slower than the clock on the wall."""


def run_on_the_clock(client: EvalClient, env: SimEnv, seed: int, index: int, film: Film) -> Trial:
    """One trial of as many control ticks as the task allows; ``env`` only draws the goal image.

    Raises:
        GraphError: the simulation started another episode than ``env``, or something did not answer.
    """
    goal, _ = _begin(client, env, episode_seed(seed, index))
    client.wait_for(SETTLE_S)
    moments: list[Moment] = []

    def take() -> None:
        moments.append(client.newest_truth().moment)
        if client.frame is not None:
            film.append(side_by_side(client.frame.image, goal))

    take()
    client.start_policy()
    for ticks in range(1, env.task.max_steps + 1):
        client.wait(lambda ticks=ticks: len(client.timing) >= ticks, TICK_TIMEOUT_S, "next control tick of the policy")
        if ticks > 1:  # the tick before has had its whole period
            take()
    client.stop_policy()
    _wait_for_end_of_tick(client)
    take()
    pictures = Pictures.take(goal, client.frame.image) if client.frame is not None else None
    return make_trial(env.task, env.episode, seed, index, moments, pictures)


def run_in_lockstep(client: EvalClient, env: SimEnv, seed: int, index: int, film: Film) -> Trial:
    """As `run_on_the_clock`, to the bit what `DirectRunner` does.

    Raises:
        GraphError: as above, or the simulation ran other periods than the policy's.
    """
    goal, start_ns = _begin(client, env, episode_seed(seed, index))
    client.start_policy()
    instants, count = client.instants, env.task.max_steps + 1
    for number in range(count):
        client.wait(
            lambda number=number: len(instants.since(start_ns)) > number,
            LOCKSTEP_TIMEOUT_S,
            "next instant of the simulation",
        )
    client.stop_policy()
    stamps = instants.since(start_ns)[:count]
    _require_periods(stamps, start_ns, client)
    found = [instants.known[stamp] for stamp in stamps]
    film += [side_by_side(one.image, goal) for one in found]
    pictures = Pictures.take(goal, found[-1].image)
    return make_trial(env.task, env.episode, seed, index, [one.moment for one in found], pictures)


def _begin(client: EvalClient, env: SimEnv, drawn: int) -> tuple[NDArray[np.uint8], int]:
    """Put the simulation at the start, give the policy its goal; returns CAMERA's part of it and the start's stamp."""
    env.reset(np.random.default_rng(drawn))
    reported = client.reset(env.task.name, drawn)
    _require_same_start(reported, env)
    goals = {camera: env.goal_image(camera) for camera in env.cameras}
    client.set_goal(np.concatenate([goals[camera] for camera in client.goals.cameras], axis=-1))
    return goals[CAMERA], int(reported["stamp_ns"])


def _wait_for_end_of_tick(client: EvalClient) -> None:
    """Wait until the simulation reports from after the period of the last control tick."""
    period_s = ActionSpec.from_dict(client.arm_status["action_spec"]).period_s
    client.wait_for(max(0.0, client.timing[-1].heard_s + period_s - time.monotonic()))
    end_ns = client.now_ns()
    client.wait(lambda: client.newest_truth().stamp_ns >= end_ns, TICK_TIMEOUT_S, "state after the last control tick")


def _require_same_start(reported: dict[str, Any], env: SimEnv) -> None:
    expected = env.task.facts(env.episode)
    got = {key: reported[key] for key in expected}
    if got != expected:
        raise GraphError(
            f"the simulation started {got}, expected {expected}; run one version of the project everywhere"
        )


def _require_periods(stamps: list[int], start_ns: int, client: EvalClient) -> None:
    period_ns = round(ActionSpec.from_dict(client.arm_status["action_spec"]).period_s * 1e9)
    expected = [start_ns + tick * period_ns for tick in range(len(stamps))]
    if stamps != expected:
        raise GraphError(
            f"the simulation reported from {[stamp - start_ns for stamp in stamps]} ns after the start, expected every "
            f"{period_ns} ns; messages were lost"
        )
