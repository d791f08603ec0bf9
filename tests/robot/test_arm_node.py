"""The arm node's settings, and how its process ends."""

import os
import signal
import time
from dataclasses import fields

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("dynamixel_sdk")

import rclpy
from arm_rig import START_S, end_of, running
from rclpy.parameter import Parameter
from servo_hardware import ServoHardware

from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ConfigError
from crl_robot.graph import Graph, NodeCommand
from crl_robot.nodes.arm import ArmNode
from crl_robot.nodes.arm_settings import LIMIT_TEXTS
from crl_robot.resources import config_file
from crl_robot.robots import SAWYER_ROBOT

pytestmark = pytest.mark.ros


@pytest.fixture
def make():
    nodes = []

    def node(*settings):
        flags = [part for setting in settings for part in ("-p", setting)]
        rclpy.init(args=["--ros-args", "--params-file", str(config_file("ros/arm.yaml")), *flags])
        nodes.append(ArmNode())
        return nodes[-1]

    yield node
    for made in nodes:
        made.destroy_node()
    rclpy.try_shutdown()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["robot:=wx205s"], "wx250s"),
        (["robot:=vx300s"], "name an MJCF"),
        (["limits.inner_rate_hz:=200.0"], "100.0 Hz"),
        (["limits.joint_speed:=5.0"], "at most 3.142"),
        (["robot:=sawyer", "limits.joint_speed:=0.8"], "at most 0.398"),
        (["watchdog_s:=0.03"], "watchdog of at least twice"),
        (["rosbridge_port:=0"], "rosbridge_port"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_with_what_is_expected(make, settings, words):
    with pytest.raises(ConfigError, match=words):
        make(*settings)


def test_a_setting_that_does_not_exist_is_refused_naming_the_nearest(make):
    with pytest.raises(ConfigError, match="connect_s"):
        make("conect_s:=1.0").refuse_unknown_settings()


def test_the_shipped_parameters_all_exist(make):
    make().refuse_unknown_settings()


def test_limits_are_those_of_the_robot_and_every_one_explains_itself(make):
    node = make("robot:=sawyer", "limits.max_step_m:=0.01")
    for field in fields(SafetyLimits):
        name = f"limits.{field.name}"
        expected = 0.01 if field.name == "max_step_m" else getattr(SAWYER_ROBOT.limits, field.name)
        value = node.get_parameter(name).value
        assert (tuple(value) if isinstance(expected, tuple) else value) == expected
        assert node.describe_parameter(name).description == LIMIT_TEXTS[field.name]


def test_limits_cannot_be_changed_while_the_node_runs(make):
    node = make()
    (result,) = node.set_parameters([Parameter("limits.joint_speed", value=3.0)])
    assert not result.successful


def test_a_speed_ratio_below_the_usual_lowers_the_speed_of_the_joints(make):
    node = make("robot:=sawyer", "speed_ratio:=0.1")
    assert node.get_parameter("limits.joint_speed").value == pytest.approx(0.1328)


def test_an_arm_that_is_not_there_ends_the_process_with_code_2_and_a_hint(tmp_path):
    error = end_of(tmp_path, port="/dev/no_such_port", connect_s=0.5)
    assert error.exit_code == 2
    assert "is the adapter plugged in" in str(error)
    assert "Traceback" not in str(error)


def test_a_process_that_waits_for_its_arm_leaves_with_code_0_on_a_signal(tmp_path):
    command = NodeCommand(
        "arm", "crl_robot.nodes.arm_node", "ros/arm.yaml", {"port": str(tmp_path / "tty"), "connect_s": 300.0}
    )
    with Graph([command], tmp_path) as graph:
        log, end = graph.log_path("arm"), time.monotonic() + START_S
        while "trying to connect" not in log.read_text():
            assert time.monotonic() < end
            graph.check()
            time.sleep(0.02)
        began = time.monotonic()
        assert graph.stop() == {"arm": 0}
        assert time.monotonic() - began < 5.0, f"it needed more than {signal.SIGINT.name}"


def test_a_node_that_was_killed_leaves_the_arm_standing_and_the_next_one_goes_on_after_a_reset(tmp_path):
    hardware = ServoHardware(tmp_path / "tty")
    try:
        with running(tmp_path, port=str(hardware.link), answer_ms=100.0) as client:
            client.ready()
            assert client.enable().success
            os.kill(client.graph.pid("arm"), signal.SIGKILL)
            assert client.graph.stop() == {"arm": -signal.SIGKILL}
        end = time.monotonic() + START_S
        while not hardware.all_tripped():
            assert time.monotonic() < end
            time.sleep(0.01)
        with running(tmp_path, port=str(hardware.link), answer_ms=100.0) as client:
            client.ready()
            refusal = client.enable()
            assert not refusal.success
            assert "tripped" in refusal.message
            assert client.ask("arm/reset").success
            assert client.enable().success
            assert hardware.torque() == {True}
    finally:
        hardware.line.close()
