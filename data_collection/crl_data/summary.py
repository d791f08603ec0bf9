"""What is in a store, as plain numbers: the content of `crl-data info`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import TRUTH_ARRAY, EpisodeMeta
from crl_data.store import Store
from crl_robot.contracts import ACTION_NAMES

CELL_M = 0.05
"""Edge of the squares that coverage of the table is counted in."""


def summarise(store: Store) -> dict[str, Any]:
    """Episodes, steps, hours, cameras, specs, losses, action statistics and coverage, ready for JSON."""
    metas = store.metas()
    steps = sum(meta.steps for meta in metas)
    summary: dict[str, Any] = {
        "path": str(store.path),
        "episodes": len(metas),
        "steps": steps,
        "hours": steps * store.spec.action.period_s / 3600,
        "bytes": sum(file.stat().st_size for file in Path(store.path).rglob("*") if file.is_file()),
        "fingerprint": store.fingerprint(),
        "sources": dict(Counter(meta.source for meta in metas)),
        "success": dict(Counter({True: "yes", False: "no", None: "unmarked"}[meta.success] for meta in metas)),
        **store.spec.to_dict(),
        "lost_frames": {camera: sum(meta.lost.get(camera, 0) for meta in metas) for camera in store.spec.cameras},
    }
    if metas:
        summary["bytes_per_frame"] = {camera: _bytes_per_frame(store, metas, camera) for camera in store.spec.cameras}
        summary["actions"] = _action_statistics(store.load_actions("commanded"))
        summary["tool"] = coverage(store.load_array("tool_measured")[:, :3])
        if all(TRUTH_ARRAY in meta.checksums for meta in metas):
            summary["object"] = _object_statistics([pose[:, :3] for pose in store.episode_arrays(TRUTH_ARRAY)])
    return summary


def coverage(position: NDArray[np.float64]) -> dict[str, Any]:
    """Ranges (m) of positions (N, 3) and the number of CELL_M squares of the table that they lie in or above."""
    cells = np.unique(np.floor(position[:, :2] / CELL_M), axis=0)
    ranges = {axis: [float(column.min()), float(column.max())] for axis, column in zip("xyz", position.T, strict=True)}
    return {**ranges, "cells": len(cells)}


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
    folders = [store.folder(meta.id) / "cameras" / camera / "frames" for meta in metas]
    size = sum(file.stat().st_size for folder in folders for file in folder.iterdir() if file.name != "zarr.json")
    return size / sum(meta.steps for meta in metas)
