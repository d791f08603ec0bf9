"""What a number of successes says: intervals for one policy, and a paired comparison of two on the same trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt
from statistics import NormalDist

from crl_robot.errors import ContractError


@dataclass(frozen=True)
class Interval:
    """A share of successes between 0 and 1 with the bounds of its confidence interval."""

    value: float
    low: float
    high: float

    @property
    def in_percent(self) -> str:
        """Such as '50.0 [35.2, 64.8]'."""
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


@dataclass(frozen=True)
class PairedComparison:
    """Two policies on the same trials: how often only one of them succeeded, and how surprising that split is."""

    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float

    @property
    def differ(self) -> int:
        """Trials whose outcomes differ."""
        return self.only_first + self.only_second

    @property
    def trials(self) -> int:
        """Trials of each."""
        return self.both + self.differ + self.neither


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval (Wilson 1927, JASA 22:209, eq. for p given z) of a share of successes.

    Unlike value +- z sd it stays within [0, 1] and does not shrink to a point at 0 or all successes.

    Raises:
        ContractError: no trials, successes outside 0..trials, or confidence outside (0, 1).
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ContractError(f"got {successes} successes of {trials} trials, expected 0 <= successes <= trials >= 1")
    if not 0 < confidence < 1:
        raise ContractError(f"confidence is {confidence}, expected a value between 0 and 1, such as 0.95")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = successes / trials
    scale = 1 + z * z / trials
    centre = (p + z * z / (2 * trials)) / scale
    half = z / scale * sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    # At the ends the bound is exactly 0 or 1; rounding must not put it beside the share it encloses.
    return Interval(p, 0.0 if successes == 0 else centre - half, 1.0 if successes == trials else centre + half)


def compare_paired(first: Sequence[bool], second: Sequence[bool]) -> PairedComparison:
    """McNemar's exact test of two policies' outcomes on the same trials, two-sided.

    Under equal policies each trial that differs favours either with probability 1/2, so the smaller count is binomial.

    Raises:
        ContractError: the two have different or zero lengths, so they are not paired.
    """
    if len(first) != len(second) or not first:
        raise ContractError(
            f"got {len(first)} and {len(second)} outcomes, expected the same trials of both; use one seed for both"
        )
    pairs = [(bool(a), bool(b)) for a, b in zip(first, second, strict=True)]
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    n, k = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(n, i) for i in range(k + 1)) / 2**n
    return PairedComparison(
        pairs.count((True, True)), only_first, only_second, pairs.count((False, False)), min(1.0, 2 * tail)
    )


def paired_difference(counts: PairedComparison, confidence: float = 0.95) -> Interval:
    """Share of the first minus that of the second, -1 to 1, with Newcombe's score interval for paired shares.

    Method 10 of Newcombe 1998, Stat. Med. 17:2635: Wilson's bounds of both shares, put together with the correlation
    phi of the outcomes. Wald's interval of the same difference is a point when no outcome differs; this is not.
    """
    both, first, second, neither, n = counts.both, counts.only_first, counts.only_second, counts.neither, counts.trials
    a, b = wilson(both + first, n, confidence), wilson(both + second, n, confidence)
    phi = _correlation(both, first, second, neither)

    def half(of_a: float, of_b: float) -> float:
        return sqrt(max(0.0, of_a * of_a - 2 * phi * of_a * of_b + of_b * of_b))

    value = (first - second) / n
    return Interval(
        value,
        max(-1.0, value - half(a.value - a.low, b.high - b.value)),
        min(1.0, value + half(a.high - a.value, b.value - b.low)),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number (Holm 1979, Scand. J. Stat. 6:65), in the order given."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _correlation(both: int, first: int, second: int, neither: int) -> float:
    """Newcombe's phi: towards 0 by half a trial's worth when positive; 0 when a margin is empty."""
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    if margins == 0:
        return 0.0
    product = both * neither - first * second
    if product > 0:
        product = max(product - (both + first + second + neither) / 2, 0)
    return product / sqrt(margins)
