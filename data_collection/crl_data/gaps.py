"""Where an episode lacks time: steps that were dropped while it was recorded, or a pause of the one who drove."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import EpisodeMeta
from crl_data.store import Store

GAP_PERIODS = 1.5
"""Steps or messages further apart than so many periods have a gap between them: one is missing at least."""


def gaps(stamp_ns: NDArray[np.int64], period_ns: float) -> NDArray[np.intp]:
    """Index of each stamp of (N,) that is followed by a gap."""
    return np.flatnonzero(np.diff(stamp_ns) > GAP_PERIODS * period_ns)


def valid_steps(steps: int, stamp_ns: NDArray[np.int64] | None, period_ns: float) -> NDArray[np.bool_]:
    """Which steps of an episode are a transition (s, a, s') that took one period: not the last, none before a gap.

    Args:
        steps: number of steps T.
        stamp_ns: (T,); None where the source had no clock, and a gap cannot be seen.
        period_ns: of the control rate.

    Returns:
        bool (T,).
    """
    valid = np.arange(steps) < steps - 1
    if stamp_ns is not None:
        valid[gaps(stamp_ns, period_ns)] = False
    return valid


def load_valid_steps(store: Store, ids: Sequence[str] | None = None) -> NDArray[np.bool_]:
    """`valid_steps` of all the given episodes, end to end: (N,), in the order of `Store.load_actions`.

    Raises StoreError when stamps are missing or damaged.
    """
    period_ns = store.spec.action.period_s * 1e9
    parts = [valid_steps(meta.steps, _stamps(store, meta), period_ns) for meta in store.metas(ids)]
    return np.concatenate(parts) if parts else np.zeros(0, np.bool_)


def _stamps(store: Store, meta: EpisodeMeta) -> NDArray[Any] | None:
    return store.array(meta, "stamp_ns") if meta.clock == "measured" else None
