"""The files of one BridgeData trajectory: pickles of arrays, folders of JPEG files, a line of text.

Every function raises SourceError when what it reads is missing or damaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.exchange.errors import SourceError
from crl_data.exchange.pickles import load_numbers
from crl_data.exchange.source import Image

_CAMERA = re.compile(r"images(\d+)")
_PICTURE = re.compile(r"im_(\d+)\.jpe?g", re.IGNORECASE)


def read_actions(path: Path) -> NDArray[Any]:
    """float64 (T, A), one row per step, from a list of arrays or of dicts that have them as `actions`."""
    steps = load_numbers(path)
    steps = list(steps) if isinstance(steps, np.ndarray) else steps
    if isinstance(steps, list) and steps and isinstance(steps[0], dict):
        steps = [step.get("actions") if isinstance(step, dict) else None for step in steps]
    try:
        actions = np.asarray(steps, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SourceError(f"{path} holds no list of actions: {error}") from error
    if actions.ndim != 2 or not len(actions):
        raise SourceError(f"{path} holds actions of shape {actions.shape}, expected one row per step")
    return actions


def read_observations(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of numbers with a row per observation, by name."""
    data = load_numbers(path)
    if not isinstance(data, dict):
        raise SourceError(f"{path} holds {type(data).__name__}, expected a dict of arrays")
    arrays = {str(key): value for key, value in data.items() if isinstance(value, np.ndarray) and value.ndim}
    return {key: array for key, array in arrays.items() if array.dtype.kind in "fiub"}


def camera_folders(folder: Path) -> list[str]:
    """Names of the folders of pictures, in the order of their numbers; depth pictures are not among them."""
    names = [path.name for path in folder.iterdir() if _CAMERA.fullmatch(path.name) and path.is_dir()]
    if not names:
        raise SourceError(f"{folder} has no folder images0, images1, ...")
    return sorted(names, key=lambda name: int(name.removeprefix("images")))


def picture_files(folder: Path) -> list[Path]:
    """The pictures of one camera in the order of their numbers, without a hole."""
    numbered = {int(match[1]): path for path in folder.iterdir() if (match := _PICTURE.fullmatch(path.name))}
    missing = sorted(set(range(len(numbered))) - set(numbered))
    if missing:
        raise SourceError(f"{folder} lacks im_{missing[0]}.jpg, though it has later ones")
    return [numbered[number] for number in sorted(numbered)]


def read_pictures(files: list[Path]) -> Iterator[Image]:
    """The files' bytes, one after the other."""
    for path in files:
        try:
            yield path.read_bytes()
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error}") from error


def read_language(folder: Path) -> str:
    """What the trajectory is said to do, empty when nothing is said."""
    path = folder / "lang.txt"
    if not path.is_file():
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "; ".join(line.strip() for line in lines if line.strip() and "confidence" not in line)
