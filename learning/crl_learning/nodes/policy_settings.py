"""The policy node's parameters, read into the dataclasses that its plain Python takes."""

from __future__ import annotations

from dataclasses import dataclass

from crl_learning.planning.plan import MAX_WAYPOINTS, PLANNERS
from crl_learning.runtime.settings import CONCLUSIONS, MIN_SPEED, Conclusion, RunSettings
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
    memory_folder: str
    rate_hz: float
    max_age_ms: float
    align_ms: float
    start_on_activate: bool
    lead_s: float
    threads: int
    device: str
    checks: str
    reached_rate: float
    patience_s: float
    lockstep: bool
    planner: str
    waypoints: int
    start_pose: str
    wait_for_enable: bool

    def __post_init__(self) -> None:
        if self.checks not in CHECKS:
            raise ConfigError(f"parameter 'checks' is '{self.checks}'; {nearest(self.checks, CHECKS)}")
        if self.planner not in PLANNERS:
            raise ConfigError(f"parameter 'planner' is '{self.planner}'; {nearest(self.planner, PLANNERS)}")


def policy_settings(node: CrlNode) -> PolicySettings:
    """Declare and read them. Raises ConfigError."""
    say = node.setting
    return PolicySettings(
        checkpoint=say("checkpoint", "models/reach", "checkpoint folder, from the caller's folder; 'null' never moves"),
        goal=say("goal", "", "image, folder or list of images as stages, or data.zarr#EPISODE:FRAME; '' waits for one"),
        goal_camera=say("goal_camera", "", "camera that goals are seen by; '' is the checkpoint's"),
        goals_folder=say("goals_folder", "", "folder that captured goals are saved in, '' keeps them in memory only"),
        memory_folder=say("memory_folder", "", "where a node that is started again finds what went on, '' for nowhere"),
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
        device=say("device", "cpu", "where the network computes: cpu, cuda, or auto (cuda where there is one)"),
        checks=say("checks", "refuse", "goals and views unlike the training data: refuse, warn or off"),
        reached_rate=say("reached_rate", 0.05, "share of runs that may be called reached before they are", 0.001, 0.5),
        patience_s=say(
            "patience_s", 0.0, "time without progress that ends a run; 0 takes the measured one", 0.0, 3600.0
        ),
        start_pose=say("start_pose", "none", "where the arm goes before each run: none, home, data, or joints in rad"),
        wait_for_enable=say("wait_for_enable", True, "begin a run only when the operator has enabled the arm"),
        lockstep=say("lockstep", False, "act once on each observation, not by a clock: the simulation waits for it"),
        planner=say("planner", "none", "way to far goals: none, graph or interpolation; needs crl-run waypoints"),
        waypoints=say("waypoints", 3, "most waypoints of a plan", 1, MAX_WAYPOINTS),
    )


def run_settings(node: CrlNode) -> RunSettings:
    """Declare and read how runs end; ``speed`` may be changed while the node runs. Raises ConfigError."""
    say = node.setting
    return RunSettings(
        time_limit_s=say("time_limit_s", 0.0, "of acting, s; 0 for none", 0.0, 86_400.0),
        when_reached=_conclusion(node, "when_reached", "when the last goal counts as reached"),
        when_stuck=_conclusion(node, "when_stuck", "when the run does not improve any more"),
        pause_on_estop=say("pause_on_estop", True, "after an e-stop wait for policy/start"),
        dry_run=say("dry_run", False, "send nothing to the arm; policy/planned tells what would be done"),
        speed=say("speed", 1.0, "factor on the deltas; may be changed while running", MIN_SPEED, 1.0, read_only=False),
    )


def _conclusion(node: CrlNode, name: str, when: str) -> Conclusion:
    """Raises ConfigError for a word that is none of them."""
    given = node.setting(name, "stop", f"what follows {when}: {', '.join(CONCLUSIONS)}")
    for known in CONCLUSIONS:
        if given == known:
            return known
    raise ConfigError(f"parameter '{name}' is '{given}'; {nearest(given, CONCLUSIONS)}")
