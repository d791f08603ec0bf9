from math import comb

import numpy as np
import pytest

from crl_learning.statistics import PairedComparison, compare_paired, holm, paired_difference, wilson
from crl_robot.errors import ContractError

Z = 1.959963984540054


@pytest.mark.parametrize("n", [1, 10, 50, 200])
def test_interval_of_no_success_is_zero_to_the_closed_form(n):
    interval = wilson(0, n)
    assert interval.value == interval.low == 0
    assert interval.high == pytest.approx(Z**2 / (n + Z**2), rel=1e-12)


@pytest.mark.parametrize(("k", "n"), [(1, 7), (5, 10), (38, 50), (190, 200)])
def test_bounds_solve_the_score_equation(k, n):
    """Wilson's bounds are the p0 at which the observed share lies exactly z standard errors away."""
    interval = wilson(k, n)
    for bound in (interval.low, interval.high):
        assert (interval.value - bound) ** 2 == pytest.approx(Z**2 * bound * (1 - bound) / n, rel=1e-9)


def test_interval_matches_published_values():
    """Newcombe 1998, Stat. Med. 17:857, table I, method 3: 81 of 263 gives 0.2553 to 0.3662."""
    interval = wilson(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


def test_interval_is_mirrored_when_successes_become_failures():
    a, b = wilson(7, 30), wilson(23, 30)
    assert (a.low, a.high) == pytest.approx((1 - b.high, 1 - b.low))


def test_all_successes_keep_one_as_upper_bound():
    assert wilson(50, 50).high == 1.0
    assert 0.9 < wilson(50, 50).low < 1.0


def test_more_confidence_is_a_wider_interval():
    assert wilson(5, 20, 0.99).low < wilson(5, 20, 0.95).low


@pytest.mark.parametrize(("k", "n", "confidence"), [(0, 0, 0.95), (-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0)])
def test_impossible_counts_are_refused(k, n, confidence):
    with pytest.raises(ContractError):
        wilson(k, n, confidence)


def test_mcnemar_is_the_exact_binomial_of_the_differing_trials():
    first = [True] * 10 + [True] * 8 + [False] * 1 + [False] * 3
    second = [True] * 10 + [False] * 8 + [True] * 1 + [False] * 3
    result = compare_paired(first, second)
    assert (result.both, result.only_first, result.only_second, result.neither, result.differ) == (10, 8, 1, 3, 9)
    assert result.p_value == pytest.approx(2 * (comb(9, 0) + comb(9, 1)) / 2**9)
    assert compare_paired(second, first).p_value == result.p_value


def test_equal_outcomes_are_no_evidence_of_a_difference():
    assert compare_paired([True, False, True], [True, False, True]).p_value == 1.0
    assert compare_paired([True, False], [False, True]).p_value == 1.0


@pytest.mark.parametrize(("first", "second"), [([True], [True, False]), ([], [])])
def test_unpaired_outcomes_are_refused(first, second):
    with pytest.raises(ContractError, match="same trials"):
        compare_paired(first, second)


def test_the_paired_difference_is_mirrored_when_the_two_change_places():
    a, b = (paired_difference(PairedComparison(30, *only, 5, 1.0)) for only in ((9, 2), (2, 9)))
    assert a.value == pytest.approx(7 / 46)
    assert (a.value, a.low, a.high) == pytest.approx((-b.value, -b.high, -b.low))


def test_equal_outcomes_leave_an_interval_that_shrinks_with_the_trials():
    few, many = (paired_difference(PairedComparison(n, 0, 0, n, 1.0)) for n in (5, 50))
    assert few.value == many.value == 0
    assert few.low < many.low < 0 < many.high < few.high


def test_without_correlation_and_with_extremes_the_paired_interval_is_that_of_two_shares():
    """Newcombe 1998, Stat. Med. 17:873, method 10 for independent samples, which phi = 0 reduces to."""
    interval = paired_difference(PairedComparison(0, 20, 0, 0, 1.0))
    first, second = wilson(20, 20), wilson(0, 20)
    assert interval.value == interval.high == 1
    assert interval.low == pytest.approx(1 - np.hypot(1 - first.low, second.high))


@pytest.mark.parametrize("shares", [(0.9, 0.05, 0.02, 0.03), (0.5, 0.2, 0.1, 0.2), (0.3, 0.3, 0.0, 0.4)])
def test_the_interval_of_the_paired_difference_holds_the_truth_about_19_times_in_20(shares):
    rng = np.random.default_rng(3)
    truth = shares[1] - shares[2]
    drawn = (rng.multinomial(50, shares).tolist() for _ in range(1000))
    intervals = [paired_difference(PairedComparison(*counts, 1.0)) for counts in drawn]
    assert 0.93 <= np.mean([one.low <= truth <= one.high for one in intervals]) <= 0.995


def test_holm_adjusts_for_the_number_of_tests_and_keeps_their_order():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
