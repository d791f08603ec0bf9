"""The policy node as a process of its own, over DDS, against a robot that this process pretends to be."""

import json
import os
import signal
import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest
from PIL import Image as Picture

from crl_robot.contracts import ACTION_NAMES, ActionSpec, JointReading, Pose
from crl_robot.graph import Graph, GraphError, NodeCommand

rclpy = pytest.importorskip("rclpy")

from geometry_msgs.msg import PoseStamped  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from sensor_msgs.msg import Image, JointState  # noqa: E402
from std_msgs.msg import Float64, Float64MultiArray, String  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402

from crl_robot.nodes import messages  # noqa: E402

pytestmark = pytest.mark.ros

NAMES = ("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate")
DEADLINE_S = 60.0
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
        self.image = np.full((size[1], size[0], 3), 90, np.uint8)
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


@pytest.fixture
def goal_file(tmp_path):
    path = tmp_path / "goal.png"
    Picture.fromarray(np.full((240, 320, 3), 120, np.uint8)).save(path)
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


def ended(graph, name):
    """Exit code and log of a process that ends by itself."""

    def has_ended():
        try:
            graph.check()
        except GraphError as error:
            codes.append(error.exit_code)
        return bool(codes)

    codes = []
    wait_until(has_ended)
    return codes[0], graph.log_path(name).read_text()


def test_actions_come_at_the_rate_with_their_frames_stamp_until_stopped(peers, tmp_path, goal_file, untrained):
    world = peers(PretendedRobot, ActionSpec(), SIZE)
    with policies(tmp_path, {"goal": str(goal_file), "checkpoint": str(untrained)}) as graph:
        wait_until(lambda: len(world.got["action"]) >= 12)
        times = [at for at, _ in world.got["action"]]
        assert (len(times) - 1) / (times[-1] - times[0]) == pytest.approx(5.0, rel=0.1)
        for _, action in world.got["action"]:
            assert tuple(action.name) == ACTION_NAMES
            assert messages.ns_from_time(action.header.stamp) in world.sent_stamps
        lateness_ms, age_ms, inference_ms = world.got["timing"][-1][1].data
        assert 0 <= lateness_ms < 200
        assert 0 < age_ms < 300
        assert inference_ms >= 0
        assert len(world.got["estimate"]) >= 10
        seen = world.got["goal"][-1][1]
        assert (seen.width, seen.height, set(seen.data)) == (64, 64, {120})

        assert world.call("/policy/stop").success
        time.sleep(0.1)
        before = len(world.got["action"])
        time.sleep(0.6)
        assert len(world.got["action"]) == before
        assert world.call("/policy/start").success
        wait_until(lambda: len(world.got["action"]) > before)
        assert world.status()["state"] == "running"
        assert graph.stop() == {"p0": 0}


def test_a_stale_image_gives_no_action_and_a_new_goal_by_topic_is_checked_like_a_file(peers, tmp_path, goal_file):
    world = peers(PretendedRobot, ActionSpec(), SIZE)
    with policies(tmp_path, {"max_age_ms": 150.0}) as graph:
        wait_until(lambda: world.got["status"] and "no goal" in world.status()["reason"])
        assert world.got["action"] == []
        stamp_ns = time.time_ns()
        world.goals.publish(messages.msg_from_image(np.zeros((1, 1, 3), np.uint8), stamp_ns, ""))
        wait_until(lambda: "1x1" in world.status()["goal_refused"])
        assert world.got["action"] == []
        world.goals.publish(messages.msg_from_image(np.full((480, 640, 3), 7, np.uint8), stamp_ns, ""))
        wait_until(lambda: world.got["action"])
        assert world.status()["goal_refused"] == ""

        world.sees = False
        time.sleep(0.5)
        before = len(world.got["action"])
        time.sleep(0.6)
        assert len(world.got["action"]) == before
        wait_until(lambda: world.status()["counters"].get("skipped", 0) > 0)
        assert "ms old" in world.status()["reason"]
        world.sees = True
        wait_until(lambda: len(world.got["action"]) > before)
        os.kill(graph.pid("p0"), signal.SIGTERM)
        assert ended(graph, "p0")[0] == 0


def test_goals_and_checkpoints_that_cannot_be_used_end_the_process_without_an_action(peers, tmp_path, goal_file):
    world = peers(PretendedRobot, ActionSpec(), SIZE)
    (tmp_path / "empty.png").touch()
    refused = (
        ({"goal": str(tmp_path / "empty.png")}, "empty.png is empty"),
        ({"goal": str(goal_file), "checkpoint": str(tmp_path / "no_such")}, "no_such"),
    )
    for parameters, says in refused:
        with policies(tmp_path, parameters) as graph:
            code, log = ended(graph, "p0")
        assert code == 2, log
        assert says in log
        assert "Traceback" not in log
    assert world.got["action"] == []


@pytest.mark.parametrize(
    ("spec", "size", "says"),
    [
        (ActionSpec(rate_hz=20.0), SIZE, ("rate_hz=5.0", "rate_hz=20.0")),
        (ActionSpec(), (640, 480), ("640x480", "320x240")),
    ],
)
def test_another_robot_than_the_checkpoints_is_refused_naming_both_values(peers, tmp_path, goal_file, spec, size, says):
    world = peers(PretendedRobot, spec, size)
    with policies(tmp_path, {"goal": str(goal_file)}) as graph:
        code, log = ended(graph, "p0")
    assert code != 0
    assert all(words in log for words in says), log
    assert world.got["action"] == []


def test_when_the_policy_is_killed_the_simulated_arm_holds_within_two_control_periods(peers, tmp_path, goal_file):
    arm = peers(
        Peer,
        commanded=(JointState, "/arm/commanded", messages.STATE_QOS),
        status=(String, "/arm/status", messages.LATCHED_QOS),
    )
    nodes = (
        NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml"),
        NodeCommand(
            "policy",
            "crl_learning.nodes.policy_node",
            "ros/policy.yaml",
            {"checkpoint": "null"} | {"goal": str(goal_file)},
        ),
    )
    with Graph(nodes, tmp_path / "log") as graph:
        wait_until(lambda: len(arm.got["commanded"]) >= 5)
        assert arm.status()["mode"] == "moving"
        os.kill(graph.pid("policy"), signal.SIGKILL)
        wait_until(lambda: arm.status()["mode"] == "holding", seconds=5)
        held_s = arm.got["status"][-1][0] - arm.got["commanded"][-1][0]
        assert held_s <= 2 * ActionSpec().period_s + 0.1
