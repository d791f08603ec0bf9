"""The policy node measures how late an arm moves, and says so, with an arm that this process pretends to be."""

import json
import time
from collections import deque

import numpy as np
import pytest

pytest.importorskip("rclpy")

from policy_rig import NAMES, PretendedRobot, goal_file, peers, picture, policies, wait_until  # noqa: F401

from crl_learning.action_scale import ActionScale
from crl_learning.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from crl_robot.contracts import ActionSpec, JointReading, Pose
from crl_robot.nodes import messages

pytestmark = pytest.mark.ros

STATES_S, PERIOD_S, DEAD_S = 0.02, 0.2, 0.3
STEP = np.array([0.02, 0.0, 0.0])


class LateArm(PretendedRobot):
    """Goes along each action evenly within a control period, from DEAD_S after it was heard.

    ``took_ms`` has what it took for each first motion from rest, later on a busy machine.
    """

    def __init__(self, domain_id, spec, size):
        self._heard, self._at = deque(), np.array([0.3, 0.0, 0.15])
        self.took_ms, self._rests = [], True
        super().__init__(domain_id, spec, size)
        self.node.create_timer(STATES_S, self._tell)

    def _keep(self, name):
        keep = super()._keep(name)
        return keep if name != "action" else lambda msg: (keep(msg), self._heard.append(self.got["action"][-1]))

    def _publish(self):
        """The pictures alone: states come more often."""
        stamp_ns = time.time_ns()
        self._images.publish(messages.msg_from_image(self.image, stamp_ns, "over_shoulder_optical_frame"))

    def _tell(self):
        now_s, stamp_ns = time.monotonic(), time.time_ns()
        while self._heard and now_s - self._heard[0][0] > DEAD_S + PERIOD_S:
            self._at = self._at + self._heard.popleft()[1].position[:3]
        steps = [np.array(msg.position[:3]) for _, msg in self._heard]
        parts = [np.clip((now_s - heard_s - DEAD_S) / PERIOD_S, 0, 1) for heard_s, _ in self._heard]
        measured = self._at + sum((part * step for part, step in zip(parts, steps, strict=True)), np.zeros(3))
        target = self._at + sum(steps, np.zeros(3))
        if self._rests and any(parts):
            self.took_ms.append(1e3 * (now_s - self._heard[0][0]))
        self._rests = not any(parts)
        self._joints.publish(messages.msg_from_joints(JointReading(np.zeros(6), np.zeros(6), 1.0, stamp_ns), NAMES))
        for publisher, position in ((self._poses, measured), (self._targets, target)):
            publisher.publish(messages.msg_from_pose(Pose(position, np.array([1.0, 0, 0, 0])), stamp_ns))


@pytest.fixture
def steady(untrained, tmp_path):
    """A checkpoint whose every action is about STEP."""
    loaded = load_checkpoint(untrained)
    scale = ActionScale((*STEP.tolist(), 0.0, 0.0, 0.0, 0.5), (1e-4,) * 7)
    meta = type(loaded.meta)(**{**vars(loaded.meta), "action_scale": scale})
    save_checkpoint(tmp_path / "steady", Checkpoint(meta, loaded.policy, loaded.critic))
    return tmp_path / "steady"


def test_an_arm_that_moves_later_than_a_control_period_is_measured_and_warned_about(peers, tmp_path, goal_file, steady):  # noqa: F811
    arm = peers(LateArm, ActionSpec(), (320, 240))
    settings = {"goal": str(goal_file), "checkpoint": str(steady), "start_on_activate": False, "time_limit_s": 1.5}
    patient = {"max_age_ms": 2000.0, "align_ms": 2000.0}
    with policies(tmp_path, settings | patient) as graph:
        wait_until(lambda: arm.got["status"] and arm.status()["state"] == "ready" and not arm.status()["reason"])
        before = next(check for check in arm.status()["checks"] if check["name"] == "arm latency")
        assert (before["verdict"], arm.status()["latency_ms"]["arm_motion"]) == ("unknown", None)

        def told():
            """Measured; a run from rest whose states were lost on a busy machine tells nothing, so there is another."""
            if arm.status()["state"] != "running" and time.monotonic() - last() > 2.5:
                assert arm.call("/policy/start").success
                wait_until(lambda: arm.status()["state"] == "running")
            return arm.status()["latency_ms"]["arm_motion"]

        def last():
            return arm.got["action"][-1][0] if arm.got["action"] else 0.0

        wait_until(told)
        motion = arm.status()["latency_ms"]["arm_motion"]
        assert min(arm.took_ms) - 30 <= motion["p50"] <= max(arm.took_ms) + 150
        assert motion["n"] >= 1
        assert 0 < motion["resolution"] <= 100
        wait_until(lambda: any(check["verdict"] == "warning" for check in arm.status()["checks"]))
        assert "lower 'speed'" in json.dumps(arm.status()["checks"])
        assert "arm latency: the arm begins to move" in graph.log_path("p0").read_text()
