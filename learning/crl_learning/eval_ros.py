"""Evaluation over ROS: the node executables, on the same paired trials as `crl_learning.evaluate`.

Either the simulated arm (via=ros) on the wall clock or in lock step, or the real driver and arm node on emulated
hardware that moves the simulated world (via=emulated).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch  # noqa: F401  before MuJoCo opens a GL context: the other order crashes

from crl_learning.direct_runner import CAMERA, Film
from crl_learning.eval_report import failures_first, write_trial_video
from crl_learning.evaluate import Job
from crl_learning.nodes.policy_loading import cameras_of
from crl_learning.trials import Trial
from crl_robot.graph import Graph, NodeCommand, Parameter
from crl_robot.robot_commands import emulated_robot, simulated_robot
from crl_robot.robots import robot
from crl_robot.sim.env import SimEnv

EVERY_TICK: dict[str, Parameter] = {
    "when_reached": "go_on",
    "when_stuck": "go_on",
    "pause_on_estop": False,
    "wait_for_enable": False,
    "checks": "off",
}
"""A trial has all its control ticks, whatever the policy node thinks of it, as those in one process have."""


@dataclass(frozen=True)
class GraphRun:
    """How a job is run over ROS.

    Attributes:
        emulated: the real driver drives emulated hardware, in place of the simulated arm.
        lockstep: the simulation waits for each action, on a clock of its own.
        videos: films to keep, failures first, in ``video_folder``. With none the camera is not listened to on the wall
            clock, which spares the processor, and trials have no pictures.
    """

    emulated: bool
    lockstep: bool
    videos: int
    video_folder: Path

    @property
    def looks(self) -> bool:
        """Whether the camera's images are kept."""
        return self.videos > 0 or self.lockstep


def drawn_cameras(job: Job) -> tuple[str, ...]:
    """Those that the policy sees, and the one of pictures and films. Raises CheckpointError."""
    return tuple(dict.fromkeys((CAMERA, *cameras_of(job.subject.name))))


def evaluation_nodes(job: Job, how: GraphRun, folder: Path) -> list[NodeCommand]:
    """The executables under evaluation; the policy waits for /policy/start. ``folder`` gets the emulated port."""
    scene: dict[str, Parameter] = {"task": job.task, "cameras": list(drawn_cameras(job))}
    policy: dict[str, Parameter] = {"checkpoint": job.subject.name, "start_on_activate": False, **EVERY_TICK}
    if how.lockstep:
        scene["lockstep"] = True
        policy |= {"use_sim_time": True, "lockstep": True}
    moved = emulated_robot(job.robot, scene, folder) if how.emulated else simulated_robot(job.robot, scene)
    return [*moved, NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", policy)]


def run_ros(job: Job, how: GraphRun, log: Path, on_trial: Callable[[], None] = lambda: None) -> list[Trial]:
    """The trials of a job in order; ``log`` gets what the nodes said.

    When an emulated driver fails the e-stop is latched: that trial stands as it went, and the arm is reset before the
    next one.

    Raises:
        CheckpointError: it cannot be told what the checkpoint sees.
        GraphError: a node ended or did not answer; all nodes are ended then, and the arm holds.
    """
    trials: list[Trial] = []
    shelf: dict[int, Film] = {}
    log.mkdir(parents=True, exist_ok=True)
    nodes = evaluation_nodes(job, how, log)
    with Graph(nodes, log) as graph, SimEnv(job.task, drawn_cameras(job), robot=robot(job.robot)) as env:
        from crl_learning.eval_ros_trials import run_in_lockstep, run_on_the_clock
        from crl_learning.nodes.eval_client import EvalClient

        run = run_in_lockstep if how.lockstep else run_on_the_clock
        with EvalClient(graph.env, CAMERA if how.looks else None, graph.check, how.lockstep) as client:
            client.wait_for_simulation()
            client.wait_for_policy()
            for index in range(job.episodes):
                film: Film = []
                trials.append(run(client, env, job.seed, index, film))
                shelf[index] = film
                kept = {trial.index for trial in failures_first(trials, how.videos)}
                shelf = {i: one for i, one in shelf.items() if i in kept}
                on_trial()
            client.disable_arm()
            facts = {"estops": client.estops, "counters": client.arm_status["counters"]}
    (log / f"{job.task}_arm.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    for index, film in shelf.items():
        write_trial_video(how.video_folder, trials[index], film)
    return trials
