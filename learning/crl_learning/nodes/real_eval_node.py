"""The executable `real_eval`: walks an operator through trials on a robot; real_eval.launch.py starts it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch  # noqa: F401  before MuJoCo opens a GL context: the other order crashes

from crl_learning.commands import run_command
from crl_learning.eval_files import training_facts
from crl_learning.nodes.real_eval_client import RealEvalClient
from crl_learning.nodes.real_eval_sim import SimStage
from crl_learning.real_eval.log import RealLog
from crl_learning.real_eval.scenes import Scenes
from crl_learning.real_eval.walk import OperatorStage, Plan, walk
from crl_robot.errors import CheckpointError, ConfigError
from crl_robot.robots import robot
from crl_robot.sim.env import SimEnv
from crl_robot.sim.tasks import get_task
from crl_robot.sim.world_json import world_from_json


def main() -> int:
    """Walk through all trials; returns 0 when they are done, 1 when something was lost, 2 refused, 130 interrupted."""
    arguments = _parser().parse_args([word for word in _own(sys.argv[1:])])
    return run_command("real_eval", lambda: _walk(arguments))


def _walk(given: argparse.Namespace) -> None:
    moved = robot(given.robot)
    log = RealLog(Path(given.out))
    with RealEvalClient(given.camera, given.layout) as client:
        client.wait_until_ready()
        log.trained |= _trained(given.policy, client)
        ticks = given.ticks or get_task(given.task, moved).max_steps
        by_truth = given.judge == "truth"
        plan = Plan(given.task, given.policy, given.trials, ticks, given.seed, by_truth)
        if not by_truth:
            _require_one_camera(client.goals.cameras)
            walk(client, OperatorStage(client, Scenes(Path(given.scenes or log.folder / "scenes"))), plan, log)
            return
        client.wait_for_simulation()
        with SimEnv(given.task, client.goals.cameras, options=world_from_json(given.world), robot=moved) as env:
            walk(client, SimStage(client, env, given.seed), plan, log)


def _trained(policy: str, client: RealEvalClient) -> dict[str, Any]:
    """What it was trained by; nothing, with a word, where its checkpoint is not on this computer."""
    try:
        return training_facts([policy])["trained"]
    except CheckpointError as error:
        client.say(f"the results will not say what {policy} was trained by: {error}")
        return {}


def _require_one_camera(cameras: Sequence[str]) -> None:
    """A scene is kept as pictures of the camera that is shown."""
    if len(cameras) != 1:
        raise ConfigError(
            f"the policy sees {', '.join(cameras)}, expected one camera: goals of scenes are photographed by one; use "
            "a checkpoint of one camera, or judge=truth in simulation"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="real_eval", description=__doc__)
    say = parser.add_argument
    say(
        "--out",
        required=True,
        help="folder that gets trials.csv and summary.json; trials that are in it are not redone",
    )
    say("--policy", required=True, help="name of the policy in the results: its checkpoint as crl-eval was given it")
    say("--task", default="reach", help="task whose length the trials have, and its name in the results")
    say("--trials", type=int, default=20, help="scenes to go through")
    say("--ticks", type=int, default=0, help="control ticks of a run; 0: those of the task")
    say("--scenes", default="", help="folder of goal and start pictures, shared by all policies; empty: OUT/scenes")
    say("--judge", choices=("operator", "truth"), default="operator", help="truth: a simulation plays the robot")
    say("--seed", type=int, default=1000, help="with truth: draws the scenes, as crl-eval's seed does")
    say("--world", default="", help="with truth: JSON of what that simulation's world differs in")
    say("--robot", default="widowx", help="robot, as crl-eval names it")
    say("--camera", default="over_shoulder", help="camera whose view is shown and photographed")
    say("--layout", default="plain", help="layout of a gamepad whose session buttons count beside the keyboard's")
    return parser


def _own(words: list[str]) -> list[str]:
    """The words before ROS's own."""
    return words[: words.index("--ros-args")] if "--ros-args" in words else words


if __name__ == "__main__":
    sys.exit(main())
