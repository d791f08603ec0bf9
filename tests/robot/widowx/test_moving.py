import numpy as np
import pytest

from crl_robot.errors import ArmError
from crl_robot.schedule import Schedule
from crl_robot.widowx.moving import PERIOD_S, move_to


def schedule(bench):
    """Ticks of the emulated bus's own time."""
    return Schedule(PERIOD_S, clock=lambda: bench.line._clock(), sleep=bench.line.advance)


def test_a_move_ends_where_it_should_at_the_speed_that_was_asked_for(bench):
    arm, speeds = bench.connect(), []
    real_read = arm.read

    def read():
        reading = real_read()
        speeds.append(np.abs(reading.velocity).max())
        return reading

    arm.read = read
    move_to(arm, bench.other, 1.0, 0.4, schedule(bench))
    np.testing.assert_allclose(bench.joints(), bench.other, atol=bench.tolerance_rad)
    assert real_read().gripper == pytest.approx(1.0, abs=0.05)
    assert max(speeds) < 0.6


def test_something_in_the_way_ends_the_move_with_a_hold(bench):
    arm = bench.connect()
    with bench.line.locked() as bus:
        advance = bus.plant.advance

        def blocked(dt, set_points):
            advance(dt, set_points)
            bus.plant._q[2] = bench.start[2]

        bus.plant.advance = blocked
    goal = bench.start - np.array([0, 0, 1.0, 0, 0, 0])
    with pytest.raises(ArmError, match=r"'elbow' is .* behind"):
        move_to(arm, goal, 0.0, 0.5, schedule(bench))
    assert bench.sent()[0][2] == pytest.approx(bench.start[2], abs=0.01), "it holds where it is"
