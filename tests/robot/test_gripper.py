import numpy as np
import pytest

from crl_robot.errors import ContractError
from crl_robot.gripper import angle_from_finger, finger_from_angle, finger_from_opening, opening_from_finger


@pytest.mark.parametrize(
    ("finger_m", "angle"),
    [(0.010, -1.5707), (0.015, -0.378), (0.0195, 0.0), (0.022, 0.170), (0.035, 1.040), (0.037, 1.268)],
)
def test_the_linkage_meets_the_published_points(finger_m, angle):
    assert angle_from_finger(finger_m) == pytest.approx(angle, abs=2e-3)
    assert finger_from_angle(angle) == pytest.approx(finger_m, abs=2e-5)


def test_angle_to_finger_and_back_is_the_identity():
    for angle in np.linspace(-1.5, 1.5, 61):
        assert angle_from_finger(finger_from_angle(angle)) == pytest.approx(angle, abs=1e-9)


def test_opening_to_finger_and_back_is_the_identity_and_is_clipped():
    for opening in np.linspace(0.0, 1.0, 11):
        assert opening_from_finger(finger_from_opening(opening)) == pytest.approx(opening)
    assert finger_from_opening(-1.0) == finger_from_opening(0.0)
    assert opening_from_finger(1.0) == 1.0


@pytest.mark.parametrize("finger_m", [0.0, 0.05, float("nan")])
def test_a_finger_position_beyond_the_linkage_is_refused(finger_m):
    with pytest.raises(ContractError, match=r"expected 0\.010 to 0\.038"):
        angle_from_finger(finger_m)


def test_an_angle_beyond_the_dead_centre_is_refused():
    with pytest.raises(ContractError, match="turns over"):
        finger_from_angle(2.0)
