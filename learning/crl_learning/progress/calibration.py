"""What held-out trajectories taught of the progress signal: how many steps are left, and when the goal is reached."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ConfigError, ContractError


@dataclass(frozen=True)
class Steps:
    """Control ticks to the goal: expected, and the bounds between which 80 % of held-out pairs lay."""

    expected: float
    low: float
    high: float

    def at(self, speed: float) -> Steps:
        """Of an arm that is slowed down to this part of its steps, 0 to 1."""
        return Steps(self.expected / speed, self.low / speed, self.high / speed)


@dataclass(frozen=True)
class Calibration:
    """Of one checkpoint, in the units of its progress signal, which is higher the nearer the goal.

    The signal is -(offset + weights . log(1 + distances)) with the distances of `GoalPolicy.compare`: minus what a
    least squares fit to held-out pairs expects of log(1 + ticks left).

    Attributes:
        weights: (D,) 0 or more.
        offset: 0 or more.
        signal: knots (K,), rising.
        expected, low, high: (K,) control ticks that were left at such a signal, falling.
        horizon: most ticks that were looked at; an expectation near it means 'far'.
        rates: (R,) false-positive rates of a whole run, rising.
        thresholds: (R,) signal that counts as reached at each of them.
        hold: ticks in a row that it must last.
        patience: ticks without a better signal after which a run does not improve any more.
        step: smallest change of the signal that counts as better.
        facts: how it was measured: episodes, pairs, AUC on held-out data, ...
    """

    weights: tuple[float, ...]
    offset: float
    signal: tuple[float, ...]
    expected: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    horizon: int
    rates: tuple[float, ...]
    thresholds: tuple[float, ...]
    hold: int
    patience: int
    step: float
    facts: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name in ("weights", "signal", "expected", "low", "high", "rates", "thresholds"):
            object.__setattr__(self, name, tuple(float(value) for value in getattr(self, name)))
        curves = {len(self.signal), len(self.expected), len(self.low), len(self.high)}
        rising = all(np.diff(self.signal) > 0) and all(np.diff(self.rates) > 0)
        if len(curves) != 1 or len(self.rates) != len(self.thresholds) or not self.signal or not self.rates:
            raise ContractError(
                f"a calibration with curves of lengths {sorted(curves)}, expected equal ones, not empty"
            )
        if not rising or self.hold < 1 or self.patience < 1:
            raise ContractError(
                f"a calibration with knots {self.signal}, rates {self.rates}, hold {self.hold}, patience "
                f"{self.patience}, expected rising knots and rates, and 1 or more ticks"
            )

    def signal_of(self, distances: Sequence[float]) -> float:
        """The progress signal of distances (D,); NaN without any. Raises ContractError when there are others."""
        if not len(distances):
            return math.nan
        if len(distances) != len(self.weights):
            raise ContractError(
                f"the policy tells {len(distances)} distances, its calibration is for {len(self.weights)}; make it "
                "anew: crl-run calibrate"
            )
        return -(self.offset + float(np.dot(self.weights, np.log1p(distances))))

    def signals_of(self, distances: NDArray[np.floating]) -> NDArray[np.float64]:
        """The progress signal (N,) of distances (N, D). Raises ContractError likewise."""
        return np.array([self.signal_of(one) for one in distances])

    def with_steps(self, curves: Sequence[NDArray[np.float64]], patience: int, **facts: Any) -> Self:
        """The same with other steps left, as of `step_curves`, another patience, and these facts added."""
        steps = dict(zip(("signal", "expected", "low", "high"), map(tuple, curves), strict=True))
        return replace(self, **steps, patience=patience, facts=dict(self.facts) | facts)

    def steps(self, signal: float) -> Steps:
        """What is left at this value of the signal; beyond the knots that of the last one."""
        expected, low, high = (
            float(np.interp(signal, self.signal, curve)) for curve in (self.expected, self.low, self.high)
        )
        return Steps(expected, low, high)

    def threshold(self, rate: float) -> float:
        """The signal that counts as reached at a false-positive rate of a run. Raises ConfigError outside the rates."""
        if not self.rates[0] <= rate <= self.rates[-1]:
            raise ConfigError(
                f"reached_rate is {rate:g}, the checkpoint was calibrated for {self.rates[0]:g} to {self.rates[-1]:g}; "
                "choose one of these, or calibrate with more data: crl-run calibrate"
            )
        return float(np.interp(rate, self.rates, self.thresholds))

    def to_dict(self) -> dict[str, Any]:
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Raises TypeError or ContractError when something is missing or cannot be used."""
        return cls(**data)
