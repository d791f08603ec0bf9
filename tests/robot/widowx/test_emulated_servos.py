"""The emulated servos by themselves: no port, no driver, time by hand."""

import numpy as np
import pytest

from crl_robot.emulators.servo_bus.bus import ServoBus
from crl_robot.emulators.servo_bus.packets import BROADCAST, Instruction, Packet, StatusError
from crl_robot.emulators.servo_bus.plant import SimplePlant
from crl_robot.emulators.servo_bus.registers import REGISTERS
from crl_robot.emulators.servo_bus.servo import REBOOT_S, ServoSpec

LIMITS = {"min_position": 1000, "max_position": 3000}


def make(**options):
    specs = [
        ServoSpec(1, "XM430-W350", 0, registers=dict(LIMITS), **options),
        ServoSpec(
            2,
            "XM430-W350",
            0,
            mounted_reverse=True,
            registers={"drive_mode": 1, "secondary_id": 1, **LIMITS},
            **options,
        ),
        ServoSpec(3, "XL430-W250", 1, registers=dict(LIMITS)),
    ]
    return ServoBus(specs, SimplePlant([0.0, 0.0], fall_rad_s=1.0))


@pytest.fixture
def bus():
    return make()


def ask(bus, servo_id, instruction, parameters=b""):
    return bus.handle(Packet(servo_id, instruction, parameters))


def write(bus, servo_id, name, value):
    """Error byte of the answer, None without one."""
    register = REGISTERS[name]
    data = register.address.to_bytes(2, "little") + (value & (1 << 8 * register.size) - 1).to_bytes(
        register.size, "little"
    )
    answers = ask(bus, servo_id, Instruction.WRITE, data)
    return answers[0][8] if answers else None


def read(bus, servo_id, name):
    return bus.servos[servo_id].memory[name]


def enable(bus):
    for servo_id in bus.servos:
        assert write(bus, servo_id, "torque_enable", 1) == 0


def test_a_servo_goes_to_its_goal(bus):
    enable(bus)
    assert write(bus, 3, "goal_position", 2500) == 0
    bus.advance(1.0)
    assert read(bus, 3, "present_position") == pytest.approx(2500, abs=2)


def test_a_shadow_obeys_what_its_partner_is_told_and_keeps_silent(bus):
    enable(bus)
    answers = ask(bus, 1, Instruction.WRITE, (116).to_bytes(2, "little") + (2300).to_bytes(4, "little"))
    assert len(answers) == 1
    bus.advance(1.0)
    assert read(bus, 2, "goal_position") == 2300
    assert read(bus, 1, "present_position") == read(bus, 2, "present_position") == pytest.approx(2300, abs=2)


def test_two_servos_of_one_joint_that_disagree_meet_in_the_middle_under_load(bus):
    enable(bus)
    write(bus, 1, "goal_position", 2300)
    write(bus, 2, "goal_position", 2100)
    bus.advance(1.0)
    assert read(bus, 1, "present_position") == pytest.approx(2200, abs=2)
    assert abs(read(bus, 1, "present_current")) > 100


def test_without_torque_goals_move_nothing_and_the_joint_falls(bus):
    write(bus, 3, "goal_position", 2500)
    bus.advance(0.1)
    assert read(bus, 3, "present_position") < 2048


@pytest.mark.parametrize(("kept", "end"), [("kept", 2200), ("ignored", 2048)])
def test_a_goal_written_without_torque_is_kept_or_ignored_as_the_servo_was_made(kept, end):
    bus = make(goal_without_torque=kept)
    write(bus, 1, "goal_position", 2200)
    write(bus, 1, "torque_enable", 1)
    bus.advance(1.0)
    assert read(bus, 1, "present_position") == pytest.approx(end, abs=2)


def test_eeprom_is_closed_while_torque_is_on(bus):
    assert write(bus, 3, "return_delay", 5) == 0
    write(bus, 3, "torque_enable", 1)
    assert write(bus, 3, "return_delay", 7) == StatusError.ACCESS
    assert read(bus, 3, "return_delay") == 5


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("present_position", 0, StatusError.ACCESS),
        ("goal_current", 10, StatusError.ACCESS),
        ("goal_position", 3001, StatusError.DATA_LIMIT),
        ("goal_position", -1, StatusError.DATA_LIMIT),
        ("operating_mode", 5, StatusError.DATA_RANGE),
        ("torque_enable", 2, StatusError.DATA_RANGE),
        ("bus_watchdog", 200, StatusError.DATA_RANGE),
        ("goal_pwm", 900, StatusError.DATA_LIMIT),
    ],
)
def test_what_an_xl430_refuses(bus, name, value, error):
    assert write(bus, 3, name, value) == error


def test_half_a_register_is_refused(bus):
    assert ask(bus, 3, Instruction.WRITE, (117).to_bytes(2, "little") + b"\x01\x00")[0][8] == StatusError.DATA_LENGTH


def test_the_velocity_of_a_profile_is_kept(bus):
    enable(bus)
    write(bus, 3, "profile_velocity", 20)  # 20 * 0.229 rev/min = 312.7 ticks/s
    write(bus, 3, "goal_position", 3000)
    bus.advance(1.0)
    assert read(bus, 3, "present_position") == pytest.approx(2048 + 312.7, abs=10)
    assert read(bus, 3, "present_velocity") == pytest.approx(20, abs=1)


def test_the_acceleration_of_a_profile_is_kept(bus):
    enable(bus)
    write(bus, 3, "profile_velocity", 100)
    write(bus, 3, "profile_acceleration", 2)  # 488 ticks/s^2
    write(bus, 3, "goal_position", 3000)
    bus.advance(1.0)
    assert read(bus, 3, "present_position") == pytest.approx(2048 + 488 / 2, abs=15)


def test_a_timed_profile_takes_its_time():
    bus = make()
    write(bus, 3, "drive_mode", 4)
    enable(bus)
    write(bus, 3, "profile_velocity", 1000)
    write(bus, 3, "profile_acceleration", 300)
    write(bus, 3, "goal_position", 2848)
    bus.advance(0.5)
    assert read(bus, 3, "present_position") == pytest.approx(2448, abs=40)
    bus.advance(0.6)
    assert read(bus, 3, "present_position") == pytest.approx(2848, abs=2)


def test_the_watchdog_stops_the_servo_and_closes_its_goals(bus):
    enable(bus)
    write(bus, 3, "profile_velocity", 20)
    write(bus, 3, "goal_position", 3000)
    write(bus, 3, "bus_watchdog", 5)
    bus.advance(0.09)
    assert read(bus, 3, "bus_watchdog") == 5
    bus.advance(0.03)
    assert read(bus, 3, "bus_watchdog") == 0xFF
    stopped = read(bus, 3, "present_position")
    bus.advance(0.5)
    assert read(bus, 3, "present_position") == pytest.approx(stopped, abs=10)
    assert write(bus, 3, "goal_position", 2100) == StatusError.DATA_RANGE
    assert write(bus, 3, "bus_watchdog", 0) == 0
    assert write(bus, 3, "goal_position", 2100) == 0


def test_any_instruction_on_the_bus_feeds_the_watchdog(bus):
    enable(bus)
    write(bus, 3, "bus_watchdog", 5)
    for _ in range(10):
        bus.advance(0.08)
        ask(bus, 1, Instruction.PING)
    assert read(bus, 3, "bus_watchdog") == 5


def test_without_torque_the_watchdog_sleeps(bus):
    write(bus, 3, "bus_watchdog", 5)
    bus.advance(1.0)
    assert read(bus, 3, "bus_watchdog") == 5


def test_old_firmware_has_no_watchdog():
    bus = ServoBus([ServoSpec(1, "XM430-W350", 0)], SimplePlant([0.0]), firmware=37)
    assert write(bus, 1, "bus_watchdog", 5) == StatusError.ACCESS


def test_an_overloaded_servo_loses_its_torque_and_raises_the_alert_until_it_is_rebooted(bus):
    enable(bus)
    bus.servos[3].fail(1 << 5)
    assert not bus.servos[3].torque
    answer = ask(bus, 3, Instruction.PING)[0]
    assert answer[8] & 0x80
    assert write(bus, 3, "torque_enable", 1) & 0x7F == StatusError.RESULT
    ask(bus, 3, Instruction.REBOOT)
    assert ask(bus, 3, Instruction.PING) == []
    bus.advance(REBOOT_S + 0.01)
    assert ask(bus, 3, Instruction.PING)[0][8] == 0
    assert write(bus, 3, "torque_enable", 1) == 0


def test_too_hot_a_servo_shuts_down(bus):
    enable(bus)
    bus.servos[3].temperature = 85
    bus.advance(0.01)
    assert read(bus, 3, "hardware_error") == 1 << 2
    assert not bus.servos[3].torque


def test_too_little_voltage_raises_the_alert_and_keeps_the_torque(bus):
    enable(bus)
    bus.servos[3].voltage = 80
    bus.advance(0.01)
    assert read(bus, 3, "hardware_error") == 1
    assert bus.servos[3].torque


def test_behind_a_missing_servo_a_sync_read_stays_silent(bus):
    request = (132).to_bytes(2, "little") + (4).to_bytes(2, "little") + bytes([1, 2, 3])
    assert [a[4] for a in ask(bus, BROADCAST, Instruction.SYNC_READ, request)] == [1, 2, 3]
    bus.faults.missing.add(2)
    assert [a[4] for a in ask(bus, BROADCAST, Instruction.SYNC_READ, request)] == [1]


def test_sync_and_bulk_writes_reach_every_servo_that_is_named(bus):
    goals = b"".join(bytes([i]) + (2000 + i).to_bytes(4, "little") for i in (1, 3))
    assert ask(bus, BROADCAST, Instruction.SYNC_WRITE, b"\x74\x00\x04\x00" + goals) == []
    assert (read(bus, 1, "goal_position"), read(bus, 3, "goal_position")) == (2001, 2003)
    bulk = bytes([1, 65, 0, 1, 0, 1]) + bytes([3, 116, 0, 4, 0]) + (2222).to_bytes(4, "little")
    ask(bus, BROADCAST, Instruction.BULK_WRITE, bulk)
    assert (read(bus, 1, "led"), read(bus, 3, "goal_position")) == (1, 2222)


def test_registered_writes_wait_for_the_action(bus):
    data = (116).to_bytes(2, "little") + (2300).to_bytes(4, "little")
    ask(bus, 3, Instruction.REG_WRITE, data)
    assert read(bus, 3, "goal_position") == 2048
    ask(bus, BROADCAST, Instruction.ACTION)
    assert read(bus, 3, "goal_position") == 2300


def test_a_damaged_or_unknown_instruction_changes_nothing(bus):
    damaged = Packet(3, Instruction.WRITE, b"\x40\x00\x01", intact=False)
    assert bus.handle(damaged)[0][8] == StatusError.CRC
    assert read(bus, 3, "torque_enable") == 0
    assert ask(bus, 3, 0x66)[0][8] == StatusError.INSTRUCTION


def test_the_status_return_level_silences_answers(bus):
    write(bus, 3, "status_return", 1)
    assert write(bus, 3, "led", 1) is None
    assert len(ask(bus, 3, Instruction.READ, b"\x41\x00\x01\x00")) == 1
    write(bus, 3, "status_return", 0)
    assert ask(bus, 3, Instruction.READ, b"\x41\x00\x01\x00") == []
    assert len(ask(bus, 3, Instruction.PING)) == 1


def test_a_wrong_drive_mode_turns_the_count_round(bus):
    enable(bus)
    write(bus, 3, "goal_position", 2500)
    bus.advance(1.0)
    write(bus, 3, "torque_enable", 0)
    write(bus, 3, "drive_mode", 1)
    bus.servos[3].sense(*(float(v[1]) for v in bus.plant.joints()))
    assert read(bus, 3, "present_position") == pytest.approx(2048 - 452, abs=3)


def test_positions_are_those_of_the_plant(bus):
    for tick in np.linspace(1100, 2900, 7).round().astype(int).tolist():
        bus.servos[3].sense((tick - 2048) * np.pi / 2048, 0.0)
        assert read(bus, 3, "present_position") == tick
