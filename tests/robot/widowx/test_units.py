import math

import numpy as np
import pytest

from crl_robot import gripper
from crl_robot.errors import ConfigError, ContractError
from crl_robot.widowx.units import (
    SPEED_UNIT,
    Linkage,
    radians_from_ticks,
    ticks_from_radians,
)

WIDOWX = Linkage(0.014, 0.024, 0.015, 0.037)
VIPERX = Linkage(0.022, 0.036, 0.021, 0.057)


@pytest.mark.parametrize(("tick", "degrees"), [(0, -180), (2048, 0), (819, -108), (3345, 114), (648, -123), (3094, 92)])
def test_ticks_are_the_angles_of_the_data_sheet(tick, degrees):
    assert math.degrees(radians_from_ticks(tick)) == pytest.approx(degrees, abs=0.1)


def test_ticks_and_radians_are_inverse():
    for tick in range(0, 4096, 37):
        assert ticks_from_radians(radians_from_ticks(tick)) == tick


def test_the_velocity_limit_of_the_vendor_is_half_a_turn_a_second():
    assert pytest.approx(math.pi, rel=1e-3) == 131 * SPEED_UNIT


@pytest.mark.parametrize(
    ("finger", "angle", "tick"),
    [
        (0.010, -1.5708, 1024),
        (0.015, -0.378, 1802),
        (0.0195, 0.0, 2048),
        (0.022, 0.170, 2159),
        (0.035, 1.040, 2726),
        (0.037, 1.268, 2875),
    ],
)
def test_the_linkage_gives_the_known_pairs(finger, angle, tick):
    assert WIDOWX.angle_from_finger(finger) == pytest.approx(angle, abs=2e-3)
    assert ticks_from_radians(WIDOWX.angle_from_finger(finger)) == pytest.approx(tick, abs=1)


@pytest.mark.parametrize("linkage", [WIDOWX, VIPERX])
def test_the_linkage_round_trips(linkage):
    for angle in np.linspace(-1.5, 1.5, 31):
        assert linkage.angle_from_finger(linkage.finger_from_angle(angle)) == pytest.approx(angle, abs=1e-9)
    for opening in np.linspace(0, 1, 21):
        assert linkage.opening_from_ticks(linkage.ticks_from_opening(opening)) == pytest.approx(opening, abs=3e-3)


def test_the_linkage_is_that_of_the_simulated_gripper():
    for angle in np.linspace(-1.5, 1.5, 31):
        assert WIDOWX.finger_from_angle(angle) == gripper.finger_from_angle(angle)


def test_openings_beyond_the_ends_are_the_ends():
    assert WIDOWX.ticks_from_opening(1.7) == WIDOWX.ticks_from_opening(1.0)
    assert WIDOWX.opening_from_ticks(0) == 0.0
    assert WIDOWX.opening_from_ticks(4095) == 1.0


def test_what_the_linkage_cannot_reach_is_refused():
    with pytest.raises(ContractError, match=r"0\.0100 to 0\.0380"):
        WIDOWX.angle_from_finger(0.05)
    with pytest.raises(ContractError, match="turns over"):
        WIDOWX.finger_from_angle(2.0)
    with pytest.raises(ConfigError, match="can reach"):
        Linkage(0.014, 0.024, 0.005, 0.037)
