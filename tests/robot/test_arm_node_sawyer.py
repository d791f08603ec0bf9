"""The arm node on an emulated Sawyer behind rosbridge."""

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("roslibpy", reason="the extra 'sawyer' is not installed")

from arm_rig import running
from std_msgs.msg import Bool

from crl_robot.emulators.rosbridge.plant import ServoPlant
from crl_robot.emulators.rosbridge.sawyer import EmulatedSawyer
from crl_robot.emulators.rosbridge.server import RosbridgeServer
from crl_robot.robots import SAWYER_ROBOT

pytestmark = pytest.mark.ros
PATIENT = {"silence_s": 1.0, "limits.stale_joints_s": 1.5, "limits.clock_jump_s": 2.0, "limits.stale_action_s": 2.0}
"""A machine that is busy with other tests may keep emulator or node from running for a while."""


@pytest.fixture(scope="module")
def robot():
    return EmulatedSawyer(ServoPlant(SAWYER_ROBOT.home))


@pytest.fixture(scope="module")
def server(robot):
    with RosbridgeServer(robot) as server:
        yield server


@pytest.fixture(scope="module")
def connected(server, tmp_path_factory):
    settings = {"robot": "sawyer", "rosbridge_port": server.port, "connect_s": 5.0, "limits.deadman_s": 2.0}
    with running(tmp_path_factory.mktemp("log"), **settings, **PATIENT) as client:
        client.ready()
        yield client
        assert client.graph.stop() == {"arm": 0}


@pytest.fixture
def client(connected):
    assert connected.ask("arm/reset").success
    assert connected.enable().success
    return connected


def press(client):
    client.send("arm/deadman", Bool(data=True))


def test_connecting_neither_enables_nor_moves_the_robot(connected, robot):
    """Comes first: later tests enable it."""
    connected.sleep(0.3)
    assert connected.mode() == "disabled"
    assert not robot.power.enabled
    assert robot.commands == 0
    np.testing.assert_allclose(connected.joints()[:7], SAWYER_ROBOT.home, atol=1e-3)


def test_nothing_moves_without_the_dead_man(client):
    count = client.count("deadman")
    client.act(0.0, 0.0, 0.01)
    client.until(lambda: client.count("deadman") == count + 1)
    assert client.mode() == "holding"


def test_actions_move_the_robot_while_the_dead_man_is_pressed(client):
    before = client.height()

    def act():
        press(client)
        client.act(0.0, 0.0, 0.01)
        client.sleep(0.2)
        return client.height() > before + 0.02

    client.until(act)
    client.send("arm/deadman", Bool(data=False))
    client.until(lambda: client.mode() == "holding")


def test_it_homes_to_its_own_home_pose(client):
    press(client)
    assert client.ask("arm/home").success

    def at_home():
        press(client)
        client.sleep(0.1)
        return client.status()["reason"] == "at home"

    client.until(at_home)
    client.until(lambda: np.abs(client.joints()[:7] - SAWYER_ROBOT.home).max() < 0.01)


def test_the_red_button_latches_the_estop_until_it_is_released_and_reset(client, robot):
    press(client)
    robot.power.press()
    client.until(lambda: bool(press(client)) or bool(client.act(0.0, 0.0, -0.01)) or client.mode() == "estopped")
    refusal = client.ask("arm/reset")
    assert not refusal.success
    assert "button" in refusal.message
    robot.power.release()
    client.until(lambda: client.ask("arm/reset").success)
    client.until(lambda: client.enable().success)


def test_a_cut_connection_latches_the_estop_and_a_reset_connects_again(client, server):
    server.cut()
    client.until(lambda: client.mode() == "estopped")
    client.sleep(0.3)
    assert client.mode() == "estopped"
    client.until(lambda: client.ask("arm/reset").success)
    states = len(client.got["joint_states"])
    client.until(lambda: len(client.got["joint_states"]) > states)
    assert client.enable().success
