"""Finds the project's configuration files in a checkout, a wheel and a colcon install alike."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from crl_robot.errors import ConfigError

_HERE = Path(__file__).resolve().parent


def config_file(name: str) -> Path:
    """A file of configs/, for example 'ros/fastdds.xml'. Raises ConfigError naming the places when it is in none."""
    candidates = [folder / name for folder in _config_folders()]
    for path in candidates:
        if path.is_file():
            return path
    raise ConfigError(f"no {name}, expected at one of {', '.join(map(str, candidates))}; install the project again")


def _config_folders() -> list[Path]:
    """configs/ of the checkout, of share/crl_bringup in each ament prefix, and of the wheel."""
    folders = [_HERE.parents[1] / "configs"]
    prefixes = filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))
    folders += [Path(prefix, "share", "crl_bringup", "configs") for prefix in prefixes]
    learning = find_spec("crl_learning")  # the wheel carries configs/ there; its name alone is looked up
    locations = learning.submodule_search_locations if learning else None
    return folders + [Path(location, "configs") for location in locations or ()]
