"""Runs of the policy node, recorded by a process of its own, on the simulated arm."""

import json
import os
import signal
import time

import numpy as np
import pytest
from PIL import Image as Picture

from crl_data.maintenance import merge
from crl_data.store import Store
from crl_learning.runs import open_run
from crl_robot.graph import Graph, NodeCommand

rclpy = pytest.importorskip("rclpy")

from std_msgs.msg import String  # noqa: E402
from std_srvs.srv import SetBool, Trigger  # noqa: E402

from crl_robot.nodes.graph_client import GraphClient  # noqa: E402
from crl_robot.nodes.messages import LATCHED_QOS  # noqa: E402

pytestmark = [pytest.mark.ros, pytest.mark.slow]

SECONDS = 60.0


class Listener(GraphClient):
    """Keeps the newest status of policy and recorder."""

    def __init__(self, graph):
        super().__init__("listener", graph.env, graph.check)
        self.heard = {"policy/status": {}, "run/status": {}}
        for topic in self.heard:
            self.node.create_subscription(String, topic, self._keep(topic), LATCHED_QOS)

    def _keep(self, topic):
        return lambda msg: self.heard.update({topic: json.loads(msg.data)})

    def until(self, topic, condition):
        self.wait(lambda: bool(self.heard[topic]) and condition(self.heard[topic]), SECONDS, f"{topic} as expected")

    def trigger(self, name):
        return self.succeed(self.service(name))

    def service(self, name):
        """A client whose service is there."""
        client = self.node.create_client(Trigger, name)
        self.wait(client.service_is_ready, SECONDS, name)
        return client

    def judge(self, success):
        client = self.node.create_client(SetBool, "run/success")
        self.wait(client.service_is_ready, SECONDS, "run/success")
        return self.succeed(client, SetBool.Request(data=success))


@pytest.fixture
def goal_file(tmp_path):
    path = tmp_path / "goal.png"
    picture = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    Picture.fromarray(picture).save(path)
    return path


def nodes(tmp_path, goal_file, verdict_s=0.0, **policy):
    acting = {"checkpoint": "null", "goal": str(goal_file), "start_on_activate": False, "lead_s": 0.5} | policy
    return (
        NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml"),
        NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", acting),
        NodeCommand(
            "recorder",
            "crl_learning.nodes.run_recorder_node",
            "ros/run_recorder.yaml",
            {"runs": str(tmp_path / "runs"), "min_free_mb": 1, "verdict_s": verdict_s},
        ),
    )


def runs_of(tmp_path):
    return [open_run(folder) for folder in sorted((tmp_path / "runs").iterdir())]


def test_a_run_is_a_folder_with_goals_ticks_events_and_an_episode_of_every_action(tmp_path, goal_file):
    second = tmp_path / "second.png"
    Picture.fromarray(255 - np.asarray(Picture.open(goal_file))).save(second)
    commands = nodes(tmp_path, goal_file, verdict_s=600.0, time_limit_s=4.0, goal=f"{goal_file},{second}")
    with Graph(commands, tmp_path / "log") as graph, Listener(graph) as listener:
        listener.until("run/status", lambda status: status["state"] == "waiting")
        listener.until("policy/status", lambda status: status["state"] == "ready" and not status["reason"])
        next_stage = listener.service("policy/next_stage")
        listener.trigger("policy/start")
        listener.until("policy/status", lambda status: status["counters"].get("actions", 0) > 3)
        listener.succeed(next_stage)
        listener.until("policy/status", lambda status: status["state"] == "ended")
        assert listener.heard["policy/status"]["ended"]["verdict"] == "time_limit"
        listener.until("run/status", lambda status: status["state"] == "judging")
        listener.judge(success=True)
        listener.until("run/status", lambda status: status["runs"] == 1 and status["state"] == "waiting")
        assert listener.heard["run/status"]["failure"] == ""
        assert graph.stop() == {"sim": 0, "policy": 0, "recorder": 0}
    (run,) = runs_of(tmp_path)
    assert not run.cut_off
    assert run.facts["ended"]["verdict"] == "time_limit"
    ticks = run.ticks()
    sent = [tick for tick in ticks if tick["acting"]]
    episode = run.episode()
    assert episode.meta.id == run.facts["id"]
    assert len(episode) == run.facts["steps"]
    assert len(sent) - 1 <= len(episode) <= len(sent)  # the arm may still be on its last action when the run ends
    stamps = set(episode.cameras["over_shoulder"].stamp_ns.tolist())
    assert len(stamps & {tick["stamp_ns"] for tick in sent}) >= len(sent) - 1
    assert episode.meta.options["run"]["ended"]["verdict"] == "time_limit"
    assert episode.meta.success is True  # so said the operator; the time limit alone says that it failed
    assert (run.facts["success"], run.facts["judge"]) == (True, "operator")
    assert [goal.source for goal in run.goals()] == [str(goal_file), str(second)]
    merged, _ = merge(tmp_path / "own_runs.zarr", [run.folder / "data.zarr"], progress=False)
    require_told(merged.read(run.facts["id"]), run, goal_file, second)
    assert [event["text"] for event in run.events() if event["kind"] == "state"] == ["running", "ended: time_limit"]


def require_told(episode, run, *files):
    """The episode holds both goals, each from the first step that was acted on towards it, and every step's tick."""
    assert [(goal.name, goal.stage) for goal in episode.goals] == [(str(files[0]), 0), (str(files[1]), 1)]
    for goal, file in zip(episode.goals, files, strict=True):
        assert np.array_equal(goal.images()["over_shoulder"], np.asarray(Picture.open(file)))
    towards = {tick["stamp_ns"]: tick["goal_stamp_ns"] for tick in run.ticks() if tick["acting"]}
    seen_ns = episode.cameras["over_shoulder"].stamp_ns
    assert episode.progress["stamp_ns"].tolist() == seen_ns.tolist()
    in_force = [episode.goals[number].stamp_ns for number in episode.goal_numbers()]
    assert in_force == [towards[stamp] for stamp in seen_ns.tolist()]
    assert 0 < episode.goals[1].from_step < len(episode)
    assert not episode.progress["reached"].any()


def test_when_the_policy_is_killed_its_run_ends_in_a_clear_state_and_opens(tmp_path, goal_file):
    with Graph(nodes(tmp_path, goal_file), tmp_path / "log") as graph, Listener(graph) as listener:
        listener.until("run/status", lambda status: status["state"] == "waiting")
        listener.until("policy/status", lambda status: status["state"] == "ready" and not status["reason"])
        listener.trigger("policy/start")
        listener.until("run/status", lambda status: status["state"] == "recording")
        time.sleep(1.0)
        listener._check = lambda: None
        os.kill(graph.pid("policy"), signal.SIGKILL)
        listener.until("run/status", lambda status: status["state"] == "waiting")
    (run,) = runs_of(tmp_path)
    assert run.facts["ended"]["sentence"] == "the policy node fell silent"
    assert len(run.episode()) >= 1


def test_a_recorder_that_is_killed_leaves_whole_lines_and_a_store_that_opens(tmp_path, goal_file):
    with Graph(nodes(tmp_path, goal_file), tmp_path / "log") as graph, Listener(graph) as listener:
        listener.until("run/status", lambda status: status["state"] == "waiting")
        listener.until("policy/status", lambda status: status["state"] == "ready" and not status["reason"])
        listener.trigger("policy/start")
        listener.until("policy/status", lambda status: status["counters"].get("actions", 0) > 5)
        listener._check = lambda: None
        os.kill(graph.pid("recorder"), signal.SIGKILL)
        listener.trigger("policy/stop")
    (run,) = runs_of(tmp_path)
    assert run.cut_off
    assert run.episode() is None
    assert len(run.ticks()) >= 4
    assert len(Store.open(run.folder / "data.zarr")) == 0


def test_a_dry_run_sends_nothing_and_is_recorded_all_the_same(tmp_path, goal_file):
    graph = Graph(nodes(tmp_path, goal_file, dry_run=True, time_limit_s=2.0), tmp_path / "log")
    with graph, Listener(graph) as listener:
        listener.until("policy/status", lambda status: status["state"] == "ready" and not status["reason"])
        listener.until("run/status", lambda status: status["state"] == "waiting")
        listener.trigger("policy/start")
        listener.until("policy/status", lambda status: status["state"] == "ended")
        listener.until("run/status", lambda status: status["runs"] == 1 and status["state"] == "waiting")
    (run,) = runs_of(tmp_path)
    assert run.facts["dry_run"]
    assert not any(tick["acting"] for tick in run.ticks())
    assert any(tick["action"] for tick in run.ticks())
    assert len(run.episode()) > 3
