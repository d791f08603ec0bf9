"""The part of `crl-bench progress` in which nothing acts: the signal on pairs of views of held-out play.

Beside it stand pixel distance and the features of behaviour cloning. Intervals are over trajectories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.store import Store
from crl_learning.goal_policy import GoalPolicy
from crl_learning.progress.calibrate import CalibrationSettings, compare_states, draw_pairs
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.held_out import HeldOut, Tolerance, load_held_out
from crl_learning.progress.measuring import Watched, bootstrap, differences, signal_facts
from crl_learning.ranks import rank_correlation

CRITIC, PIXELS, CLONING = "critic", "pixels", "gcbc"


@dataclass(frozen=True)
class Compared(Watched):
    """Pairs of a state and a goal, one entry a pair, of the trajectory that the goals are from.

    Attributes:
        steps: float64 (n,) ticks from state to goal; nan for a state of another trajectory.
    """

    steps: NDArray[np.float64]


def held_out_facts(
    policy: GoalPolicy, cloning: GoalPolicy | None, calibration: Calibration, store: Path, seed: int
) -> dict[str, Any]:
    """Facts of the signals on a store that the networks have not learned from.

    AUC of 'the state is at the goal' (tool and objects within the tolerances of the calibration), and rank correlation
    with the ticks from state to goal. Raises StoreError.
    """
    source, rng = Store.open(store), np.random.default_rng(seed)
    known = calibration.facts
    tolerance = Tolerance(known.get("tool_tolerance_m") or 0.02, known.get("object_tolerance_m") or 0.05)
    data = load_held_out(source, policy.views, source.episode_ids(), tolerance)
    groups = compared(policy, cloning, calibration, data, rng)
    names = list(groups[0].signals)
    return {
        "store": store.name,
        "fingerprint": source.fingerprint(source.episode_ids()),
        "trajectories": len(data.lengths),
        "pairs": sum(len(group.success) for group in groups),
        "tolerances_m": [tolerance.tool_m, tolerance.object_m],
        "signals": {name: signal_facts(groups, name, rng) | _of_steps(groups, name, rng) for name in names},
        "differences": differences(groups, CRITIC, [name for name in names if name != CRITIC], rng),
    }


def compared(
    policy: GoalPolicy,
    cloning: GoalPolicy | None,
    calibration: Calibration,
    data: HeldOut,
    rng: np.random.Generator,
) -> list[Compared]:
    """Pairs drawn as the calibration draws them, by trajectory; a state is not compared with its own picture."""
    states, goals, steps, own = draw_pairs(data, CalibrationSettings(), rng)
    apart = states != goals
    states, goals, steps = states[apart], goals[apart], np.where(own, steps, np.nan)[apart]
    signals = {
        CRITIC: calibration.signals_of(compare_states(policy, data, states, goals)),
        PIXELS: np.array([pixel_signal(data.images[s], data.images[g]) for s, g in zip(states, goals, strict=True)]),
    }
    if cloning is not None:
        signals[CLONING] = -compare_states(cloning, data, states, goals).sum(-1)
    near, arm_right = data.near(states, goals), data.tool_apart(states, goals) <= 1
    groups = []
    for trajectory in np.unique(data.trajectory[goals]):
        mine = data.trajectory[goals] == trajectory
        chosen = {name: values[mine] for name, values in signals.items()}
        groups.append(Compared(chosen, near[mine], arm_right[mine], steps[mine]))
    return groups


def pixel_signal(seen: NDArray[np.uint8], goal: NDArray[np.uint8]) -> float:
    """Minus the mean absolute difference of two images as the network sees them; higher is nearer."""
    return -float(np.abs(seen.astype(np.float64) - goal).mean())


def _of_steps(groups: Sequence[Compared], name: str, rng: np.random.Generator) -> dict[str, Any]:
    def measure(chosen: Sequence[Any]) -> float:
        steps = np.concatenate([group.steps for group in chosen])
        known = np.isfinite(steps)
        return rank_correlation(-np.concatenate([group.signals[name] for group in chosen])[known], steps[known])

    value, low, high = bootstrap(groups, measure, rng)
    return {"rank_correlation": value, "rank_correlation_low": low, "rank_correlation_high": high}
