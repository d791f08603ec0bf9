import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from crl_robot.errors import ArmError, ConfigError
from crl_robot.widowx.servo_table import load_servo_table
from crl_robot.widowx.settings import ServoArmSettings

QUIET = ("torque_enable", "goal_position", "profile_velocity", "bus_watchdog", "drive_mode", "goal_pwm")


@pytest.mark.parametrize("torque", [True, False])
def test_connecting_writes_nothing(make_bench, torque):
    bench = make_bench(torque=torque)
    before = {name: bench.registers(name) for name in QUIET}
    arm = bench.open()
    assert not arm.enabled
    assert {name: bench.registers(name) for name in QUIET} == before
    assert bench.goals == []


def test_an_arm_that_stands_under_torque_does_not_drop(bench):
    arm = bench.open()
    bench.settle(0.5)
    arm.close()
    bench.settle(0.5)
    np.testing.assert_allclose(bench.joints(), bench.start, atol=bench.tolerance_rad)


@pytest.mark.parametrize("goal_without_torque", ["kept", "ignored"])
def test_enabling_moves_no_joint_by_more_than_a_hair(make_bench, goal_without_torque):
    bench = make_bench(torque=False)
    with bench.line.locked() as bus:
        for servo in bus.servos.values():
            object.__setattr__(servo.spec, "goal_without_torque", goal_without_torque)
            servo.memory["goal_position"] = 2600
    arm = bench.connect()
    bench.settle(0.3)
    np.testing.assert_allclose(bench.joints(), bench.start, atol=0.01)
    assert all(bench.registers("torque_enable").values())
    assert arm.enabled


def test_enabling_sets_profiles_force_and_watchdog(bench):
    arm = bench.connect()
    assert set(bench.registers("profile_velocity").values()) == {131}
    assert bench.registers("goal_pwm")[9] == round(0.4 * 885)
    assert set(bench.registers("bus_watchdog").values()) == {10}
    assert arm.watchdog == "armed"


def test_commands_before_enabling_are_refused(bench):
    arm = bench.open()
    with pytest.raises(ArmError, match="call enable"):
        arm.command(bench.start, 0.0)
    arm.hold()
    assert bench.goals == []


def test_old_firmware_is_driven_without_watchdog(make_bench):
    bench = make_bench(firmware=37)
    arm = bench.connect()
    assert arm.watchdog == "off"
    arm.command(bench.other, 0.0)
    assert set(bench.registers("bus_watchdog").values()) == {0}


def test_closing_leaves_the_torque_on_and_the_watchdog_off(bench):
    bench.connect().close()
    bench.line.advance(2.0)
    assert all(bench.registers("torque_enable").values())
    assert set(bench.registers("bus_watchdog").values()) == {0}
    np.testing.assert_allclose(bench.joints(), bench.start, atol=bench.tolerance_rad)


def test_a_missing_servo_is_named(bench):
    with bench.line.locked() as bus:
        bus.faults.missing.add(7)
    with pytest.raises(ArmError, match=r"wrist_angle \(ID 7\)"):
        bench.open(ServoArmSettings(answer_s=0.01, retries=1))


def test_another_arm_is_refused_by_its_models(make_bench):
    bench = make_bench(torque=False)
    bench.table = load_servo_table("vx300s")
    with pytest.raises(ArmError, match=r"model 1020, expected 1120 \(XM540-W270\)"):
        bench.open()


def test_a_port_that_is_not_there_is_refused_with_advice(bench):
    bench.line.path = "/dev/ttyNOTHERE"
    with pytest.raises(ArmError, match="plugged in"):
        bench.open()


def test_a_file_is_no_port(bench, tmp_path):
    (tmp_path / "file").write_text("x")
    bench.line.path = str(tmp_path / "file")
    with pytest.raises(ArmError, match="serial port"):
        bench.open()


def test_the_port_is_refused_to_another_process_too(bench):
    bench.open()
    code = (
        "import sys; from crl_robot.widowx.arm import WidowXArm; "
        "from crl_robot.widowx.servo_table import load_servo_table; "
        "WidowXArm(sys.argv[1], load_servo_table('wx250s'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, bench.line.path], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "already in use" in done.stderr


def test_no_descriptor_is_left_behind_by_refused_connections(bench):
    with bench.line.locked() as bus:
        bus.faults.missing.update(range(1, 10))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(2):
        with pytest.raises(ArmError):
            bench.open(ServoArmSettings(answer_s=0.002, retries=0))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    ("servo_id", "register", "value"),
    [(4, "drive_mode", 1), (2, "operating_mode", 4), (3, "secondary_id", 255), (7, "max_position", 3000)],
)
def test_a_servo_set_up_otherwise_is_named_and_not_enabled(make_bench, servo_id, register, value):
    bench = make_bench(torque=False)
    bench.set_registers([servo_id], **{register: value})
    arm = bench.open()
    assert [(d.servo.servo_id, d.register.name, d.found) for d in arm.differences] == [(servo_id, register, value)]
    with pytest.raises(ArmError, match=f"{register} {value}.*--write-eeprom"):
        arm.enable()
    assert not any(bench.registers("torque_enable").values())
    assert bench.registers(register)[servo_id] == value, "nothing is written without being asked"


def test_eeprom_is_written_where_it_differs_and_only_there(make_bench):
    bench = make_bench(torque=False)
    bench.set_registers([4], operating_mode=4, return_delay=250)
    bench.set_registers([7], drive_mode=5)  # reversed and timed: the second is the user's choice
    arm = bench.open()
    written = arm.write_eeprom()
    assert sorted((d.servo.servo_id, d.register.name) for d in written) == [(4, "operating_mode"), (4, "return_delay")]
    assert bench.registers("operating_mode")[4] == 3
    assert bench.registers("drive_mode")[7] == 5
    assert arm.differences == []


def test_eeprom_is_not_written_under_torque(bench):
    bench.set_registers([4], return_delay=250)
    with pytest.raises(ArmError, match="release it"):
        bench.open().write_eeprom()
    assert bench.registers("return_delay")[4] == 250


def test_two_servos_that_would_fight_are_not_enabled(make_bench):
    bench = make_bench(torque=False)
    bench.set_registers([3], homing_offset=100)
    bench.line.advance(0.01)
    with pytest.raises(ArmError, match=r"shoulder_shadow reads .* the two would fight"):
        bench.connect()
    assert not any(bench.registers("torque_enable").values())


@pytest.mark.parametrize(
    "wrong", [{"watchdog_s": 3.0}, {"gripper_force": 0}, {"speed_limit": -1}, {"answer_s": 0}, {"retries": -1}]
)
def test_settings_that_cannot_be_used_are_refused(wrong):
    with pytest.raises(ConfigError, match="expected"):
        ServoArmSettings(**wrong)


@pytest.mark.parametrize("name", ["wx200", "wx250", "vx300s"])
def test_the_other_arms_are_driven_by_their_tables(name, make_bench):
    bench = make_bench(table=load_servo_table(name))
    arm = bench.connect()
    goal = arm.read().position + 0.1
    arm.command(goal, 1.0)
    bench.settle(1.0)
    np.testing.assert_allclose(arm.read().position, goal, atol=bench.tolerance_rad)
    assert arm.read().gripper == pytest.approx(1.0, abs=0.02)
