import logging

import numpy as np
import pytest

from crl_robot.errors import ArmError
from crl_robot.widowx.settings import ServoArmSettings
from crl_robot.widowx.units import RAD_PER_TICK


@pytest.mark.parametrize(("drop", "corrupt"), [(0.003, 0.0), (0.0, 0.003), (0.01, 0.01)])
def test_damaged_answers_are_repeated_or_an_error_but_never_a_wrong_number(bench, drop, corrupt):
    arm = bench.connect()
    with bench.line.locked() as bus:
        bus.faults.drop, bus.faults.corrupt = drop, corrupt
    arm._bus._port._port.setPacketTimeout = _short(arm._bus._port._port)
    read = failed = 0
    for _ in range(150):
        try:
            position = arm.read().position
        except ArmError:
            failed += 1
            continue
        read += 1
        np.testing.assert_allclose(position, bench.start, atol=2 * RAD_PER_TICK)
    assert read > 0
    assert arm.counts["retried"] > 5
    with bench.line.locked() as bus:
        bus.faults.drop = bus.faults.corrupt = 0.0


def _short(port):
    """Waits 10 ms for answers that were damaged on purpose."""

    def set_packet_timeout(_):
        port.packet_start_time, port.packet_timeout = port.getCurrentTime(), 10.0

    return set_packet_timeout


def test_a_late_answer_is_not_taken_for_the_next_one(bench):
    arm, rng = bench.open(ServoArmSettings(answer_s=0.006)), np.random.default_rng(0)
    read = 0
    for step in range(80):
        wanted = bench.start + rng.uniform(-0.5, 0.5, 6)
        with bench.line.locked() as bus:
            bus.faults.delay_s = (0.0, 0.008, 0.015, 0.0)[step % 4]
            for servo in bus.servos.values():
                if servo.spec.joint < 6:
                    servo.sense(float(wanted[servo.spec.joint]), 0.0)
        try:
            position = arm.read().position
        except ArmError:
            continue
        read += 1
        np.testing.assert_allclose(position, wanted, atol=2 * RAD_PER_TICK)
    assert read > 5
    assert arm.counts["stale"] > 5


def test_a_pulled_servo_cable_is_an_error_and_the_arm_comes_back_with_it(bench):
    arm = bench.connect(ServoArmSettings(answer_s=0.05, watchdog_s=0.2))
    with bench.line.locked() as bus:
        bus.faults.pulled = True
    with pytest.raises(ArmError, match=r"failed 3 times.*12 V supply"):
        arm.read()
    with pytest.raises(ArmError):
        arm.hold()
    with bench.line.locked() as bus:
        bus.faults.pulled = False
    arm.read()
    arm.command(bench.other, 0.0)


def test_one_servo_that_goes_missing_is_named(bench):
    arm = bench.connect(ServoArmSettings(answer_s=0.05, watchdog_s=0.2))
    with bench.line.locked() as bus:
        bus.faults.missing.add(8)
    with pytest.raises(ArmError, match="ID 8: no answer"):
        arm.read()


def test_an_unplugged_adapter_is_an_error_and_closing_still_works(bench, caplog):
    arm = bench.connect()
    bench.line.unplug()
    for call in (arm.read, arm.hold, lambda: arm.command(bench.start, 0.0)):
        with pytest.raises(ArmError, match=r"USB cable|no answer|failed"):
            call()
    with caplog.at_level(logging.WARNING):
        arm.close()
    assert "could not be told to hold" in caplog.text
    arm.close()


def test_a_lost_hold_is_sent_again(bench):
    """A sync write is not confirmed by anybody, so a hold reads the goals back."""
    arm = bench.connect()
    arm.command(bench.other, 0.0)
    bench.settle(0.06)
    sent, lost = arm._group.send, []

    def lose_the_first(goals):
        if lost:
            sent(goals)
        lost.append(goals)

    arm._group.send = lose_the_first
    arm.hold()
    assert len(lost) == 2
    bench.settle(0.5)
    assert np.abs(bench.joints() - bench.other).max() > 0.05
