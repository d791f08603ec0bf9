"""Trials on a robot over ROS, a second simulation playing the robot."""

import csv
import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import Joy

from crl_data.nodes.joy_topics import JOY_PUBLISHER_QOS, KEYS_TOPIC
from crl_data.teleop.command import BUTTONS
from crl_learning.nodes.real_eval_client import RealEvalClient
from crl_learning.nodes.real_eval_node import _require_one_camera
from crl_learning.nodes.real_eval_sim import SimStage
from crl_learning.real_eval.log import RealLog, RealTrial
from crl_learning.real_eval.walk import BEGIN, YES
from crl_learning.trials import episode_seed
from crl_robot.errors import ConfigError
from crl_robot.graph import Graph, NodeCommand
from crl_robot.robot_commands import simulated_robot
from crl_robot.sim.env import SimEnv

pytestmark = [pytest.mark.ros, pytest.mark.slow]

OTHER = json.dumps({"servo_gain": 0.7, "friction": 0.8, "camera_latency_ms": 60, "camera_offset": [0.01, 0, 0]})


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    policy = {"checkpoint": "null", "max_age_ms": 2000.0, "align_ms": 2000.0}  # the machine may be busy
    nodes = [
        *simulated_robot("widowx", {"task": "reach", "cameras": ["over_shoulder"], "world": OTHER}),
        NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/real_eval.yaml", policy),
    ]
    with Graph(nodes, tmp_path_factory.mktemp("graph")) as graph:
        yield graph


def test_a_second_simulation_is_walked_through_from_the_first_trial_that_is_missing(graph, tmp_path):
    before = RealTrial("reach", "models/reach", 1000, 0, episode_seed(1000, 0), 1, "truth")
    RealLog(tmp_path).add(before)
    flags = {"out": tmp_path, "policy": "models/reach", "judge": "truth", "trials": 2, "ticks": 5, "world": OTHER}
    command = [sys.executable, "-m", "crl_learning.nodes.real_eval_node", *(f"--{k}={v}" for k, v in flags.items())]
    done = subprocess.run(command, env=os.environ | graph.env, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 of 2 trials to go" in done.stderr
    with (tmp_path / "trials.csv").open() as file:
        first, second = csv.DictReader(file)
    assert (first["success_final"], first["steps"]) == ("1", "0")
    assert (second["trial"], second["success_final"], second["ended"], second["judge"]) == ("1", "0", "ticks", "truth")
    trained = json.loads((tmp_path / "summary.json").read_text())["trained"]
    assert trained == {"models/reach": {"algorithm": "stable_crl", "objective": "nce", "critic_term": True}}
    assert int(second["steps"]) in (5, 6)  # on a busy machine one more passes before the stop


def test_a_simulation_gives_goals_of_all_cameras_of_the_policy_and_an_operator_those_of_one():
    cameras = ("over_shoulder", "wrist")
    client: Any = SimpleNamespace(
        goals=SimpleNamespace(cameras=cameras), reset=lambda *_: None, wait_for=lambda _: None
    )
    with SimEnv("reach", cameras) as env:
        goal, _ = SimStage(client, env, 1000).prepare(0, "")
        for number, camera in enumerate(cameras):
            assert np.array_equal(goal[..., 3 * number : 3 * number + 3], env.goal_image(camera))
    with pytest.raises(ConfigError, match="sees over_shoulder, wrist, expected one camera"):
        _require_one_camera(cameras)


class Pressing(RealEvalClient):
    """Presses the given keys, each some times after it was asked for something."""

    def __init__(self, *args):
        super().__init__(*args)
        self.keys: list[str] = []
        self.drawn = 0
        self._joys = self.node.create_publisher(Joy, KEYS_TOPIC, JOY_PUBLISHER_QOS)
        self._ticks = 0
        self.node.create_timer(0.1, self._press)

    def _press(self):
        self._ticks += 1
        down = self._ticks % 6 == 0 and bool(self.keys)
        pressed = self.keys.pop(0) if down else ""
        self._joys.publish(Joy(axes=[0.0] * 6, buttons=[int(name == pressed) for name in BUTTONS]))

    def draw(self, live):
        self.drawn += 1
        return live


def test_a_key_answers_while_the_overlay_is_shown_and_a_run_ends_when_stop_is_pressed(graph, monkeypatch):
    for key, value in graph.env.items():
        monkeypatch.setenv(key, value)
    with Pressing("over_shoulder") as client:
        client.wait_until_ready()
        client.keys = [YES, BEGIN]
        assert client.ask("ready?", {BEGIN: "go"}, client.draw) == BEGIN
        assert client.drawn > 1
        goal = client.view()
        client.home()
        client.keys = ["stop"] * 100  # the first of them before the run, where they mean nothing
        opinion = client.run(goal, 500)
        assert (opinion.ended, opinion.reached) == ("operator", None)
        assert 0 < opinion.ticks < 100
        assert client.arm_status["mode"] == "disabled"
        assert isinstance(goal, np.ndarray)
