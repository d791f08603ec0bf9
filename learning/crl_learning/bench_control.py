"""crl-bench control: how punctual the control loop is, measured on the real graph.

The sim process steps and draws its cameras at 320x240, the policy process acts, both on the wall clock over DDS: the
numbers are of this machine under the whole load of simulation, drawing and policy. With ``replay`` prerecorded frames
of 640x480 at 30 Hz take the place of what is drawn.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crl_learning.bench_control_load import NULL, SIZE, rated_checkpoint, recorder_nodes, replay_nodes
from crl_learning.machine import choose_device
from crl_learning.runtime.settings import UNATTENDED
from crl_robot.errors import ConfigError
from crl_robot.graph import Graph, NodeCommand, Parameter
from crl_robot.replay import noise_frames

if TYPE_CHECKING:
    from crl_learning.nodes.eval_client import EvalClient, Timing

CAMERAS = ("over_shoulder", "wrist")
REPLAYED = ("over_shoulder", "side")
"""The simulation has no camera of the second name."""
TASK, EPISODE_SEED = "reach", 1
RECORDER_LEAD_S = 0.5


@dataclass(frozen=True)
class Load:
    """What runs beside the control loop.

    Attributes:
        cameras: 1 or 2.
        replay: prerecorded frames in the place of drawn ones.
        record: every tick, frame and arm state is recorded.
    """

    cameras: int = 1
    replay: bool = False
    record: bool = False

    def __post_init__(self) -> None:
        if self.cameras not in range(1, len(CAMERAS) + 1):
            raise ConfigError(f"cameras={self.cameras}, expected 1 to {len(CAMERAS)} cameras")
        if self.record and not self.replay:
            raise ConfigError("record needs replay: what is recorded are prerecorded frames of 640x480")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the cameras."""
        return (REPLAYED if self.replay else CAMERAS)[: self.cameras]


def bench_control(
    rate_hz: float,
    seconds: float,
    load: Load | None = None,
    checkpoint: str = NULL,
    device: str = "cpu",
    on_second: Callable[[], None] = lambda: None,
    on_ticks: Callable[[Sequence[Timing]], None] = lambda timing: None,
) -> dict[str, Any]:
    """Run the graph for ``seconds`` of control; returns flat facts, times in ms.

    Args:
        device: where the networks compute: cpu, cuda or auto.
        on_ticks: given every control tick at the end.

    Raises:
        ConfigError: a value is out of range, the device is not there, or ``rate_hz`` is not the checkpoint's and
            nothing is replayed.
        GraphError: a node ended or did not answer.
    """
    load = load or Load()
    choose_device(device)
    if not (0 < rate_hz <= 100 and 1 <= seconds <= 86_400):
        raise ConfigError(f"rate={rate_hz} seconds={seconds}, expected a rate of up to 100 Hz and 1 to 86400 seconds")
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crl-bench-")))
        used = rated_checkpoint(work, checkpoint, rate_hz) if load.replay and checkpoint != NULL else checkpoint
        graph = stack.enter_context(Graph(bench_nodes(rate_hz, load, used, work / "runs", device), work))
        from crl_learning.nodes.eval_client import EvalClient

        client = stack.enter_context(EvalClient(graph.env, None, graph.check))
        _run(client, seconds, load, on_second)
        facts = summarise_timing(client.timing, rate_hz)
        facts["device"] = client.policy_status["device"]
        facts["arm_motion_ms"] = client.policy_status["latency_ms"]["arm_motion"]
        facts["arm_following_ms"] = client.policy_status["latency_ms"]["arm_following"]
        facts["dropped_frames"] = sum(client.policy_status["frames_lost"].values())
        on_ticks(client.timing)
        graph.stop()
        facts |= _recorded(work / "runs") if load.record else {}
    settings = {"seconds": seconds, "checkpoint": checkpoint, **vars(load)}
    return {"rate": rate_hz} | facts | settings


def bench_nodes(rate_hz: float, load: Load, checkpoint: str, runs: Path, device: str = "cpu") -> list[NodeCommand]:
    """All nodes at one rate; with a checkpoint the policy refuses a rate that is not its own."""
    drawn: Sequence[str] = load.names if not load.replay else CAMERAS[1:]  # nobody listens to it: it is not drawn
    sim: dict[str, Parameter] = {"task": TASK, "episode_seed": EPISODE_SEED, "cameras": list(drawn)}
    policy: dict[str, Parameter] = {"checkpoint": checkpoint, "device": device, "rate_hz": rate_hz}
    policy |= {"start_on_activate": False} | UNATTENDED | ({"lead_s": RECORDER_LEAD_S} if load.record else {})
    return [
        NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml", {**sim, "action.rate_hz": rate_hz}),
        *(replay_nodes(load.names) if load.replay else []),
        *(recorder_nodes(runs, load.names, rate_hz, SIZE) if load.record else []),
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


def _run(client: EvalClient, seconds: float, load: Load, on_second: Callable[[], None]) -> None:
    client.wait_for_simulation()
    client.wait_for_policy()
    client.reset(TASK, EPISODE_SEED)
    client.set_goal(noise_frames(SIZE, 2, seed=len(REPLAYED))[1] if load.replay else _goal_image())
    client.start_policy()
    client.wait(lambda: bool(client.timing), client.answer_s, "first control tick")
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


def _recorded(runs: Path) -> dict[str, Any]:
    """What the recorder kept of the one run. Raises StoreError when it cannot be opened."""
    from crl_learning.runs import open_run

    (folder,) = runs.iterdir()
    run = open_run(folder)
    lost = {f"recorder_lost_{name}": count for name, count in run.facts["lost"].items()}
    failure = run.facts.get("failure", "")
    return {"recorded_ticks": len(run.ticks()), "recorded_steps": run.facts["steps"], "record_failure": failure, **lost}


def _percentiles(values_ms: Sequence[float]) -> dict[str, float] | None:
    """p50, p99 and max; None of no value."""
    if not values_ms:
        return None
    p50, p99, highest = np.percentile(values_ms, [50, 99, 100])
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3), "max": round(float(highest), 3)}
