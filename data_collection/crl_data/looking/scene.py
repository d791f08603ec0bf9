"""Where the things of a simulated scene were, each by its name: how diverse play is, in numbers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import TRUTH_ARRAY, TRUTH_OBJECTS, TRUTH_SLIDES
from crl_data.looking.survey import Survey

Array = NDArray[np.float64]

CELL_M = 0.05
"""Edge of the squares and cubes that coverage is counted in."""
MOVED_M = 0.02
LIFTED_M = 0.05
ONLY_OBJECT = "object"
"""Name of the thing in a scene with one."""


@dataclass(frozen=True)
class SceneTracks:
    """Positions (T, 3) m of each object and (T,) m of each drawer in every episode that has it, by name."""

    objects: dict[str, list[Array]]
    slides: dict[str, list[Array]]


def scene_tracks(found: Survey) -> SceneTracks:
    """The tracks of the readable episodes; empty where nothing but the robot is known."""
    objects, slides = defaultdict(list), defaultdict(list)
    for scan in found.scans:
        options, poses, only = scan.meta.options, scan.get(TRUTH_OBJECTS), scan.get(TRUTH_ARRAY)
        if poses is not None:
            for index, name in enumerate(options["objects"]):
                objects[str(name)].append(poses[:, index, :3])
        elif only is not None:
            objects[ONLY_OBJECT].append(only[:, :3])
        if (drawers := scan.get(TRUTH_SLIDES)) is not None:
            for index, name in enumerate(options["slides"]):
                slides[str(name)].append(drawers[:, index])
    return SceneTracks(dict(objects), dict(slides))


def coverage(position: Array) -> dict[str, Any]:
    """Ranges (m) of positions (N, 3), and the squares of the table and cubes of the room that they lie in."""
    cubes = np.unique(np.floor(position / CELL_M), axis=0)
    ranges = {axis: [float(column.min()), float(column.max())] for axis, column in zip("xyz", position.T, strict=True)}
    return {**ranges, "cells": len(np.unique(cubes[:, :2], axis=0)), "cubes": len(cubes)}


def object_facts(tracks: list[Array]) -> dict[str, Any]:
    """Coverage of one object, how far it went over the table, and in how many episodes it was moved and lifted."""
    paths = np.array([np.linalg.norm(np.diff(track[:, :2], axis=0), axis=1).sum() for track in tracks])
    rises = np.array([track[:, 2].max() - track[0, 2] for track in tracks])
    return {
        **coverage(np.concatenate(tracks)),
        "episodes": len(tracks),
        "path_m_per_episode": float(paths.mean()),
        "episodes_moved_2cm": int((paths > MOVED_M).sum()),
        "episodes_lifted_5cm": int((rises > LIFTED_M).sum()),
    }


def slide_facts(tracks: list[Array]) -> dict[str, Any]:
    """Range of one drawer, how far it went, and how often it was opened and closed by more than half of that range."""
    joined = np.concatenate(tracks)
    low, high = float(joined.min()), float(joined.max())
    opened = [np.diff((track > (low + high) / 2).astype(int)) for track in tracks]
    return {
        "range": [low, high],
        "episodes": len(tracks),
        "path_m_per_episode": float(np.mean([np.abs(np.diff(track)).sum() for track in tracks])),
        "opened": int(sum((change > 0).sum() for change in opened)),
        "closed": int(sum((change < 0).sum() for change in opened)),
    }


def gripper_facts(openings: list[Array]) -> dict[str, Any]:
    """Share of the steps with the gripper more than half open, and how often it closed by more than that."""
    opened = [track > 0.5 for track in openings]
    closings = [int((np.diff(track.astype(int)) < 0).sum()) for track in opened]
    return {"open_share": float(np.concatenate(opened).mean()), "closings_per_episode": float(np.mean(closings))}


def varied(found: Survey) -> dict[str, list[float]]:
    """Least and greatest value of every number that a randomisation drew, over the episodes; seeds are left out."""
    values: dict[str, list[float]] = defaultdict(list)
    for meta in found.metas:
        for name, value in meta.options.get("world", {}).items():
            numbers = np.ravel(value) if not isinstance(value, str) else np.zeros(0)
            values[name].extend(float(number) for number in numbers)
    shown = {name: numbers for name, numbers in values.items() if numbers and not name.endswith("_seed")}
    return {name: [min(numbers), max(numbers)] for name, numbers in shown.items()}
