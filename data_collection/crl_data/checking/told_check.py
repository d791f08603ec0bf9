"""Can a policy have told these goals and this progress?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.checking.findings import Findings
from crl_data.episode import EpisodeMeta
from crl_data.told import GOAL_ARRAYS, GOALS, PROGRESS, PROGRESS_ARRAYS, goal_problems


def check_told(meta: EpisodeMeta, arrays: Mapping[str, NDArray[Any]], found: Findings) -> None:
    """Judge what a policy told, if it did, by the paths of the arrays inside the group; not the pictures of goals."""
    for path, array in arrays.items():
        folder, _, name = path.rpartition("/")
        if folder == PROGRESS:
            _check_progress(path, name, array, meta.steps, found)
    _check_goals(meta, arrays, found)


def _check_progress(path: str, name: str, array: NDArray[Any], steps: int, found: Findings) -> None:
    kind, dimensions = np.dtype(PROGRESS_ARRAYS.get(name, np.float64)), 2 if name == "distances" else 1
    if array.dtype != kind or array.ndim != dimensions or len(array) != steps:
        found.damage.append(f"{path} is {array.dtype} {array.shape}, expected {kind} of {steps} rows")
        return
    found.require(not bool(np.isinf(array).any()), f"{path} is infinite somewhere, expected numbers or NaN")


def _check_goals(meta: EpisodeMeta, arrays: Mapping[str, NDArray[Any]], found: Findings) -> None:
    if not any(name.startswith(f"{GOALS}/") for name in meta.checksums):
        return
    stamp_ns, from_step = (arrays.get(f"{GOALS}/{name}") for name in GOAL_ARRAYS)
    if stamp_ns is None or from_step is None:
        found.damage.append(f"its {GOALS} lack {' or '.join(GOAL_ARRAYS)}")
        return
    found.damage += goal_problems(from_step, stamp_ns, meta.options.get(GOALS), meta.steps)
