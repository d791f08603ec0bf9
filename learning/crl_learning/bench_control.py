"""crl-bench control: how punctual the control loop is, measured on the real graph.

The sim process steps and draws its cameras at 320x240, the policy process acts, both on the wall clock over DDS: the
numbers are of this machine under the whole load of simulation, drawing and policy.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crl_learning.runtime.settings import UNATTENDED
from crl_robot.errors import ConfigError
from crl_robot.graph import Graph, NodeCommand

if TYPE_CHECKING:
    from crl_learning.nodes.eval_client import EvalClient, Timing

CAMERAS = ("over_shoulder", "wrist")
NULL = "null"
TASK, EPISODE_SEED = "reach", 1


def bench_control(
    rate_hz: float,
    seconds: float,
    cameras: int = 1,
    checkpoint: str = NULL,
    on_second: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Run the graph for ``seconds`` of control; returns flat facts, times in ms.

    Raises:
        ConfigError: a value is out of range, or ``rate_hz`` is not the checkpoint's.
        GraphError: a node ended or did not answer.
    """
    if not (0 < rate_hz <= 100 and 1 <= seconds <= 86_400 and cameras in range(1, len(CAMERAS) + 1)):
        raise ConfigError(
            f"rate={rate_hz} seconds={seconds} cameras={cameras}, expected a rate of up to 100 Hz, 1 to 86400 seconds "
            f"and 1 to {len(CAMERAS)} cameras"
        )
    nodes = bench_nodes(rate_hz, CAMERAS[:cameras], checkpoint)
    with tempfile.TemporaryDirectory(prefix="crl-bench-") as logs, Graph(nodes, Path(logs)) as graph:
        from crl_learning.nodes.eval_client import EvalClient

        with EvalClient(graph.env, None, graph.check) as client:
            _run(client, seconds, on_second)
            facts = summarise_timing(client.timing, rate_hz)
            lost = dict(client.policy_status["frames_lost"])
    settings = {"seconds": seconds, "cameras": cameras, "checkpoint": checkpoint}
    return {"rate": rate_hz} | facts | {"dropped_frames": sum(lost.values())} | settings


def bench_nodes(rate_hz: float, cameras: Sequence[str], checkpoint: str) -> list[NodeCommand]:
    """Simulation and policy at one rate; with a checkpoint the policy refuses a rate that is not its own."""
    sim = {"task": TASK, "episode_seed": EPISODE_SEED, "cameras": list(cameras), "action.rate_hz": rate_hz}
    policy = {"checkpoint": checkpoint, "rate_hz": rate_hz, "start_on_activate": False} | UNATTENDED
    return [
        NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml", sim),
        NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", policy),
    ]


def summarise_timing(timing: Sequence[Timing], rate_hz: float) -> dict[str, Any]:
    """Facts of the control ticks that were heard of, in order.

    A tick is missed when it began more than a period late, so that it was skipped, or when it sent no action.
    ``age_ms`` is from the stamp of the camera's frame to the action that was computed from it.

    Raises:
        ConfigError: fewer than two ticks.
    """
    if len(timing) < 2:
        raise ConfigError(f"{len(timing)} control ticks were measured, expected at least 2; give it more seconds")
    ticks = round((timing[-1].heard_s - timing[0].heard_s) * rate_hz) + 1
    acted = [tick for tick in timing if np.isfinite(tick.inference_ms)]
    return {
        "ticks": ticks,
        "missed": max(0, ticks - len(acted)),
        "lateness_ms": _percentiles([tick.lateness_ms for tick in timing]),
        "age_ms": _percentiles([tick.age_ms + tick.inference_ms for tick in acted]),
        "inference_ms": _percentiles([tick.inference_ms for tick in acted]),
    }


def _run(client: EvalClient, seconds: float, on_second: Callable[[], None]) -> None:
    client.wait_for_simulation()
    client.wait_for_policy()
    client.reset(TASK, EPISODE_SEED)
    client.set_goal(_goal_image())
    client.start_policy()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        client.wait_for(min(1.0, left))
        on_second()
    client.stop_policy()
    client.disable_arm()


def _goal_image() -> np.ndarray:
    from crl_robot.sim.env import SimEnv

    with SimEnv(TASK, CAMERAS[:1]) as env:
        env.reset(np.random.default_rng(EPISODE_SEED))
        return env.goal_image(CAMERAS[0])


def _percentiles(values_ms: Sequence[float]) -> dict[str, float] | None:
    """p50, p99 and max; None of no value."""
    if not values_ms:
        return None
    p50, p99, highest = np.percentile(values_ms, [50, 99, 100])
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3), "max": round(float(highest), 3)}
