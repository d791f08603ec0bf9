"""What is in a store, as plain numbers: the content of `crl-data info`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import TRUTH_ARRAY, EpisodeMeta
from crl_data.frame_layout import frames_file
from crl_data.looking.survey import Survey, survey
from crl_data.looking.timing import stream_timing
from crl_data.store import Store
from crl_robot.contracts import ACTION_NAMES

CELL_M = 0.05
"""Edge of the squares that coverage of the table is counted in."""


def summarise(store: Store, found: Survey | None = None) -> dict[str, Any]:
    """Episodes, specs, losses, ages, action statistics and coverage, ready for JSON; what is not known is left out.

    Args:
        store: the store.
        found: its survey, where it was made already.
    """
    found = found or survey(store)
    metas = found.metas
    steps = sum(meta.steps for meta in metas)
    return {
        "path": str(store.path),
        "episodes": len(metas),
        "ids": [meta.id for meta in metas],
        "unreadable": found.unreadable,
        "steps": steps,
        "hours": steps * store.spec.action.period_s / 3600,
        "bytes": sum(file.stat().st_size for file in Path(store.path).rglob("*") if file.is_file()),
        "fingerprint": store.fingerprint([meta.id for meta in metas]),
        **_marks(metas),
        **store.spec.to_dict(),
        "lost_frames": {camera: sum(meta.lost.get(camera, 0) for meta in metas) for camera in store.spec.cameras},
        **(_contents(found) if metas else {}),
    }


def coverage(position: NDArray[np.float64]) -> dict[str, Any]:
    """Ranges (m) of positions (N, 3) and the number of CELL_M squares of the table that they lie in or above."""
    cells = np.unique(np.floor(position[:, :2] / CELL_M), axis=0)
    ranges = {axis: [float(column.min()), float(column.max())] for axis, column in zip("xyz", position.T, strict=True)}
    return {**ranges, "cells": len(cells)}


def _marks(metas: list[EpisodeMeta]) -> dict[str, Any]:
    """Counts of what people and programs wrote about the episodes."""
    lost: Counter[str] = Counter()
    for meta in metas:
        lost.update(meta.lost)
    lengths = np.array([meta.steps for meta in metas])
    spread = (
        {"min": int(lengths.min()), "median": float(np.median(lengths)), "max": int(lengths.max())} if metas else None
    )
    return {
        "sources": dict(Counter(meta.source for meta in metas)),
        "success": dict(Counter({True: "yes", False: "no", None: "unmarked"}[meta.success] for meta in metas)),
        "operators": dict(Counter(meta.operator or "unnamed" for meta in metas)),
        "robots": dict(Counter(meta.robot_id or "unnamed" for meta in metas)),
        "clock": dict(Counter(meta.clock for meta in metas)),
        "goal_steps": sum(len(meta.goal_steps) for meta in metas),
        "lost": dict(lost),
        "episode_steps": spread,
    }


def _contents(found: Survey) -> dict[str, Any]:
    """Statistics of what the episodes hold."""
    store = found.store
    facts: dict[str, Any] = {
        "bytes_per_frame": {camera: _bytes_per_frame(store, found.metas, camera) for camera in store.spec.cameras},
        "streams": stream_timing(found),
        "actions_label": found.label,
    }
    actions, tool, truth = (found.joined(name) for name in (f"action_{found.label}", "tool_measured", TRUTH_ARRAY))
    if actions is not None:
        facts["actions"] = _action_statistics(actions)
    if tool is not None:
        facts["tool"] = coverage(tool[:, :3])
    if truth is not None:
        facts["object"] = _object_statistics([pose[:, :3] for pose in found.all(TRUTH_ARRAY)])
    return facts


def _object_statistics(tracks: list[NDArray[np.float64]]) -> dict[str, Any]:
    paths = np.array([np.linalg.norm(np.diff(track[:, :2], axis=0), axis=1).sum() for track in tracks])
    return {
        **coverage(np.concatenate(tracks)),
        "path_m_per_episode": float(paths.mean()),
        "episodes_moved_2cm": int((paths > 0.02).sum()),
    }


def _action_statistics(actions: NDArray[np.float32]) -> dict[str, dict[str, float]]:
    columns = zip(ACTION_NAMES, actions.astype(np.float64).T, strict=True)
    return {
        name: {"mean": float(c.mean()), "std": float(c.std()), "min": float(c.min()), "max": float(c.max())}
        for name, c in columns
    }


def _bytes_per_frame(store: Store, metas: list[EpisodeMeta], camera: str) -> float:
    spec = store.spec.camera(camera)
    files = [frames_file(store.folder(meta.id) / "cameras" / camera, spec) for meta in metas]
    return sum(file.stat().st_size for file in files if file.exists()) / sum(meta.steps for meta in metas)
