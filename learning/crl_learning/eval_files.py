"""What machines read after an evaluation: summary.json, trials.csv and trajectories.npz."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.algorithm_config import called
from crl_learning.assets import checkpoint_folder
from crl_learning.checkpoint import load_meta
from crl_learning.csv_rows import write_rows
from crl_learning.eval_comparison import Group, SubjectComparison
from crl_learning.eval_config import EvalConfig
from crl_learning.provenance import git_commit
from crl_learning.trials import Trial, episode_seed, summarise


def write_trials(path: Path, groups: Sequence[Group]) -> None:
    """Write one row per trial, in the given order."""
    rows = [trial.row() | {"policy": group.subject} for group in groups for trial in group.trials]
    write_rows(path, rows)


def write_summary(
    path: Path, groups: Sequence[Group], comparisons: Sequence[SubjectComparison], facts: dict[str, Any]
) -> None:
    """Write `summary_of` as JSON."""
    path.write_text(json.dumps(summary_of(groups, comparisons, facts), indent=2) + "\n", encoding="utf-8")


def summary_of(
    groups: Sequence[Group], comparisons: Sequence[SubjectComparison], facts: dict[str, Any]
) -> dict[str, Any]:
    """One policy: ``{"tasks": {task: ...}}``, and the keys of a single task at the top as well. Several: by policy."""
    return by_policy([(group.subject, group.task, summarise(group.trials)) for group in groups], comparisons, facts)


def evaluation_facts(
    config: EvalConfig, command: Sequence[str], wall_s: float, more: Mapping[str, Any]
) -> dict[str, Any]:
    """How an evaluation was made; ``more`` is what only one kind of it has."""
    subjects, seeds = config.subjects, config.seeds
    return {
        "command": " ".join(command),
        "policy": subjects[0].kind if len(subjects) == 1 else [subject.name for subject in subjects],
        "checkpoint": config.checkpoint,
        "seed": seeds[0] if len(seeds) == 1 else list(seeds),
        **more,
        "code": git_commit(),
        "wall_seconds": round(wall_s, 2),
    }


def training_facts(checkpoints: Iterable[str]) -> dict[str, Any]:
    """``{"trained": {checkpoint: {"algorithm": ..., "objective": ..., "critic_term": ...}}}``; nothing where none is.

    ``objective`` is that of a contrastive critic, else None; ``critic_term`` whether a critic trained the actor. Raises
    CheckpointError.
    """
    metas = {name: load_meta(checkpoint_folder(name)) for name in checkpoints}
    trained = {
        name: {"algorithm": meta.algorithm, "objective": meta.objective, "critic_term": meta.critic_term}
        for name, meta in metas.items()
    }
    return {"trained": trained} if trained else {}


def training_words(one: Mapping[str, Any]) -> str:
    """One entry of `training_facts` for people."""
    objective = f", objective {one['objective']}" if one["objective"] else ""
    return called(one["algorithm"], one["critic_term"]) + objective


def by_policy(
    summaries: Sequence[tuple[str, str, dict[str, Any]]],
    comparisons: Sequence[SubjectComparison],
    facts: dict[str, Any],
) -> dict[str, Any]:
    """The same from (policy, task, summary)."""
    policies: dict[str, dict[str, Any]] = {}
    for policy, task, summary in summaries:
        policies.setdefault(policy, {})[task] = summary
    if len(policies) > 1:
        named = {name: {"tasks": tasks} for name, tasks in policies.items()}
        return {"policies": named, "comparisons": [one.facts() for one in comparisons], **facts}
    (tasks,) = policies.values()
    top = next(iter(tasks.values())) if len(tasks) == 1 else {}
    return {"tasks": tasks, **top, **facts}


def write_trajectories(path: Path, groups: Sequence[Group]) -> None:
    """Write what happened at each control tick, bit for bit.

    Arrays over N trials: ``policy``, ``task``, ``episode_seed``, ``distance_m`` (N, T) and ``tool_m`` (N, T, 3), the
    first entry being before the first action; T is the longest trial's, shorter ones end with nan.
    """
    trials = [(group.subject, trial) for group in groups for trial in group.trials]
    length = max(len(trial.distances_m) for _, trial in trials)
    np.savez_compressed(
        path,
        policy=np.array([name for name, _ in trials]),
        task=np.array([trial.task for _, trial in trials]),
        episode_seed=np.array([episode_seed(trial.seed, trial.index) for _, trial in trials]),
        distance_m=np.stack([_padded(np.array(trial.distances_m), length) for _, trial in trials]),
        tool_m=np.stack([_padded(_tools(trial), length) for _, trial in trials]),
    )


def _tools(trial: Trial) -> NDArray[np.float64]:
    return np.array(trial.tool_path, dtype=np.float64).reshape(-1, 3)


def _padded(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    padded = np.full((length, *values.shape[1:]), np.nan)
    padded[: len(values)] = values
    return padded
