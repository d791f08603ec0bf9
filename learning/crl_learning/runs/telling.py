"""From a run's folder to its episode: the goals that lie beside the store belong into it, and the ticks, too."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.telling import Picture, Told, ToldGoal
from crl_data.told_ticks import ToldTicks
from crl_robot.goal_image import load_goal_image


def told_of(folder: Path, facts: Mapping[str, Any], ticks: ToldTicks) -> Told:
    """What the policy told of the run in ``folder``, pictures read when they are used; ``facts`` as in its run.json."""
    goals = [_told_goal(folder, facts, entry) for entry in facts["goals"]]
    return Told(str(facts["cameras"][0]), goals, ticks)


def _told_goal(folder: Path, facts: Mapping[str, Any], entry: Mapping[str, Any]) -> ToldGoal:
    width, height = facts["native"]
    files = {str(facts["goal_camera"]): entry["file"], **entry["others"]}
    pictures: dict[str, Picture] = {
        camera: functools.partial(_picture, folder / file, (int(width), int(height))) for camera, file in files.items()
    }
    return ToldGoal(entry["source"], entry["stamp_ns"], entry["stage"], entry["warnings"], pictures)


def _picture(file: Path, native: tuple[int, int]) -> NDArray[np.uint8]:
    return load_goal_image(file, native).image
