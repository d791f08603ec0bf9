"""Reads back what an evaluation, or trials on a robot, left in a folder: who succeeded from which start."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crl_robot.errors import ConfigError

Key = tuple[str, str]
"""Task and policy."""


@dataclass(frozen=True)
class Results:
    """One folder: success at the end by task and policy, then by the trial's episode seed."""

    folder: Path
    outcomes: Mapping[Key, Mapping[int, bool]]

    def policies(self, task: str) -> list[str]:
        """Policies that were run on a task."""
        return [policy for one, policy in self.outcomes if one == task]

    @property
    def tasks(self) -> list[str]:
        """Tasks that were run."""
        return list(dict.fromkeys(task for task, _ in self.outcomes))


def read_results(folder: str | Path) -> Results:
    """Read trials.csv. Raises ConfigError when it is missing or is not of an evaluation."""
    path = Path(folder).expanduser()
    file = path / "trials.csv"
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            rows = list(csv.DictReader(opened))
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read ({error.strerror}), expected the folder of a crl-eval or of trials on a robot"
        ) from error
    known = _only_policy(path)
    outcomes: dict[Key, dict[int, bool]] = {}
    try:
        for row in rows:
            key = row["task"], row.get("policy") or known
            outcomes.setdefault(key, {})[int(row["episode_seed"])] = row["success_final"] == "1"
    except (KeyError, ValueError) as error:
        raise ConfigError(f"{file} is not of an evaluation: {error!r}; run crl-eval again") from error
    if not outcomes:
        raise ConfigError(f"{file} has no trials, expected at least one; run some first")
    return Results(path, outcomes)


def identical_trajectories(first: Results, second: Results, key: Key, there: Key) -> tuple[int, int] | None:
    """How many of the common trials went the same way to the bit, and how many there are.

    None where a folder has no trajectories of its task and policy, ``key`` of the first and ``there`` of the second.
    """
    paths = [_trajectories(results.folder, wanted) for results, wanted in ((first, key), (second, there))]
    if not all(paths):
        return None
    common = paths[0].keys() & paths[1].keys()
    return sum(paths[0][seed] == paths[1][seed] for seed in common), len(common)


def _trajectories(folder: Path, key: Key) -> dict[int, bytes]:
    """Bytes of distances and tool positions by episode seed."""
    file = folder / "trajectories.npz"
    if not file.exists():
        return {}
    with np.load(file) as held:
        wanted = (held["task"] == key[0]) & (held["policy"] == key[1])
        seeds, distances, tools = (held[name][wanted] for name in ("episode_seed", "distance_m", "tool_m"))
    return {
        int(seed): distance.tobytes() + tool.tobytes()
        for seed, distance, tool in zip(seeds, distances, tools, strict=True)
    }


def _only_policy(folder: Path) -> str:
    """Name of the policy where the rows do not tell: older evaluations were of one."""
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        return str(summary.get("checkpoint") or summary["policy"])
    except (OSError, ValueError, KeyError):
        return folder.name
