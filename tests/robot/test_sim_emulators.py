"""Emulated hardware around the simulated world, with the real drivers connected to it."""

import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

from crl_robot.errors import ArmError, ConfigError
from crl_robot.nodes.sim_emulators import EmulatedRosbridge, EmulatedServoBus
from crl_robot.robots import SAWYER_ROBOT, WIDOWX
from crl_robot.sim.world import World

DEADLINE_S = 15.0
ELSEWHERE = 0.15
"""rad that every joint is put away from home."""


def until(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class WidowXBench:
    robot = WIDOWX

    def __init__(self, tmp_path):
        pytest.importorskip("dynamixel_sdk")
        from crl_robot.widowx.arm import WidowXArm
        from crl_robot.widowx.servo_table import load_servo_table
        from crl_robot.widowx.settings import ServoArmSettings

        self.world, link = World(robot=self.robot), str(tmp_path / "tty")
        self.hardware = EmulatedServoBus(self.world, link)
        # Waits long enough for an answer on a machine that is busy with other tests.
        settings = ServoArmSettings(answer_s=0.5, watchdog_s=2.0)
        self.arm = WidowXArm(link, load_servo_table("wx250s"), settings)


class SawyerBench:
    robot = SAWYER_ROBOT

    def __init__(self, tmp_path):
        pytest.importorskip("roslibpy", reason="the extra 'sawyer' is not installed")
        from crl_robot.sawyer.arm import SawyerArm
        from crl_robot.sawyer.settings import SawyerSettings

        self.world = World(robot=self.robot)
        self.hardware = EmulatedRosbridge(self.world, 0)
        port = self.hardware.health()[2]["port"]
        self.arm = SawyerArm(SawyerSettings(port=port, silence_s=2.0, command_timeout_s=2.0, connect_timeout_s=15.0))


@pytest.fixture(params=[WidowXBench, SawyerBench])
def bench(request, tmp_path):
    bench = request.param(tmp_path)
    yield bench
    bench.arm.close()
    bench.hardware.close()


def true_joints(bench):
    return bench.world.joints()[0]


def at(bench, joints, tolerance=0.02):
    bench.arm.read()  # a loop that reads feeds the watchdog, and keeps a Sawyer where it was told to be
    return np.abs(true_joints(bench) - joints).max() < tolerance


def test_the_real_driver_moves_the_world_and_reads_it(bench):
    home = true_joints(bench)
    bench.arm.enable()
    target = home + 0.05
    bench.arm.command(target, 0.5)
    until(lambda: at(bench, target))
    np.testing.assert_allclose(bench.arm.read().position, target, atol=0.03)
    until(lambda: bench.arm.read().gripper > 0.4)
    bench.hardware.step()
    assert bench.hardware.health()[0]


def test_an_arm_that_was_put_elsewhere_stays_there_also_when_it_is_enabled_again(bench):
    home = true_joints(bench)
    bench.arm.enable()
    bench.arm.command(home + 0.05, 1.0)
    until(lambda: at(bench, home + 0.05) and bench.arm.read().gripper > 0.9)
    bench.arm.hold()
    elsewhere = home + ELSEWHERE
    with bench.hardware.placed():
        bench.world.reset(elsewhere, bench.robot.can_xy)
    until(lambda: at(bench, elsewhere) and not powered(bench))
    for _ in range(20):
        assert at(bench, elsewhere, 0.01)
        time.sleep(0.01)
    until(lambda: enabled(bench))
    for _ in range(20):
        assert at(bench, elsewhere, 0.01)
        assert bench.arm.read().gripper < 0.1
        time.sleep(0.01)
    bench.arm.command(elsewhere - 0.05, 0.0)
    until(lambda: at(bench, elsewhere - 0.05))


def powered(bench):
    values = bench.hardware.health()[2]
    return bool(values.get("servos_with_torque") or values.get("motors"))


def enabled(bench):
    """A Sawyer hears a little later that its motors were switched off, and only then can be told to switch them on."""
    bench.arm.enable()
    return powered(bench)


def test_a_world_whose_emulator_has_ended_is_told(bench):
    bench.hardware.close()
    with pytest.raises(ArmError, match="has ended"):
        bench.hardware.step()


def test_the_link_to_the_port_goes_with_the_hardware(tmp_path):
    link = tmp_path / "tty"
    link.symlink_to("/dev/pts/left_over")
    hardware = EmulatedServoBus(World(), str(link))
    assert link.readlink() == link.resolve()
    hardware.close()
    assert not link.is_symlink()


def test_a_file_is_never_replaced_by_the_link(tmp_path):
    file = tmp_path / "thesis"
    file.write_text("42")
    with pytest.raises(ConfigError, match="is not a link"):
        EmulatedServoBus(World(), str(file))
    assert file.read_text() == "42"


def test_a_link_that_cannot_be_made_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="name another path"):
        EmulatedServoBus(World(), str(tmp_path / "nowhere" / "tty"))
