import time

import numpy as np
import pytest

from crl_robot.emulators.servo_bus.line import EmulatedBus
from crl_robot.errors import ArmError, ConfigError
from crl_robot.widowx.settings import ServoArmSettings

OVERLOAD, OVERHEATED = 1 << 5, 1 << 2


def test_no_goal_leaves_the_limits_in_ten_thousand_random_commands(bench):
    """Half of them ask for too much and are refused whole."""
    arm, rng = bench.connect(), np.random.default_rng(0)
    refused = 0
    for _ in range(10_000):
        try:
            arm.command(rng.uniform(-1.2 * np.pi, 1.2 * np.pi, 6) * rng.choice([0.3, 1.0]), float(rng.uniform(-1, 2)))
        except ArmError:
            refused += 1
    bench.feed()
    assert 1000 < refused < 9900
    for servo_id, ticks in bench.goals:
        servo = bench.table.by_id(servo_id)
        assert servo.low <= ticks <= servo.high


def test_a_joint_beyond_its_limit_is_named_and_nothing_is_sent(bench):
    arm = bench.connect()
    before = bench.sent()[0]
    with pytest.raises(ArmError, match="joint 'elbow' would go to 2"):
        arm.command(np.array([0, 0, 2.0, 0, 0, 0]), 0.0)
    np.testing.assert_array_equal(bench.sent()[0], before)


def test_the_end_of_a_full_turn_can_be_commanded(bench):
    arm = bench.connect()
    goal = bench.start.copy()
    goal[0] = np.pi
    arm.command(goal, 0.0)
    assert bench.sent()[0][0] == pytest.approx(np.pi, abs=0.002)


def test_holding_again_does_not_follow_a_sagging_arm(bench):
    arm = bench.connect()
    arm.hold()
    first = bench.sent()[0]
    with bench.line.locked() as bus:
        bus.plant._q -= 0.05
    arm.hold()
    np.testing.assert_array_equal(bench.sent()[0], first)


def test_a_hold_keeps_the_goal_of_the_gripper_so_that_nothing_is_dropped(bench):
    arm = bench.connect()
    arm.command(bench.start, 0.0)
    bench.settle(0.04)
    arm.hold()
    assert bench.sent()[1] == pytest.approx(0.0, abs=0.01)
    assert arm.read().gripper > 0.05


def test_a_joint_that_stands_beyond_its_limit_is_held_at_the_limit(make_bench):
    bench = make_bench(torque=False)
    with bench.line.locked() as bus:
        bus.plant._q[1] = (3345 + 10 - 2048) * np.pi / 2048
    bench.line.advance(0.004)
    arm = bench.connect()
    assert bench.registers("goal_position")[2] == 3345
    arm.hold()


def test_a_joint_far_beyond_its_limit_is_not_enabled(make_bench):
    bench = make_bench(torque=False)
    with bench.line.locked() as bus:
        bus.plant._q[1] = (3345 + 200 - 2048) * np.pi / 2048
    bench.line.advance(0.004)
    with pytest.raises(ArmError, match=r"shoulder stands at .* by hand"):
        bench.connect()


def test_a_reading_is_stamped_when_the_servos_were_asked(bench):
    arm = bench.connect()
    before = time.time_ns()
    stamp = arm.read().stamp_ns
    assert before - 1_000_000 <= stamp <= time.time_ns()


def test_velocities_are_measured_in_rad_per_second(bench):
    arm = bench.connect()
    arm.command(bench.start + np.array([0.6, 0, 0, 0, 0, 0]), 0.0)
    bench.settle(0.12)
    assert arm.read().velocity[0] == pytest.approx(np.pi, rel=0.1)


def trip(bench):
    bench.line.advance(0.25)


def silence(arm):
    """What the driver sees when its loop has hung for long enough."""
    arm._bus.longest_silence_s = 1.0


def test_after_the_watchdog_tripped_goals_are_refused_until_it_is_cleared(bench):
    arm = bench.connect()
    arm.command(bench.other, 0.0)
    bench.settle(0.06)
    trip(bench)
    silence(arm)
    stopped = bench.joints()
    before = list(bench.goals)
    with pytest.raises(ArmError, match=r"watchdog of .* has tripped.*clear_watchdog"):
        arm.command(bench.other, 0.0)
    arm.hold()
    with pytest.raises(ArmError, match="tripped"):
        arm.command(bench.other, 0.0)
    with pytest.raises(ArmError, match="tripped"):
        arm.enable()
    bench.settle(0.5)
    assert bench.goals == before
    np.testing.assert_allclose(bench.joints(), stopped, atol=0.02)
    assert arm.watchdog == "tripped"


def test_clearing_the_watchdog_does_not_let_the_arm_go_on_to_its_old_goal(bench):
    """The emulated servos do the worst that real ones could: they resume the old goal."""
    arm = bench.connect()
    arm.command(bench.other, 0.0)
    bench.settle(0.06)
    trip(bench)
    silence(arm)
    with pytest.raises(ArmError):
        arm.command(bench.other, 0.0)
    stopped = bench.joints()
    arm.clear_watchdog()
    bench.settle(0.5)
    np.testing.assert_allclose(bench.joints(), stopped, atol=0.02)
    assert arm.watchdog == "armed"
    arm.command(bench.other, 0.0)
    bench.settle(1.0)
    np.testing.assert_allclose(bench.joints(), bench.other, atol=bench.tolerance_rad)


def test_a_hold_that_the_tripped_servos_refuse_is_understood(bench):
    arm = bench.connect()
    arm.command(bench.start + np.array([2.0, 0, 0, 0, 0, 0]), 0.0)
    bench.settle(0.04)
    trip(bench)
    arm.hold()
    assert arm.watchdog == "tripped"


def test_a_watchdog_that_tripped_before_is_seen_on_connecting(bench):
    first = bench.connect()
    trip(bench)
    first._bus.close()
    arm = bench.open()
    assert arm.watchdog == "tripped"
    with pytest.raises(ArmError, match="clear_watchdog"):
        arm.enable()
    arm.clear_watchdog()
    arm.command(bench.start, 0.0)


def test_a_loop_that_reads_keeps_the_watchdog_fed(bench):
    arm = bench.connect()
    bench.settle(1.0)
    assert set(bench.registers("bus_watchdog").values()) == {10}
    assert arm.watchdog == "armed"


@pytest.mark.parametrize(
    ("bits", "words"), [(OVERLOAD, "overloaded: free the joint"), (OVERHEATED, "overheated"), (0x80, "unknown error")]
)
def test_a_hardware_error_refuses_commands_in_words_and_still_reads(bench, bits, words):
    arm = bench.connect()
    with bench.line.locked() as bus:
        bus.servos[4].fail(bits)
    arm.read()
    with pytest.raises(ArmError, match=rf"elbow.*{words}"):
        arm.command(bench.start, 0.0)


def test_the_others_are_held_when_a_servo_without_torque_ignores_its_goal(bench):
    arm = bench.connect()
    arm.command(bench.other, 0.0)
    bench.settle(0.04)
    with bench.line.locked() as bus:
        object.__setattr__(bus.servos[4].spec, "goal_without_torque", "ignored")
        bus.servos[4].fail(OVERLOAD)
    arm.hold()
    held = np.delete(bench.sent()[0], 2)
    assert np.abs(held - np.delete(bench.other, 2)).max() > 0.05


def test_one_motor_is_rebooted_while_the_others_hold(bench):
    bench.line.close()
    bench.line = EmulatedBus(bench.bus)  # a reboot is waited for on the real clock
    arm = bench.connect(ServoArmSettings(answer_s=0.05, watchdog_s=2.5))
    with bench.line.locked() as bus:
        bus.servos[7].fail(OVERLOAD)
    arm.read()
    assert not bench.registers("torque_enable")[7]
    arm.reboot("wrist_angle")
    assert all(bench.registers("torque_enable").values())
    assert set(bench.registers("bus_watchdog").values()) == {125}
    assert set(bench.registers("profile_velocity").values()) == {131}
    still = np.delete(bench.joints() - bench.start, 4)
    np.testing.assert_allclose(still, 0.0, atol=bench.tolerance_rad)
    arm.command(bench.start, 0.0)


def test_a_servo_that_lost_its_power_for_a_moment_is_noticed(bench):
    arm = bench.connect()
    with bench.line.locked() as bus:
        bus.servos[6].reboot()
        bus.servos[6].advance(1.0)
    arm._guard._torque_seen_s = 0.0
    with pytest.raises(ArmError, match="torque of forearm_roll went off by itself"):
        arm.command(bench.start, 0.0)


def test_torque_that_went_off_names_the_fault_that_became_known_with_the_same_answers(bench, monkeypatch):
    """A servo that failed between two exchanges was once reported as one without supply."""
    arm = bench.connect()
    asked = []

    def errors():
        asked.append(type(arm._group).errors(arm._group))
        if len(asked) == 1:
            with bench.line.locked() as bus:
                bus.servos[6].fail(1 << 4)
        return asked[-1]

    monkeypatch.setattr(arm._group, "errors", errors)
    arm._guard._torque_seen_s = 0.0
    with pytest.raises(ArmError, match=r"forearm_roll \(ID 6\) electrical shock"):
        arm.command(bench.start, 0.0)


def test_releasing_needs_somebody_who_holds_the_arm(bench):
    arm = bench.connect()
    with pytest.raises(ArmError, match="the arm falls"):
        arm.release(supported=False)
    assert all(bench.registers("torque_enable").values())
    arm.release(supported=True)
    assert not any(bench.registers("torque_enable").values())
    assert not arm.enabled
    arm.read()
    arm.enable()
    assert all(bench.registers("torque_enable").values())


def test_rebooting_an_unknown_motor_names_the_nearest(bench):
    with pytest.raises(ConfigError, match="did you mean 'elbow'"):
        bench.open().reboot("elbo")


def test_health_is_in_units_a_person_reads(bench):
    arm = bench.connect()
    with bench.line.locked() as bus:
        bus.servos[2].temperature, bus.servos[2].voltage = 61, 118
    bench.settle(0.02)
    health = {h.name: h for h in arm.health()}
    assert (health["shoulder"].temperature_c, health["shoulder"].voltage_v) == (61, 11.8)
    assert health["shoulder"].current_a is not None
    assert health["shoulder"].load is None
    assert health["gripper"].current_a is None, "an XL430 does not measure its current"
    assert health["gripper"].load is not None
    assert health["elbow"].errors == ()


def test_the_health_of_all_servos_takes_one_exchange_while_none_has_raised_an_alert(bench, monkeypatch):
    """It is asked for between two ticks of a loop that must not wait."""
    arm = bench.connect()
    instructions, handle = [], bench.bus.handle
    monkeypatch.setattr(bench.bus, "handle", lambda packet: instructions.append(packet) or handle(packet))
    arm.diagnostics()
    assert len(instructions) == 1
