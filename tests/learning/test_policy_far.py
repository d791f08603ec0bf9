"""The policy node with a planner: waypoints are published, planned anew on a stall, and followed to the goal."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image as Picture

rclpy = pytest.importorskip("rclpy")

from policy_rig import SIZE, PretendedRobot, peers, picture, policies, wait_until  # noqa: E402, F401
from sensor_msgs.msg import Image  # noqa: E402

from crl_learning.goal_policy import GoalPolicy  # noqa: E402
from crl_learning.goals.reference import FrameName, Reference  # noqa: E402
from crl_learning.planning.export import PlannerExport, save_planner  # noqa: E402
from crl_learning.planning.frames import Frames  # noqa: E402
from crl_learning.planning.graph import Edges  # noqa: E402
from crl_learning.planning.loading import planner_of  # noqa: E402
from crl_learning.planning.ticks import all_ticks, critic_ticks  # noqa: E402
from crl_learning.progress.calibration import Calibration  # noqa: E402
from crl_learning.progress.export import ProgressExport, save_progress  # noqa: E402
from crl_robot.contracts import ActionSpec  # noqa: E402
from crl_robot.nodes import messages  # noqa: E402

pytestmark = [pytest.mark.ros, pytest.mark.slow]
GREYS = tuple(range(30, 200, 10))
CALIBRATION = Calibration(
    weights=(1.0, 1.0),
    offset=0.0,
    signal=(-9.0, 0.0),
    expected=(40.0, 0.0),
    low=(30.0, 0.0),
    high=(40.0, 1.0),
    horizon=40,
    rates=(0.05, 0.1),
    thresholds=(-1e-3, -2e-3),
    hold=2,
    patience=15,
    step=0.01,
    facts={},
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, untrained):
    """Fresh weights, and a map of grey pictures: edges join those of about the same brightness, views fit one each."""
    folder = tmp_path_factory.mktemp("far") / "checkpoint"
    shutil.copytree(untrained, folder)
    policy = GoalPolicy.load(folder)
    seen = np.stack([policy.image_spec.apply(picture(grey)) for grey in GREYS])
    names = tuple(FrameName("grey", grey) for grey in GREYS)
    save_progress(folder, ProgressExport(CALIBRATION, Reference(seen, names, 100.0, 0.0), None), {})
    ticks = all_ticks(critic_ticks(policy, CALIBRATION), seen)
    longest = 0.5 * float(ticks[~np.eye(len(seen), dtype=bool)].min())
    near = [(i, j) for i in range(len(seen)) for j in range(len(seen)) if 0 < abs(i - j) <= 2]
    tail, head = np.array(near, np.int32).T.copy()
    edges = Edges(tail, head, np.abs(tail - head).astype(np.float32), longest)
    save_planner(folder, CALIBRATION, PlannerExport(Frames(seen, names), edges, None, 0.0, {}))
    torch.set_num_threads(1)
    return folder


class Watcher(PretendedRobot):
    """The pretended robot, and somebody who looks at the waypoints."""

    def __init__(self, domain_id):
        super().__init__(domain_id, ActionSpec(), SIZE)
        self.got["waypoints"] = []
        topic = "/policy/waypoints"
        self.node.create_subscription(Image, topic, self._keep("waypoints"), messages.LATCHED_QOS)
        self.image = picture(GREYS[0])

    def followed(self, again):
        """Waypoints of the first plan, or of that which was made anew so many times; none before it is followed."""
        plans = [json.loads(msg.data)["plan"] or {} for _, msg in self.got["status"]]
        found = [plan for plan in plans if plan.get("state") == "followed" and plan["again"] == again]
        return [one["frame"] for one in found[0]["waypoints"]] if found else []

    def goes_where_it_is_led(self):
        """Show what the present goal shows: a robot that always gets there."""
        source = self.status()["goal"]
        self.image = picture(int(source.rpartition(":")[2]) if source.startswith("waypoint") else GREYS[-1])
        return True


def test_no_plan_moves_nothing_and_a_plan_is_published_made_anew_on_a_stall_and_followed(peers, tmp_path, checkpoint):  # noqa: F811
    unknown = tmp_path / "unknown.png"
    Picture.fromarray(picture(220)).save(unknown)
    planner, spec = planner_of(checkpoint, "graph"), GoalPolicy.load(checkpoint).image_spec
    ends = spec.apply(picture(GREYS[0])), spec.apply(picture(GREYS[-1]))
    expected = planner.plan(*ends, 3)
    assert len(expected.frames) == 3
    world = peers(Watcher)
    settings = {
        "goal": str(unknown),
        "checkpoint": str(checkpoint),
        "planner": "graph",
        "waypoints": 3,
        "checks": "off",
    }
    with policies(tmp_path, settings | {"max_age_ms": 2000.0, "align_ms": 2000.0}):
        wait_until(lambda: world.got["status"] and world.status()["state"] == "ended")
        assert world.status()["ended"]["verdict"] == "failed"
        assert "no plan: there is no way to the goal" in world.status()["ended"]["sentence"]
        assert world.got["action"] == []

        world.goals.publish(messages.msg_from_image(picture(GREYS[-1]), 1, ""))
        wait_until(lambda: world.status()["goal"] == "goal/image")
        assert world.call("/policy/start").success
        wait_until(lambda: world.followed(0) and world.got["waypoints"])
        strip = np.frombuffer(world.got["waypoints"][0][1].data, np.uint8)
        assert np.array_equal(strip.reshape(64, 4 * 64, 3), np.hstack(list(expected.images)))
        assert world.followed(0) == [name.frame for name in expected.frames]
        wait_until(lambda: world.got["action"])

        wait_until(lambda: world.followed(1))
        other = planner.plan(*ends, 3, frozenset(expected.frames[:1]))
        assert world.followed(1) == [name.frame for name in other.frames]

        wait_until(lambda: world.goes_where_it_is_led() and world.status()["state"] == "ended")
        assert world.status()["ended"]["verdict"] == "reached"
