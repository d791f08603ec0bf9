"""The policy node's parameters, read into the dataclasses that its plain Python takes."""

from __future__ import annotations

from dataclasses import dataclass

from crl_learning.runtime.settings import MIN_SPEED, RunSettings
from crl_robot.errors import ConfigError, nearest
from crl_robot.nodes.common import CrlNode
from crl_robot.streams import ALIGN_TOLERANCE_S

CHECKS = ("refuse", "warn", "off")


@dataclass(frozen=True)
class PolicySettings:
    """What the node is told at its start; `policy_settings` has the words for each."""

    checkpoint: str
    goal: str
    goal_camera: str
    goals_folder: str
    rate_hz: float
    max_age_ms: float
    align_ms: float
    start_on_activate: bool
    lead_s: float
    threads: int
    checks: str
    reached_rate: float
    patience_s: float
    lockstep: bool

    def __post_init__(self) -> None:
        if self.checks not in CHECKS:
            raise ConfigError(f"parameter 'checks' is '{self.checks}'; {nearest(self.checks, CHECKS)}")


def policy_settings(node: CrlNode) -> PolicySettings:
    """Declare and read them. Raises ConfigError."""
    say = node.setting
    return PolicySettings(
        checkpoint=say("checkpoint", "models/reach", "checkpoint folder, from the caller's folder; 'null' never moves"),
        goal=say("goal", "", "image, folder or list of images as stages, or data.zarr#EPISODE:FRAME; '' waits for one"),
        goal_camera=say("goal_camera", "", "camera that goals are seen by; '' is the checkpoint's"),
        goals_folder=say("goals_folder", "", "folder that captured goals are saved in, '' keeps them in memory only"),
        rate_hz=say("rate_hz", 0.0, "control rate in Hz; 0 takes the checkpoint's", 0.0, 100.0),
        max_age_ms=say("max_age_ms", 300.0, "images and arm states older than this are not acted on", 1.0, 10_000.0),
        align_ms=say(
            "align_ms",
            1e3 * ALIGN_TOLERANCE_S,
            "images and the arm state farther apart are not acted on",
            1.0,
            10_000.0,
        ),
        start_on_activate=say("start_on_activate", True, "begin on activation; false waits for policy/start"),
        lead_s=say("lead_s", 0.0, "from start to the first action, for a recorder to get ready", 0.0, 10.0),
        threads=say("threads", 1, "CPU threads of the network", 1, 64),
        checks=say("checks", "refuse", "goals and views unlike the training data: refuse, warn or off"),
        reached_rate=say("reached_rate", 0.05, "share of runs that may be called reached before they are", 0.001, 0.5),
        patience_s=say(
            "patience_s", 0.0, "time without progress that ends a run; 0 takes the measured one", 0.0, 3600.0
        ),
        lockstep=say("lockstep", False, "act once on each observation, not by a clock: the simulation waits for it"),
    )


def run_settings(node: CrlNode) -> RunSettings:
    """Declare and read how runs end; ``speed`` may be changed while the node runs. Raises ConfigError."""
    say = node.setting
    return RunSettings(
        time_limit_s=say("time_limit_s", 0.0, "of acting, s; 0 for none", 0.0, 86_400.0),
        stop_when_reached=say("stop_when_reached", True, "end the run when its last goal counts as reached"),
        stop_when_stalled=say("stop_when_stalled", True, "end the run when it does not improve any more"),
        pause_on_estop=say("pause_on_estop", True, "after an e-stop wait for policy/start"),
        dry_run=say("dry_run", False, "send nothing to the arm; policy/planned tells what would be done"),
        speed=say("speed", 1.0, "factor on the deltas; may be changed while running", MIN_SPEED, 1.0, read_only=False),
    )
