"""What an operator asks of the policy node: goals of every kind, pause, step, stages, speed, dry runs."""

import json
import time

import numpy as np
import pytest
from PIL import Image as Picture

from crl_robot.contracts import ActionSpec

rclpy = pytest.importorskip("rclpy")

from policy_rig import SIZE, PretendedRobot, goal_file, peers, picture, policies, wait_until  # noqa: E402, F401
from sensor_msgs.msg import CompressedImage, Image, JointState  # noqa: E402
from std_msgs.msg import Int32, String  # noqa: E402

from crl_robot.nodes import messages  # noqa: E402
from crl_robot.nodes.images import jpeg_message  # noqa: E402

pytestmark = [pytest.mark.ros, pytest.mark.slow]


class Operator(PretendedRobot):
    """The pretended robot, and an operator who hears everything that the node tells."""

    def __init__(self, domain_id, spec=None, size=SIZE):
        super().__init__(domain_id, spec or ActionSpec(), size)
        publisher, subscribe = self.node.create_publisher, self.node.create_subscription
        self.compressed = publisher(CompressedImage, "/goal/image/compressed", 1)
        self.stage = publisher(Int32, "/goal/stage", 1)
        more = {
            "progress": (String, messages.STATE_QOS),
            "planned": (JointState, messages.STATE_QOS),
            "view": (Image, messages.STATE_QOS),
            "goal_native": (Image, messages.LATCHED_QOS),
            "goal_strip": (Image, messages.LATCHED_QOS),
        }
        for name, (kind, qos) in more.items():
            self.got[name] = []
            subscribe(kind, f"/policy/{name}", self._keep(name), qos)

    def state(self, wanted):
        wait_until(lambda: self.got["status"] and self.status()["state"] == wanted)
        return self.status()

    def progress(self):
        return [json.loads(msg.data) for _, msg in self.got["progress"]]

    def arm(self, mode, reason=""):
        status = {"mode": mode, "reason": reason, "counters": {}, "action_spec": ActionSpec().to_dict()}
        self._status.publish(String(data=json.dumps(status)))


@pytest.fixture
def stages(tmp_path):
    folder = tmp_path / "stages"
    folder.mkdir()
    for i, grey in enumerate((40, 90, 140)):
        Picture.fromarray(picture(grey)).save(folder / f"{i}.png")
    return folder


def test_pause_step_and_stop_leave_the_arm_alone_and_start_goes_on(peers, tmp_path, goal_file):  # noqa: F811
    world = peers(Operator)
    with policies(tmp_path, {"goal": str(goal_file), "start_on_activate": False}):
        wait_until(lambda: any(tick["preview"] for tick in world.progress()))
        assert world.state("ready")["run"] == ""
        assert world.got["action"] == []
        assert world.call("/policy/step").success
        status = world.state("paused")
        assert len(world.got["action"]) == 1
        assert world.call("/policy/start").success
        wait_until(lambda: len(world.got["action"]) > 3)
        assert world.call("/policy/pause").success
        assert world.state("paused")["run"] == status["run"]
        sent = len(world.got["action"])
        assert world.call("/policy/stop").success
        assert world.state("ended")["ended"]["verdict"] == "stopped"
        assert len(world.got["action"]) == sent
        assert not world.call("/policy/next_stage").success


def test_stages_are_shown_side_by_side_and_chosen_by_number(peers, tmp_path, stages):  # noqa: F811
    world = peers(Operator)
    with policies(tmp_path, {"goal": str(stages), "start_on_activate": False}):
        assert [stage["source"][-5:] for stage in world.state("ready")["stages"]] == ["0.png", "1.png", "2.png"]
        wait_until(lambda: world.got["goal_strip"])
        strip = world.got["goal_strip"][-1][1]
        assert (strip.width, strip.height) == (3 * 160, 120)
        world.stage.publish(Int32(data=2))
        wait_until(lambda: world.status()["stage"] == 2)
        wait_until(lambda: min(world.got["goal_native"][-1][1].data) == 140)
        world.stage.publish(Int32(data=7))
        wait_until(lambda: "stage 7" in world.status()["goal_refused"])
        assert world.status()["stage"] == 2


def test_goals_come_compressed_grey_or_captured(peers, tmp_path):  # noqa: F811
    world = peers(Operator)
    settings = {"start_on_activate": False, "goals_folder": str(tmp_path / "captured"), "max_age_ms": 2000.0}
    with policies(tmp_path, settings):
        wait_until(lambda: world.got["status"] and "no goal" in world.status()["reason"])
        assert not world.call("/policy/start").success
        world.compressed.publish(jpeg_message(picture(60), 0, "", 95))
        wait_until(lambda: world.status()["goal"] == "goal/image/compressed")
        grey = Image(height=240, width=320, encoding="mono8", step=320, data=picture(80)[..., 0].tobytes())
        world.goals.publish(grey)
        wait_until(lambda: world.status()["goal"] == "goal/image")
        wait_until(lambda: world.call("/policy/capture_goal").success)  # refused while the newest image is too old
        (file,) = (tmp_path / "captured").iterdir()
        assert np.array_equal(np.asarray(Picture.open(file)), world.image)
        world.goals.publish(messages.msg_from_image(np.zeros((240, 320, 3), np.uint8), 1, ""))
        wait_until(lambda: "too dark" in world.status()["goal_refused"])
        assert world.status()["goal"].endswith(file.name)


def test_a_dry_run_only_plans_and_the_speed_changes_while_it_runs(peers, tmp_path, goal_file, untrained):  # noqa: F811
    world = peers(Operator)
    settings = {"goal": str(goal_file), "checkpoint": str(untrained), "dry_run": True, "speed": 0.5}
    with policies(tmp_path, settings):
        wait_until(lambda: len(world.got["planned"]) > 3)
        assert world.got["action"] == []
        assert world.status()["speed"] == 0.5
        assert all(
            not tick["acting"] and (tick["action"] or tick["late"]) for tick in world.progress() if not tick["preview"]
        )
        wait_until(lambda: world.got["view"])
        assert world.got["view"][-1][1].width == 64


def test_an_estop_pauses_the_run_and_only_start_goes_on(peers, tmp_path, goal_file):  # noqa: F811
    world = peers(Operator)
    with policies(tmp_path, {"goal": str(goal_file)}):
        wait_until(lambda: len(world.got["action"]) > 2)
        world.arm("estopped", "pressed")
        assert "pressed" in world.state("paused")["reason"]
        world.arm("holding")
        sent = len(world.got["action"])
        wait_until(lambda: world.status()["arm"]["mode"] == "holding")
        assert world.status()["state"] == "paused"
        assert len(world.got["action"]) == sent
        assert world.call("/policy/start").success
        wait_until(lambda: len(world.got["action"]) > sent)


def test_goals_that_change_all_the_time_garbage_among_them_leave_the_rate_alone(peers, tmp_path, goal_file):  # noqa: F811
    world = peers(Operator)
    rng = np.random.default_rng(0)
    with policies(tmp_path, {"goal": str(goal_file), "when_stuck": "go_on"}):
        wait_until(lambda: len(world.got["action"]) > 2)
        before = world.got["action"][-1][0]
        for i in range(200):
            good = rng.random() < 0.5
            shape = (240, 320) if good else tuple(rng.integers(1, 40, 2).tolist())
            image = picture(int(rng.integers(20, 200)), shape) if good else np.zeros((*shape, 3), np.uint8)
            world.goals.publish(messages.msg_from_image(np.ascontiguousarray(image), i + 1, ""))
            time.sleep(0.01)  # as a quick sender; a flood would measure the middleware
        world.goals.publish(messages.msg_from_image(picture(77), 1, ""))
        wait_until(lambda: world.got["goal_native"] and min(world.got["goal_native"][-1][1].data) == 77)
        sent = len(world.got["action"])
        wait_until(lambda: len(world.got["action"]) >= sent + 10)
        times = [at for at, _ in world.got["action"] if at >= before]
        assert np.median(np.diff(times)) < 2 * ActionSpec().period_s
        assert world.status()["state"] == "running"
