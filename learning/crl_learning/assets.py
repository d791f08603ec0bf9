"""Finds checkpoints: those the user names, and those that ship with the project in models/."""

from __future__ import annotations

import os
from pathlib import Path


def checkpoint_folder(name: str) -> Path:
    """The absolute folder of a checkpoint, whether it is there or not.

    ``name`` starts at the caller's folder; where nothing lies there, at the checkout, the wheel or the colcon install
    of this project, so that 'models/reach' is found from anywhere.
    """
    given = Path(name).expanduser().absolute()
    here = Path(__file__).resolve().parent
    prefixes = filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))
    roots = (here.parents[1], here, *(Path(prefix, "share", "crl_bringup") for prefix in prefixes))
    return next((path for path in (given, *(root / name for root in roots)) if path.exists()), given)
