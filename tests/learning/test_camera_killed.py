"""The safety row `camera_killed`, in a whole graph: simulated arm, a camera in a process of its own, and a policy."""

import os
import signal
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

from crl_learning.nodes.eval_client import EvalClient
from crl_learning.runtime.settings import UNATTENDED
from crl_robot.graph import Graph, NodeCommand
from crl_robot.sim.env import SimEnv

pytestmark = pytest.mark.ros

TIME_S = 1.0
"""Of the row, in the safety table."""
DEADLINE_S = 30.0
FILM = {"name": "over_shoulder", "kind": "file", "device": "noise", "width": 320, "height": 240, "fps": 30.0}


def test_when_its_camera_is_killed_the_policy_falls_silent_and_the_arm_holds(tmp_path):
    arm = NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml", {"task": "reach", "cameras": ["wrist"]})
    camera = NodeCommand("camera", "crl_robot.nodes.camera_node", "", FILM)
    acting = {"checkpoint": "models/reach", "start_on_activate": False} | UNATTENDED
    policy = NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", acting)

    with SimEnv("reach") as env:
        env.reset(np.random.default_rng(0))
        goal = env.goal_image()

    with Graph([arm, camera, policy], tmp_path) as graph, EvalClient(graph.env, None, lambda: None) as client:
        client.wait_for_simulation()
        client.reset("reach", 0)
        client.wait_for_policy()
        client.set_goal(goal)
        client.start_policy()
        client.wait(lambda: client.arm_status["mode"] == "moving", DEADLINE_S, "arm that moves")
        killed_s = time.monotonic()
        os.kill(graph.pid("camera"), signal.SIGKILL)
        client.wait(lambda: client.arm_status["mode"] != "moving", DEADLINE_S, "arm that holds")
        assert time.monotonic() - killed_s < TIME_S
        client.wait_for(1.0)
        assert client.arm_status["mode"] == "holding"
        assert "over_shoulder" in client.policy_status["reason"]
