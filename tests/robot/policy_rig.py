"""A robot that the test process pretends to be, for a policy node in a process of its own."""

import json
import os
import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import PoseStamped
from PIL import Image as Picture
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64, Float64MultiArray, String
from std_srvs.srv import Trigger

from crl_robot.contracts import JointReading, Pose
from crl_robot.graph import Graph, NodeCommand
from crl_robot.nodes import messages

NAMES = ("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate")
DEADLINE_S = 240.0
SIZE = (320, 240)


class Peer:
    """A ROS node of this process, in a context and on a thread of its own; keeps what it hears with the time."""

    def __init__(self, domain_id, **heard):
        self.got = {name: [] for name in heard}
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain_id)
        self.node = rclpy.create_node("peer", context=self._context)
        for name, (kind, topic, qos) in heard.items():
            self.node.create_subscription(kind, topic, self._keep(name), qos)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._ending = False
        self._thread = threading.Thread(target=self._spin)

    def begin(self):
        self._thread.start()
        return self

    def call(self, service):
        client = self.node.create_client(Trigger, service)
        assert client.wait_for_service(timeout_sec=20)
        future = client.call_async(Trigger.Request())
        wait_until(future.done)
        return future.result()

    def status(self):
        return json.loads(self.got["status"][-1][1].data)

    def close(self):
        self._ending = True
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def _spin(self):
        while not self._ending:
            self._executor.spin_once(timeout_sec=0.05)

    def _keep(self, name):
        return lambda msg: self.got[name].append((time.monotonic(), msg))


class PretendedRobot(Peer):
    """Publishes images and arm state at 20 Hz and hears the policy."""

    def __init__(self, domain_id, spec, size):
        super().__init__(
            domain_id,
            action=(JointState, "/arm/action", messages.ACTION_QOS),
            estimate=(Float64, "/policy/estimate", messages.STATE_QOS),
            timing=(Float64MultiArray, "/policy/timing", messages.STATE_QOS),
            goal=(Image, "/policy/goal", messages.LATCHED_QOS),
            status=(String, "/policy/status", messages.LATCHED_QOS),
        )
        self.image = picture(90, (size[1], size[0]))
        self.sees = True
        self.sent_stamps = set()
        publisher = self.node.create_publisher
        self.goals = publisher(Image, "/goal/image", 1)
        self._images = publisher(Image, "/over_shoulder/image_raw", messages.IMAGE_PUBLISHER_QOS)
        self._joints = publisher(JointState, "/joint_states", messages.STATE_QOS)
        self._poses = publisher(PoseStamped, "/arm/pose", messages.STATE_QOS)
        self._targets = publisher(PoseStamped, "/arm/target_pose", messages.STATE_QOS)
        self._status = publisher(String, "/arm/status", messages.LATCHED_QOS)
        status = {"mode": "holding", "reason": "", "counters": {}, "action_spec": spec.to_dict()}
        self._status.publish(String(data=json.dumps(status)))
        self.node.create_timer(0.05, self._publish)

    def _publish(self):
        stamp_ns = time.time_ns()
        pose = messages.msg_from_pose(Pose(np.array([0.3, 0, 0.15]), np.array([1.0, 0, 0, 0])), stamp_ns)
        self._joints.publish(messages.msg_from_joints(JointReading(np.zeros(6), np.zeros(6), 1.0, stamp_ns), NAMES))
        self._poses.publish(pose)
        self._targets.publish(pose)
        if self.sees:
            self.sent_stamps.add(stamp_ns)
            self._images.publish(messages.msg_from_image(self.image, stamp_ns, "over_shoulder_optical_frame"))


def wait_until(condition, seconds=DEADLINE_S):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def picture(grey, shape=(240, 320)):
    """A chequered picture around a grey level: one flat area would be refused as a goal."""
    fields = np.add.outer(np.arange(shape[0]) // 30, np.arange(shape[1]) // 40) % 2
    return np.repeat((grey + 20 * fields).astype(np.uint8)[..., None], 3, axis=2)


@pytest.fixture
def goal_file(tmp_path):
    path = tmp_path / "goal.png"
    Picture.fromarray(picture(120)).save(path)
    return path


@pytest.fixture
def peers(monkeypatch, tmp_path):
    """Makes peers in one domain of their own, which the processes of the test share."""
    with Graph([], tmp_path) as reserved, ExitStack() as stack:
        for key, value in reserved.env.items():
            monkeypatch.setenv(key, value)

        def make(kind, *args, **options):
            peer = kind(int(os.environ["ROS_DOMAIN_ID"]), *args, **options).begin()
            stack.callback(peer.close)
            return peer

        yield make


def policies(tmp_path, *parameters):
    """One policy process per dict of parameters, named p0, p1, ..."""
    commands = [
        NodeCommand(f"p{i}", "crl_learning.nodes.policy_node", "ros/policy.yaml", {"checkpoint": "null"} | each)
        for i, each in enumerate(parameters)
    ]
    return Graph(commands, tmp_path / "log")
