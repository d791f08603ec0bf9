import math

import numpy as np
import pytest

from crl_learning.sim_to_real import MIN_TRIALS, PolicyPair, mmrv, pearson, predict
from crl_robot.errors import ContractError


def pair(name: str, sim: float, real: float, trials: int = 50) -> PolicyPair:
    sides = [tuple(index < round(share * trials) for index in range(trials)) for share in (sim, real)]
    return PolicyPair(name, *sides)


def shares(*values: float) -> np.ndarray:
    return np.array(values)


def test_r_is_one_on_any_rising_line_and_the_textbook_value_elsewhere():
    sim, real = shares(0.1, 0.4, 0.5, 0.9), shares(0.3, 0.2, 0.8, 0.6)
    assert pearson(sim, 0.5 * sim + 0.1) == pytest.approx(1)
    assert pearson(sim, 1 - sim) == pytest.approx(-1)
    assert pearson(sim, real) == pytest.approx(np.corrcoef(sim, real)[0, 1])


@pytest.mark.parametrize(("sim", "real"), [((0.5,), (0.5,)), ((0.5, 0.5), (0.1, 0.9)), ((0.1, 0.9), (1.0, 1.0))])
def test_r_is_undefined_where_a_side_never_differs(sim, real):
    assert math.isnan(pearson(shares(*sim), shares(*real)))


def test_mmrv_is_zero_for_every_ranking_that_agrees():
    assert mmrv(shares(0.1, 0.5, 0.6), shares(0.4, 0.41, 0.99)) == 0


def test_mmrv_is_the_mean_of_each_policys_worst_rank_violation():
    """Policies 1 and 2 change places, 0.3 apart on the arm; policy 0 is where it belongs."""
    assert mmrv(shares(0.1, 0.6, 0.5), shares(0.2, 0.4, 0.7)) == pytest.approx((0 + 0.3 + 0.3) / 3)


def test_a_wrong_rank_costs_what_it_costs_on_the_arm():
    assert mmrv(shares(0.1, 0.9), shares(0.5, 0.49)) == pytest.approx(0.01)
    assert mmrv(shares(0.1, 0.9), shares(1.0, 0.0)) == pytest.approx(1.0)


def test_many_policies_and_trials_on_a_line_are_conclusive():
    found = predict([pair(str(k), k / 10, k / 10, 200) for k in range(1, 10)], np.random.default_rng(0))
    assert found.pearson.value == pytest.approx(1)
    assert 0.9 < found.pearson.low <= found.pearson.high <= 1
    assert found.mmrv.value == 0
    assert found.conclusive


def test_the_interval_of_r_holds_the_truth_about_19_times_in_20():
    """Nine policies whose real shares follow the simulated ones but for a known scatter."""
    rng = np.random.default_rng(5)
    sim = np.linspace(0.1, 0.9, 9)
    held = []
    for _ in range(60):
        real = np.clip(sim + rng.normal(0, 0.15, 9), 0, 1)
        drawn = [
            PolicyPair(str(k), *(tuple((rng.random(40) < side[k]).tolist()) for side in (sim, real))) for k in range(9)
        ]
        r = predict(drawn, rng, draws=300).pearson
        held.append(r.low <= pearson(sim, real) <= r.high)
    assert np.mean(held) >= 0.8


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([pair("a", 0.1, 0.1), pair("b", 0.5, 0.5), pair("c", 0.9, 0.9)], "both sides: 3, expected at least 5"),
        ([pair(str(k), k / 8, k / 8, MIN_TRIALS - 1) for k in range(8)], f"fewer than {MIN_TRIALS} trials"),
        ([pair(str(k), 1.0, k / 8) for k in range(8)], "no correlation"),
        ([pair(str(k), float(k > 2), float(k > 2)) for k in range(6)], "add some that are in between"),
        ([pair(str(k), 0.5 + k / 50, 0.5 - k / 60) for k in range(6)], "wide, expected at most 0.5"),
    ],
)
def test_what_is_too_little_to_conclude_from_is_said(pairs, words):
    found = predict(pairs, np.random.default_rng(0))
    assert not found.conclusive
    assert words in " ".join(found.caveats)


def test_the_same_outcomes_give_the_same_intervals():
    pairs = [pair(str(k), k / 8, 1 - k / 9) for k in range(6)]
    assert predict(pairs, np.random.default_rng(1)) == predict(pairs, np.random.default_rng(1))


def test_a_policy_without_trials_on_a_side_is_refused():
    with pytest.raises(ContractError, match="policy a has 1 simulated and 0 real trials"):
        PolicyPair("a", (True,), ())
