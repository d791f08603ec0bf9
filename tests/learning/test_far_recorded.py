"""A run over waypoints on the simulated arm, recorded: what the planner chose stands in the record."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from crl_learning.goal_policy import GoalPolicy
from crl_learning.planning.export import PlannerExport, save_planner
from crl_learning.planning.frames import Frames
from crl_learning.planning.graph import short_edges
from crl_learning.planning.ticks import all_ticks, critic_ticks
from crl_learning.progress.export import load_progress
from crl_learning.runs import open_run
from crl_robot.graph import Graph, NodeCommand

rclpy = pytest.importorskip("rclpy")

from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import String  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402

from crl_robot.nodes.graph_client import GraphClient  # noqa: E402
from crl_robot.nodes.messages import LATCHED_QOS, frame_from_msg  # noqa: E402

pytestmark = [pytest.mark.ros, pytest.mark.slow]

SECONDS = 120.0
LONGEST_TICKS = 15.0
PATIENT = {"max_age_ms": 10_000.0, "align_ms": 10_000.0, "patience_s": 600.0}
"""The machine may be busy, and nothing is planned anew."""


@pytest.fixture
def mapped(tmp_path):
    """The checkpoint `reach` with a map of the frames that it keeps of its data, and a goal that is far from them."""
    folder = tmp_path / "checkpoint"
    shutil.copytree("models/reach", folder)
    policy, export = GoalPolicy.load(folder), load_progress(folder)
    images, names = export.reference.images, export.reference.names
    ticks = all_ticks(critic_ticks(policy, export.calibration), images)
    edges = short_edges(ticks, LONGEST_TICKS)
    save_planner(folder, export.calibration, PlannerExport(Frames(images, names), edges, None, 0.0, {}))
    far = np.argmax(np.median(ticks, axis=0))
    Picture.fromarray(policy.image_spec.unapply(images[far])).save(tmp_path / "far.png")
    return {"checkpoint": str(folder), "goal": str(tmp_path / "far.png")}, dict(zip(names, images, strict=True))


class Operator(GraphClient):
    """Keeps the newest status of policy and recorder, and the newest picture of the waypoints."""

    def __init__(self, graph):
        super().__init__("operator", graph.env, graph.check)
        self.policy, self.run, self.strip = {}, {}, None
        subscribe = self.node.create_subscription
        subscribe(String, "policy/status", lambda msg: self.policy.update(json.loads(msg.data)), LATCHED_QOS)
        subscribe(String, "run/status", lambda msg: self.run.update(json.loads(msg.data)), LATCHED_QOS)
        subscribe(Image, "policy/waypoints", self._on_strip, LATCHED_QOS)

    def _on_strip(self, msg):
        self.strip = frame_from_msg(msg, self.now_ns()).image.copy()

    def until(self, condition):
        self.wait(condition, SECONDS, lambda: f"what was expected of {self.policy} and {self.run}")

    def trigger(self, name):
        client = self.node.create_client(Trigger, name)
        self.wait(client.service_is_ready, SECONDS, name)
        return self.succeed(client)

    def until_acting_towards(self, waypoint):
        """Until an action was sent since it became the present goal."""
        self.until(lambda: self.policy.get("goal", "").startswith(waypoint))
        before = self.policy["counters"].get("actions", 0)
        self.until(lambda: self.policy["counters"].get("actions", 0) > before + 1)


def test_the_waypoints_of_a_run_are_shown_followed_and_recorded_under_their_names(tmp_path, mapped):
    checkpoint, pictures = mapped
    acting = {"planner": "graph", "waypoints": 2, "speed": 0.05, "checks": "off", "start_on_activate": False}
    recording = {"runs": str(tmp_path / "runs"), "min_free_mb": 1, "max_age_s": 10.0, "align_tolerance_s": 1.0}
    commands = (
        NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml"),
        NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", checkpoint | acting | PATIENT),
        NodeCommand("recorder", "crl_learning.nodes.run_recorder_node", "ros/run_recorder.yaml", recording),
    )
    with Graph(commands, tmp_path / "log", patience_s=30.0) as graph, Operator(graph) as operator:
        operator.until(lambda: operator.run.get("state") == "waiting")
        operator.until(lambda: operator.policy.get("state") == "ready" and not operator.policy["reason"])
        operator.trigger("policy/start")
        operator.until_acting_towards("waypoint 1")
        operator.trigger("policy/next_stage")
        operator.until_acting_towards("waypoint 2")
        operator.until(lambda: operator.strip is not None)
        operator.trigger("policy/stop")
        operator.until(lambda: operator.run["runs"] == 1 and operator.run["state"] == "waiting")
        assert graph.stop() == {"sim": 0, "policy": 0, "recorder": 0}

    (folder,) = (tmp_path / "runs").iterdir()
    run = open_run(folder)
    *_, plan = [event["data"] for event in run.events() if event["kind"] == "plan"]
    assert plan["state"] == "followed"
    names = [f"{one['episode']}:{one['frame']}" for one in plan["waypoints"]]
    shown = [f"waypoint {number}: {name}" for number, name in enumerate(names, 1)]
    assert len(shown) == 2
    assert [goal["source"] for goal in run.facts["goals"]] == [checkpoint["goal"], *shown]
    assert [event["text"] for event in run.events() if event["kind"] == "goal"] == shown

    frames = {f"{name.episode}:{name.frame}": image for name, image in pictures.items()}
    seen = [np.asarray(Picture.open(Path(folder, goal["seen"]))) for goal in run.facts["goals"]]
    goal, *waypoints = seen
    assert np.array_equal(waypoints, [frames[name] for name in names])
    assert np.array_equal(operator.strip, np.hstack([*waypoints, goal]))
    assert {tick["stage"] for tick in run.ticks() if tick["acting"]} == {0, 1}
    assert len(run.episode()) >= 2
