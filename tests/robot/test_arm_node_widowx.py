"""The arm node, in its own process, on an emulated servo bus: what any other node sees of it."""

import math
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("dynamixel_sdk")

from arm_rig import ACTION_QOS, LATCHED_QOS, running
from lifecycle_msgs.msg import Transition
from servo_hardware import TABLE, ServoHardware
from std_msgs.msg import Bool, Float64

from crl_robot.kinematics import HOME_Q, Kinematics

pytestmark = pytest.mark.ros

PATIENT = {
    "answer_ms": 100.0,
    "limits.stale_joints_s": 1.0,
    "limits.clock_jump_s": 2.0,
    "limits.stale_action_s": 2.0,
    "limits.hold_periods": 5.0,
}
"""A machine that is busy with other tests may keep emulator or node from running for a while."""


@pytest.fixture(scope="module")
def hardware(tmp_path_factory):
    hardware = ServoHardware(tmp_path_factory.mktemp("bus") / "tty")
    yield hardware
    hardware.line.close()


@pytest.fixture(scope="module")
def connected(hardware, tmp_path_factory):
    with running(tmp_path_factory.mktemp("log"), port=str(hardware.link), connect_s=5.0, **PATIENT) as client:
        client.ready()
        yield client
        assert client.graph.stop() == {"arm": 0}
        assert hardware.torque() == {True}, "a closed arm keeps its torque, or it would fall"


@pytest.fixture
def client(connected):
    """A client of an arm that is enabled, holds at home, and of which nothing old is remembered."""
    connected.send("arm/estop_input", Bool(data=False))
    connected.sleep(0.1)

    def at_home():
        """A busy machine may starve the watchdog of the servos on the way; an operator tries once more."""
        if connected.mode() in ("estopped", "disabled"):
            assert connected.ask("arm/reset").success
            assert connected.enable().success
        if connected.mode() != "moving" and connected.status()["reason"] != "at home":
            connected.ask("arm/home")
            connected.sleep(0.1)
        return connected.mode() == "holding" and connected.status()["reason"] == "at home"

    connected.until(at_home)
    connected.got["arm/commanded"].clear()
    return connected


def test_connecting_reads_and_describes_and_neither_moves_nor_powers_the_arm(connected, hardware):
    """Comes first: later tests enable it."""
    connected.sleep(0.3)
    assert connected.mode() == "disabled"
    assert not hardware.goals
    assert hardware.torque() == {False}
    np.testing.assert_allclose(connected.joints()[:6], HOME_Q, atol=2e-3)
    assert list(connected.got["joint_states"][-1].name) == [*TABLE.joint_names, "gripper"]
    assert "<robot" in connected.got["robot_description"][-1].data
    connected.act(0.0, 0.0, 0.01)
    connected.until(lambda: connected.count("not_enabled") == 1)
    assert not hardware.goals


def test_actions_move_the_arm_and_the_published_joints_are_those_of_the_servos(client, hardware):
    before = client.height()
    for _ in range(3):
        client.act(0.0, 0.0, -0.02)
        client.sleep(0.2)
    client.until(lambda: client.mode() == "holding")
    client.until(lambda: abs(client.height() - before + 0.06) < 3e-3)
    assert len(client.got["arm/commanded"]) == 3
    client.sleep(0.2)
    np.testing.assert_allclose(client.joints()[:6], hardware.joints(), atol=1e-3)


def test_a_twist_moves_the_arm_at_its_speed_and_silence_stops_it(client):
    start, began = client.height(), time.monotonic()
    client.sleep(0.6, every=lambda: client.twist("base_link", z=-0.05))
    client.until(lambda: client.status()["reason"] == "no twist for 0.1 s")
    elapsed = time.monotonic() - began
    client.sleep(0.2)
    stopped = client.height()
    assert 0.01 < start - stopped < 0.05 * elapsed + 5e-3
    client.sleep(0.4)
    assert abs(client.height() - stopped) < 1e-3


def test_a_zero_twist_stops_the_arm_at_once(client):
    def stopped():
        """A busy machine may make a silence of the first ones."""
        client.sleep(0.1, every=lambda: client.twist(z=-0.02))
        client.twist()
        client.sleep(0.1)
        return client.status()["reason"] == "the twist is zero"

    client.until(stopped)
    assert client.mode() == "holding"


def test_a_twist_in_another_frame_is_refused(client):
    count = client.count("bad_action")
    client.twist("tool", z=0.05)
    client.until(lambda: client.count("bad_action") == count + 1)
    assert client.mode() == "holding"


def test_an_opening_for_twist_users_moves_the_gripper_alone(client):
    target = 0.0 if client.joints()[6] > 0.5 else 1.0
    held = client.joints()[:6]
    client.send("arm/gripper", Float64(data=target))
    client.until(lambda: abs(client.joints()[6] - target) < 0.03)
    np.testing.assert_allclose(client.joints()[:6], held, atol=5e-3)
    before, count = client.count("accepted"), client.count("second_source")
    client.sleep(0.3, every=lambda: client.twist(z=-0.02))
    client.until(lambda: client.count("accepted") > before)
    assert client.count("second_source") == count, "the gripper of the twists counted as another source"


def test_a_second_source_is_refused_and_the_first_goes_on(client):
    other = client.node.create_publisher(type(client.got["joint_states"][-1]), "arm/action", ACTION_QOS)
    client.until(lambda: other.get_subscription_count() == 1)
    before = client.count("accepted")
    client.until(lambda: client.act() or client.sleep(0.1) or client.count("accepted") > before)
    count, before = client.count("second_source"), client.count("accepted")

    def refused_often():
        client.act(0.0, 0.0, -0.002)
        client.sleep(0.1)
        client.act(0.0, 0.0, 0.05, publisher=other)
        client.sleep(0.1)
        return client.count("second_source") >= count + 3

    client.until(refused_often)
    client.until(lambda: client.count("accepted") >= before + 3)
    assert max(msg.position[2] for msg in client.got["arm/commanded"]) <= 0.0
    client.node.destroy_publisher(other)


def test_an_estop_input_that_says_true_stops_the_arm_and_bars_the_reset_until_it_says_false(client):
    client.act(0.0, 0.0, -0.02)
    client.send("arm/estop_input", Bool(data=True))
    client.until(lambda: client.mode() == "estopped")
    client.until(lambda: client.got["arm/estopped"][-1].data)
    refusal = client.ask("arm/reset")
    assert not refusal.success
    assert "still says true" in refusal.message
    assert not client.enable().success
    client.send("arm/estop_input", Bool(data=False))
    client.sleep(0.1)
    assert client.mode() == "estopped", "released is not reset"
    assert client.ask("arm/reset").success
    assert client.enable().success


def test_an_estop_input_that_was_true_before_the_node_came_is_heard(hardware, client, tmp_path):
    """The topic is latched, so that a pressed button is known to whoever starts later."""
    assert client.take(Transition.TRANSITION_DEACTIVATE)
    assert client.take(Transition.TRANSITION_CLEANUP)
    client.send("arm/estop_input", Bool(data=True))
    assert client.take(Transition.TRANSITION_CONFIGURE)
    assert client.take(Transition.TRANSITION_ACTIVATE)
    client.until(lambda: client.mode() == "estopped")
    assert client.publishers["arm/estop_input"].qos_profile.durability == LATCHED_QOS.durability


def test_a_latched_estop_outlives_cleanup_and_configure(client):
    """A node that was configured anew could be enabled without a reset."""
    assert client.ask("arm/estop").success
    for transition in ("DEACTIVATE", "CLEANUP", "CONFIGURE", "ACTIVATE"):
        assert client.take(getattr(Transition, f"TRANSITION_{transition}"))
    refusal = client.enable()
    assert not refusal.success
    assert "e-stop is latched (e-stop was called)" in refusal.message
    assert client.ask("arm/reset").success


def test_an_inactive_node_holds_and_is_not_enabled_and_a_cleaned_up_one_gives_the_port_back(client, hardware):
    client.act(0.0, 0.0, -0.02)
    assert client.take(Transition.TRANSITION_DEACTIVATE)
    client.until(lambda: client.mode() == "disabled")
    refusal = client.enable()
    assert not refusal.success
    assert "not active" in refusal.message
    assert client.take(Transition.TRANSITION_CLEANUP)
    client.sleep(0.2)
    states = len(client.got["joint_states"])
    client.sleep(0.3)
    assert len(client.got["joint_states"]) == states
    assert client.take(Transition.TRANSITION_CONFIGURE)
    assert client.take(Transition.TRANSITION_ACTIVATE)
    client.until(lambda: len(client.got["joint_states"]) > states)
    assert hardware.torque() == {True}


def test_a_servo_that_fails_latches_the_estop_and_says_which_and_goes_on_after_it_is_repaired(client, hardware):
    with hardware.line.locked() as bus:
        bus.servos[8].fail(1 << 5)
    client.until(lambda: bool(client.act(0.0, 0.0, -0.002)) or client.mode() == "estopped")
    assert "wrist_rotate" in client.status()["reason"]
    refusal = client.ask("arm/reset")
    assert not refusal.success
    assert "overloaded" in refusal.message
    with hardware.line.locked() as bus:
        bus.servos[8].memory["hardware_error"] = 0
    assert client.ask("arm/reset").success
    assert client.enable().success


def test_an_unplugged_adapter_is_told_and_nothing_is_published_until_it_is_back_and_reset(client, hardware):
    client.act(0.0, 0.0, -0.02)
    hardware.unplug()
    client.until(lambda: client.mode() == "estopped")
    client.sleep(0.2)
    states = len(client.got["joint_states"])
    refusal = client.ask("arm/reset")
    assert not refusal.success
    assert "plugged in" in refusal.message
    client.sleep(0.3)
    assert len(client.got["joint_states"]) == states, "joint values were invented"
    hardware.plug_in()
    client.sleep(0.3)
    assert client.mode() == "estopped", "it came back by itself"
    client.until(lambda: client.ask("arm/reset").success)
    assert client.enable().success
    before = client.height()
    client.act(0.0, 0.0, 0.01)
    client.until(lambda: client.height() > before + 5e-3)


def test_the_health_of_the_servos_is_in_the_diagnostics_once_a_second(client):
    client.act(0.0, 0.0, 0.0)
    client.until(lambda: client.count("accepted") >= 1)
    client.sleep(1.2)
    client.got["/diagnostics"].clear()
    client.until(lambda: len(client.got["/diagnostics"]) >= 2)
    (status,) = client.got["/diagnostics"][-1].status
    values = {entry.key: entry.value for entry in status.values}
    assert status.name == "/arm"
    assert values["elbow_temperature_c"] == "35"
    assert values["watchdog"] == "armed"
    assert {"mode", "reason", "lateness_p99_ms", "missed", "count_accepted"} <= set(values)


def test_the_pose_that_is_published_is_that_of_the_published_joints(client):
    client.sleep(0.2)
    joints = {(m.header.stamp.sec, m.header.stamp.nanosec): m for m in client.got["joint_states"][-20:]}
    pose = client.got["arm/pose"][-3]
    match = joints[pose.header.stamp.sec, pose.header.stamp.nanosec]
    expected = Kinematics().forward(np.array(match.position[:6])).position
    point = pose.pose.position
    np.testing.assert_allclose([point.x, point.y, point.z], expected, atol=1e-9)
    assert math.isclose(match.header.stamp.sec, time.time(), abs_tol=5)
