"""How well success in simulation predicts success on the arm, over several policies.

Both measures compare one success share per policy: Pearson's r, and the mean maximum rank violation of Li et al. 2024
("Evaluating Real-World Robot Manipulation Policies in Simulation", section on evaluation metrics).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, nan, sqrt

import numpy as np
from numpy.typing import NDArray

from crl_learning.statistics import Interval, wilson
from crl_robot.errors import ContractError

Array = NDArray[np.float64]
DRAWS = 4000
MIN_POLICIES = 5
"""Below this a high r comes by chance: shares of 3 policies that have nothing to do with each other correlate with
|r| > 0.8 in 41 % of cases (r of three normal pairs follows the arcsine law)."""
MIN_TRIALS = 20
"""Of each policy on each side: Wilson's interval of a share of one half is 53 points wide with 10, 40 with 20."""
MIN_BETWEEN, EDGE = 3, 0.1
"""So many policies must succeed neither nearly always nor nearly never: two heaps of points correlate by themselves."""
WIDE = 0.5
"""An interval of r wider than this does not tell a good simulation from a mediocre one."""


@dataclass(frozen=True)
class PolicyPair:
    """Outcomes of one policy: in simulation and on the arm. The trials need not be the same."""

    name: str
    sim: tuple[bool, ...]
    real: tuple[bool, ...]

    def __post_init__(self) -> None:
        if not self.sim or not self.real:
            raise ContractError(
                f"policy {self.name} has {len(self.sim)} simulated and {len(self.real)} real trials, expected some of "
                "both"
            )

    @property
    def shares(self) -> tuple[Interval, Interval]:
        """Success in simulation and on the arm."""
        return wilson(sum(self.sim), len(self.sim)), wilson(sum(self.real), len(self.real))


@dataclass(frozen=True)
class Prediction:
    """What can be said: both measures, nan where they are not defined, and in ``caveats`` why to be careful."""

    pearson: Interval
    mmrv: Interval
    policies: int
    caveats: tuple[str, ...]

    @property
    def conclusive(self) -> bool:
        """Whether there is enough to conclude from."""
        return not self.caveats


def pearson(sim: Array, real: Array) -> float:
    """Pearson's r of two (P,) arrays of shares; nan for fewer than two policies or where one side never differs."""
    if len(sim) < 2:
        return nan
    a, b = sim - sim.mean(), real - real.mean()
    scale = sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale > 1e-12 else nan


def mmrv(sim: Array, real: Array) -> float:
    """Mean over policies of the largest real difference to a policy that simulation ranks the wrong way round.

    0 when simulation ranks as the arm does, at most 1; nan for fewer than two policies. As in the source, where
    simulation sees no difference and the arm does, the pair counts for the one that is worse on the arm.
    """
    if len(sim) < 2:
        return nan
    wrong = np.less.outer(sim, sim) != np.less.outer(real, real)
    return float((np.abs(np.subtract.outer(real, real)) * wrong).max(axis=1).mean())


def predict(pairs: Sequence[PolicyPair], rng: np.random.Generator, draws: int = DRAWS) -> Prediction:
    """Both measures with 95 % bootstrap intervals: policies are drawn again, and of each its trials on both sides."""
    sim, real = _shares(pairs)
    drawn_pearson, drawn_mmrv = _bootstrap(pairs, rng, draws)
    r = _interval(pearson(sim, real), drawn_pearson)
    return Prediction(r, _interval(mmrv(sim, real), drawn_mmrv), len(pairs), tuple(_caveats(pairs, sim, real, r)))


def _shares(pairs: Sequence[PolicyPair]) -> tuple[Array, Array]:
    shares = np.array([[np.mean(pair.sim), np.mean(pair.real)] for pair in pairs], dtype=np.float64)
    return shares[:, 0], shares[:, 1]


def _bootstrap(pairs: Sequence[PolicyPair], rng: np.random.Generator, draws: int) -> tuple[Array, Array]:
    """(draws,) values of each measure."""
    sim, real = _shares(pairs)
    counts = [np.array([len(getattr(pair, side)) for pair in pairs]) for side in ("sim", "real")]
    chosen = rng.integers(0, len(pairs), (draws, len(pairs)))
    drawn_sim = rng.binomial(counts[0][chosen], sim[chosen]) / counts[0][chosen]
    drawn_real = rng.binomial(counts[1][chosen], real[chosen]) / counts[1][chosen]
    measures: list[Callable[[Array, Array], float]] = [pearson, mmrv]
    found = [np.array([one(a, b) for a, b in zip(drawn_sim, drawn_real, strict=True)]) for one in measures]
    return found[0], found[1]


def _interval(value: float, drawn: Array) -> Interval:
    """Percentiles of the draws in which the measure is defined."""
    known = drawn[np.isfinite(drawn)]
    if not isfinite(value) or known.size == 0:
        return Interval(value, nan, nan)
    low, high = np.quantile(known, (0.025, 0.975))
    return Interval(value, float(low), float(high))


def _caveats(pairs: Sequence[PolicyPair], sim: Array, real: Array, r: Interval) -> list[str]:
    few = [pair.name for pair in pairs if min(len(pair.sim), len(pair.real)) < MIN_TRIALS]
    said = []
    if len(pairs) < MIN_POLICIES:
        said.append(f"policies that were run on both sides: {len(pairs)}, expected at least {MIN_POLICIES}")
    if few:
        said.append(f"fewer than {MIN_TRIALS} trials on a side: {', '.join(few)}")
    if not isfinite(r.value):
        said.append(
            "all policies succeed equally often on a side, so there is no correlation; add worse or better ones"
        )
    elif np.sum((real > EDGE) & (real < 1 - EDGE)) < MIN_BETWEEN:
        said.append(
            f"real success is below {EDGE:.0%} or above {1 - EDGE:.0%} for all but few policies: r then only "
            "tells that good ones are told from useless ones; add some that are in between"
        )
    elif r.high - r.low > WIDE:
        said.append(f"the interval of Pearson's r is {r.high - r.low:.2f} wide, expected at most {WIDE}")
    return said
