"""What the emulated Sawyer obeys and refuses, without rosbridge, on a clock of the test's own."""

import numpy as np
import pytest

from crl_robot.emulators.rosbridge.plant import ServoPlant
from crl_robot.emulators.rosbridge.sawyer import COMMAND, COMMAND_TIMEOUT, SPEED_RATIO, EmulatedSawyer
from crl_robot.emulators.rosbridge.server import RosbridgeServer
from crl_robot.errors import ConfigError
from crl_robot.sawyer import topics
from crl_robot.sawyer.model import JOINT_LIMITS, JOINT_NAMES, JOINT_SPEEDS, NEUTRAL_Q

FAR = NEUTRAL_Q + 0.5


class Bench:
    def __init__(self, **options):
        self.now_s = 0.0
        self.robot = EmulatedSawyer(ServoPlant(), monotonic=lambda: self.now_s, **options)

    def tell(self, topic, **message):
        self.robot.receive(topic[0], message)

    def command(self, joints=FAR, **changes):
        self.tell(COMMAND, **{**topics.joint_command(JOINT_NAMES, np.asarray(joints), 0), **changes})

    def run(self, seconds):
        messages = []
        for _ in range(round(seconds * 100)):
            self.now_s += 0.01
            messages += self.robot.tick(0.01)
        return messages


@pytest.fixture
def bench():
    bench = Bench()
    bench.tell(topics.ENABLE, data=True)
    return bench


def moved(bench):
    return float(np.abs(bench.robot.joints()[0] - NEUTRAL_Q).max())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": 2}, "mode"),
        ({"mode": 4}, "mode"),
        ({"names": [f"left_j{k}" for k in range(7)]}, "names"),
        ({"names": list(JOINT_NAMES[:6])}, "names"),
        ({"position": [0.0] * 6}, "names"),
        ({"position": [0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0]}, "limits"),
    ],
)
def test_a_command_that_is_not_for_these_joints_is_refused_in_silence(bench, changes, reason):
    bench.command(**changes)
    bench.run(0.1)
    assert dict(bench.robot.refusals) == {reason: 1}
    assert moved(bench) == 0.0


def test_names_in_another_order_mean_the_same_joints(bench):
    bench.command(names=list(reversed(JOINT_NAMES)), position=FAR[::-1].tolist())
    np.testing.assert_array_equal(bench.robot.target, FAR)


def test_a_disabled_robot_refuses():
    bench = Bench()
    bench.command()
    bench.run(0.1)
    assert bench.robot.refusals["not enabled"] == 1
    assert moved(bench) == 0.0


def test_it_moves_at_its_share_of_the_top_speed(bench):
    bench.tell(SPEED_RATIO, data=0.5)
    for _ in range(20):
        bench.command()
        bench.run(0.02)
    speeds = np.abs(bench.robot.joints()[1])
    assert (speeds <= 0.5 * JOINT_SPEEDS + 1e-9).all()
    assert speeds[0] == pytest.approx(0.5 * JOINT_SPEEDS[0], rel=0.01)


def test_it_stops_following_when_commands_stop(bench):
    bench.tell(COMMAND_TIMEOUT, data=0.1)
    bench.command()
    bench.run(0.3)
    stopped = bench.robot.joints()[0]
    bench.run(1.0)
    np.testing.assert_allclose(bench.robot.joints()[0], stopped, atol=1e-3)
    assert np.abs(stopped - FAR).max() > 0.3


def test_a_persistent_one_goes_on_to_the_last_target():
    bench = Bench(persistent=True)
    bench.tell(topics.ENABLE, data=True)
    bench.command()
    bench.run(3.0)
    np.testing.assert_allclose(bench.robot.joints()[0], FAR, atol=1e-3)


@pytest.mark.parametrize("stop", ["press", "stop", "fail"])
def test_every_stop_freezes_the_arm_and_refuses_enable_until_reset(bench, stop):
    bench.command()
    bench.run(0.1)
    getattr(bench.robot.power, stop)()
    bench.run(0.2)
    frozen = bench.robot.joints()[0]
    bench.tell(topics.ENABLE, data=True)
    bench.command()
    bench.run(0.3)
    np.testing.assert_allclose(bench.robot.joints()[0], frozen, atol=1e-3)
    assert bench.robot.refusals["enable"] == 1
    bench.tell(topics.RESET)
    assert bench.robot.power.stopped == (stop == "press")


@pytest.mark.parametrize("persistent", [False, True])
def test_enabling_again_does_not_take_up_the_old_target(persistent):
    bench = Bench(persistent=persistent)
    bench.tell(topics.ENABLE, data=True)
    bench.command()
    bench.run(0.1)
    bench.tell(topics.ENABLE, data=False)
    bench.run(0.5)
    bench.tell(topics.ENABLE, data=True)
    before = bench.robot.joints()[0]
    bench.run(0.5)
    np.testing.assert_allclose(bench.robot.joints()[0], before, atol=1e-3)


def test_joints_are_published_at_every_tick_among_others_and_the_state_at_every_fifth(bench):
    messages = bench.run(1.0)
    arm = [m for name, m in messages if name == topics.JOINT_STATES[0] and "right_j0" in m["name"]]
    assert len(arm) == 100
    assert arm[0]["name"] == ["head_pan", *JOINT_NAMES, "torso_t0"]
    assert sum(name == topics.STATE[0] for name, _ in messages) == 20


def test_it_starts_inside_its_limits():
    position = EmulatedSawyer().joints()[0]
    assert ((position > JOINT_LIMITS[:, 0]) & (position < JOINT_LIMITS[:, 1])).all()


def test_a_port_that_is_taken_is_refused(server):
    with pytest.raises(ConfigError, match=f"cannot listen on port {server.port}"):
        RosbridgeServer(EmulatedSawyer(), server.port).start()
