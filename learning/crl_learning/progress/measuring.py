"""How good a progress signal is, against what the simulation knows: pure functions of recorded episodes.

An episode is one run of the policy; intervals come from drawing whole episodes anew, because the ticks of one episode
are no independent measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.progress.calibration import Calibration
from crl_learning.progress.fitting import held_level, longest_stall, roc_auc
from crl_learning.ranks import rank_correlation
from crl_learning.statistics import wilson

Array = NDArray[np.float64]
RESAMPLES = 500
IN_TIME_S = 1.0
"""From coming to the goal to the stop."""
_OUTER = (0.025, 0.975)


@dataclass(frozen=True)
class Watched:
    """One run with its truth, one entry a control tick.

    Attributes:
        signals: (T,) each, by name; higher is nearer.
        success: bool (T,) whether the world is at the goal.
        arm_right: bool (T,) whether the arm is where the goal shows it.
    """

    signals: Mapping[str, Array]
    success: NDArray[np.bool_]
    arm_right: NDArray[np.bool_]


def ticks_left(success: NDArray[np.bool_]) -> Array:
    """(T,) ticks until the first success at or after each; nan where none comes."""
    left, following = np.full(len(success), np.nan), np.nan
    for tick in range(len(success) - 1, -1, -1):
        following = 0.0 if success[tick] else following + 1
        left[tick] = following
    return left


def signal_facts(episodes: Sequence[Watched], name: str, rng: np.random.Generator) -> dict[str, Any]:
    """AUC of success, rank correlation with the ticks left, and how often the arm looks right while an object is wrong.

    The last is at the threshold that calls half of all ticks at the goal reached, so that signals can be compared.
    """
    facts: dict[str, Any] = {}
    for key, measure in (("auc", _auc), ("rank_correlation", _rank_correlation)):
        value, low, high = bootstrap(episodes, lambda chosen, of=measure: of(chosen, name), rng)
        facts |= {key: value, f"{key}_low": low, f"{key}_high": high}
    values, success, arm_right = (np.concatenate(part) for part in zip(*_columns(episodes, name), strict=True))
    wrong = arm_right & ~success
    fooled = int((values[wrong] >= np.median(values[success])).sum()) if success.any() else 0
    return facts | {"arm_right_object_wrong": int(wrong.sum()), "fooled": fooled}


def differences(
    episodes: Sequence[Watched], first: str, others: Sequence[str], rng: np.random.Generator
) -> dict[str, Any]:
    """AUC of one signal less that of others on the same episodes, with intervals."""
    facts = {}
    for other in others:
        value, low, high = bootstrap(episodes, lambda chosen, of=other: _auc(chosen, first) - _auc(chosen, of), rng)
        facts[f"auc_{first}_less_{other}"] = {"value": value, "low": low, "high": high}
    return facts


def stop_facts(
    episodes: Sequence[Watched], name: str, calibration: Calibration, rate: float, period_s: float
) -> dict[str, Any]:
    """What a run would do that stops at the calibrated threshold: too early, in time, after how long, or stalled.

    The goal image shows the arm, too, and a task may be done while the arm is elsewhere. So the runs that were wholly
    as it shows at some tick are told apart, under `as_shown`; there 'in time' counts from that tick.
    """
    threshold = calibration.threshold(rate)
    ends = [_end(episode, name, calibration, threshold) for episode in episodes]
    share = wilson(sum(end.early for end in ends), len(ends))
    at_goal = [end for end in ends if end.stop is not None and not end.early]
    delays = [period_s * end.after(end.success) for end in at_goal if end.success is not None]
    shown_delays = [period_s * end.after(end.shown) for end in at_goal if end.shown is not None]
    return {
        "rate": rate,
        "stopped_early": share.value,
        "stopped_early_low": share.low,
        "stopped_early_high": share.high,
        "stopped_at_goal": len(at_goal),
        "succeeded": sum(end.success is not None for end in ends),
        "stop_after_s": _quantiles(delays),
        "stopped_in_time": _in_time(delays),
        "as_shown": {
            "runs": sum(end.shown is not None for end in ends),
            "stopped_at_goal": len(shown_delays),
            "stopped_in_time": _in_time(shown_delays),
        },
        "stalled_before_success": sum(end.stalled for end in ends),
        "steps_within_interval": _coverage(episodes, name, calibration),
    }


def bootstrap(
    episodes: Sequence[Watched], measure: Callable[[Sequence[Watched]], float], rng: np.random.Generator
) -> tuple[float | None, float | None, float | None]:
    """A measure of episodes and its 95 % percentile interval over resampled episodes; None where it has no value."""
    value = measure(episodes)
    drawn = [measure([episodes[i] for i in rng.integers(len(episodes), size=len(episodes))]) for _ in range(RESAMPLES)]
    finite = np.array([one for one in drawn if np.isfinite(one)])
    if not np.isfinite(value) or not len(finite):
        return None, None, None
    low, high = np.quantile(finite, _OUTER)
    return round(value, 4), round(float(low), 4), round(float(high), 4)


@dataclass(frozen=True)
class _End:
    """Of a run that stops by itself: ticks of the stop, of the first success, and of the first that is as shown.

    ``early`` stops are away from the goal; a ``stalled`` run would have been given up before its success.
    """

    stop: int | None
    success: int | None
    shown: int | None
    early: bool
    stalled: bool

    def after(self, tick: int) -> int:
        """Ticks from that one to the stop; 0 when it came before."""
        return max(0, (self.stop or 0) - tick)


def _end(episode: Watched, name: str, calibration: Calibration, threshold: float) -> _End:
    signal, success = episode.signals[name], episode.success
    stop, first = _first(held_level(signal, calibration.hold) >= threshold), _first(success)
    stalled = first is not None and longest_stall(signal[: first + 1], calibration.step) >= calibration.patience
    early = stop is not None and not success[stop]
    return _End(stop, first, _first(success & episode.arm_right), early, stalled)


def _first(ticks: NDArray[np.bool_]) -> int | None:
    """The first that holds; None where none does."""
    return int(ticks.argmax()) if ticks.any() else None


def _in_time(delays: Sequence[float]) -> int:
    return sum(delay <= IN_TIME_S + 1e-9 for delay in delays)


def _columns(episodes: Sequence[Watched], name: str) -> list[tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]]:
    return [(episode.signals[name], episode.success, episode.arm_right) for episode in episodes]


def _auc(episodes: Sequence[Watched], name: str) -> float:
    values, success, _ = (np.concatenate(part) for part in zip(*_columns(episodes, name), strict=True))
    return roc_auc(values, success)


def _rank_correlation(episodes: Sequence[Watched], name: str) -> float:
    """Spearman's, of minus the signal and the ticks left, over ticks before the first success of runs that have one."""
    signal, left = [], []
    for episode in episodes:
        ticks = ticks_left(episode.success)
        way = slice(0, int(episode.success.argmax()) if episode.success.any() else 0)
        signal.append(-episode.signals[name][way])
        left.append(ticks[way])
    return rank_correlation(*(np.concatenate(part) for part in (signal, left)))


def _coverage(episodes: Sequence[Watched], name: str, calibration: Calibration) -> float | None:
    """Share of ticks, of runs that succeed, whose true ticks left lie in the calibrated interval of 80 %."""
    within = []
    for episode in episodes:
        for signal, left in zip(episode.signals[name], ticks_left(episode.success), strict=True):
            if np.isfinite(left):
                steps = calibration.steps(float(signal))
                within.append(steps.low <= left <= steps.high)
    return round(float(np.mean(within)), 4) if within else None


def _quantiles(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p90, highest = np.quantile(values, [0.5, 0.9, 1.0])
    return {"p50": round(float(p50), 2), "p90": round(float(p90), 2), "max": round(float(highest), 2)}
