"""How old and how regular the streams of a store are: rates, ages, gaps and repeated frames, from true stamps only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import ARM_STREAM
from crl_data.gaps import gaps
from crl_data.looking.survey import EpisodeScan, Survey


def stream_timing(survey: Survey) -> dict[str, dict[str, Any]]:
    """Per stream ('steps', each camera, 'arm') what its stamps tell; streams without stamps are left out.

    Returns:
        Values in ms: ``age_ms`` (of what a step holds, at the step) and ``transport_ms`` (source to arrival) as p50,
        p99 and max; ``rate_hz`` (median), ``gaps`` and ``longest_ms`` of the intervals; ``repeated`` steps that hold
        the same sample as the step before; ``lost`` as counted while recording.
    """
    period_ns = survey.store.spec.action.period_s * 1e9
    streams: dict[str, dict[str, Any]] = {}
    steps = survey.all("stamp_ns")
    if steps:
        streams["steps"] = _regularity(steps, period_ns) | {"lost": sum(m.lost.get("steps", 0) for m in survey.metas)}
    sources = {camera: (f"cameras/{camera}/", camera) for camera in survey.store.spec.cameras}
    for name, (prefix, key) in (sources | {"arm": ("state_", "arm")}).items():
        facts = _sampled(survey.scans, prefix, period_ns)
        if name == "arm":
            facts |= _arm_stream(survey)
        if facts:
            streams[name] = facts | {"lost": sum(meta.lost.get(key, 0) for meta in survey.metas)}
    return streams


def _sampled(scans: Sequence[EpisodeScan], prefix: str, period_ns: float) -> dict[str, Any]:
    """Of a stream whose newest sample each step holds."""
    rows = [
        (scan.get("stamp_ns"), scan.get(f"{prefix}stamp_ns"), scan.get(f"{prefix}receive_stamp_ns")) for scan in scans
    ]
    stamped = [(step, stamp, receive) for step, stamp, receive in rows if step is not None and stamp is not None]
    if not stamped:
        return {}
    facts = _regularity([stamp for _, stamp, _ in stamped], period_ns)
    facts["repeated"] = sum(int((np.diff(stamp) == 0).sum()) for _, stamp, _ in stamped)
    facts["age_ms"] = _spread([(step - stamp) / 1e6 for step, stamp, _ in stamped])
    received = [(receive - stamp) / 1e6 for _, stamp, receive in stamped if receive is not None]
    if received:
        facts["transport_ms"] = _spread(received)
    return facts


def _arm_stream(survey: Survey) -> dict[str, Any]:
    """Of the arm's states at their own rate, where they were recorded: rate and gaps replace those at the steps."""
    stamps = [stamp for stamp in survey.all(f"{ARM_STREAM}/stamp_ns") if len(stamp) > 1]
    if not stamps:
        return {}
    period_ns = float(np.median(np.concatenate([np.diff(stamp) for stamp in stamps])))
    return _regularity(stamps, max(period_ns, 1.0)) | {"states": sum(len(stamp) for stamp in stamps)}


def _regularity(stamps: Sequence[NDArray[np.int64]], period_ns: float) -> dict[str, Any]:
    intervals = np.concatenate([np.diff(stamp) for stamp in stamps])
    moving = intervals[intervals > 0]
    if not len(moving):
        return {"rate_hz": None, "gaps": 0, "longest_ms": None}
    count = sum(len(gaps(stamp, period_ns)) for stamp in stamps)
    return {"rate_hz": float(1e9 / np.median(moving)), "gaps": count, "longest_ms": float(moving.max() / 1e6)}


def _spread(values_ms: Sequence[NDArray[np.float64]]) -> dict[str, float]:
    joined = np.concatenate(values_ms)
    return {"p50": float(np.median(joined)), "p99": float(np.percentile(joined, 99)), "max": float(joined.max())}
