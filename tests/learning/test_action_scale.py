import numpy as np
import pytest

from crl_learning.action_scale import ActionScale, action_statistics, range_half
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ContractError

LIMIT = np.array([0.05, 0.05, 0.05, 0.25, 0.25, 0.25, 1.0], dtype=np.float32)


def moving(rng) -> np.ndarray:
    return rng.uniform([-1] * 6 + [0], 1, (50, 7)).astype(np.float32) * LIMIT


def test_actions_are_scaled_by_the_limits_of_their_robot():
    half = range_half(SafetyLimits(max_step_m=0.02, max_step_rad=0.1))
    scale = ActionScale.from_actions(moving(np.random.default_rng(0)), half)
    np.testing.assert_allclose(scale.half_range, [0.02, 0.02, 0.02, 0.1, 0.1, 0.1, 0.5])


def test_the_largest_actions_of_the_contract_become_plus_and_minus_one():
    scale = ActionScale.from_actions(moving(np.random.default_rng(0)))
    assert scale.normalise(LIMIT) == pytest.approx(np.ones(7))
    assert scale.normalise([*-LIMIT[:6], 0.0]) == pytest.approx(-np.ones(7))


def test_normalising_and_back_is_the_same_action():
    actions = moving(np.random.default_rng(1))
    scale = ActionScale.from_actions(actions)
    assert scale.denormalise(scale.normalise(actions)) == pytest.approx(actions, abs=1e-7)
    assert ActionScale.from_dict(scale.to_dict()).to_dict() == scale.to_dict()


def test_an_entry_that_never_changed_comes_back_as_its_constant_whatever_the_network_says():
    actions = moving(np.random.default_rng(2))
    actions[:, 4], actions[:, 6] = 0.0, 0.7
    scale = ActionScale.from_actions(actions)
    assert scale.free.tolist() == [1, 1, 1, 1, 0, 1, 0]
    assert (scale.normalise(actions)[:, [4, 6]] == 0).all()
    assert scale.denormalise(np.ones(7))[[4, 6]] == pytest.approx([0.0, 0.7])


def test_a_recorded_action_beyond_the_limits_is_clipped():
    scale = ActionScale.from_actions(moving(np.random.default_rng(3)))
    assert scale.normalise(2 * LIMIT).max() == 1


def test_a_scale_that_is_not_finite_is_refused():
    with pytest.raises(ContractError, match="expected 7 finite numbers"):
        ActionScale(np.full(7, np.nan), np.ones(7))


def test_statistics_are_in_the_units_of_the_action():
    statistics = action_statistics(np.array([[0.01] * 7, [0.03] * 7], dtype=np.float32))
    assert statistics["dy"] == pytest.approx({"mean": 0.02, "std": 0.01, "min": 0.01, "max": 0.03})


def test_the_controls_of_an_environment_have_any_number_of_entries_and_are_not_scaled():
    actions = np.random.default_rng(4).uniform(-1, 1, (20, 5)).astype(np.float32)
    scale = ActionScale.of_controls(actions)
    np.testing.assert_allclose(scale.normalise(actions), actions)
    assert scale.denormalise(np.ones((2, 5))).shape == (2, 5)


def test_centre_and_range_of_different_lengths_are_refused():
    with pytest.raises(ContractError, match=r"half_range .* expected 5 finite numbers"):
        ActionScale(np.zeros(5), np.ones(4))
