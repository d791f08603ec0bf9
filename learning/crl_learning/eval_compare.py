"""crl-eval compare=[SIM,REAL]: success beside success, trial by trial where starts are the same, and over policies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from crl_learning.eval_compare_page import write_compare_page
from crl_learning.eval_config import EvalConfig
from crl_learning.eval_folders import Results, identical_trajectories, read_results
from crl_learning.outputs import evaluation_folder
from crl_learning.sim_to_real import PolicyPair, Prediction, predict
from crl_learning.statistics import Interval, PairedComparison, compare_paired, wilson
from crl_robot.errors import ConfigError

HEADINGS = ("first, % [95 %]", "second, % [95 %]", "ends", "ways")
"""Of the columns beside the policy's name, kept narrow for its sake; see `cells`."""


@dataclass(frozen=True)
class PolicyRow:
    """One policy on one task in both folders. ``paired`` counts the trials with common starts, None without any."""

    task: str
    pair: PolicyPair
    paired: PairedComparison | None
    identical: tuple[int, int] | None

    @property
    def agreement(self) -> Interval | None:
        """Share of common starts with one outcome."""
        if self.paired is None:
            return None
        return wilson(self.paired.trials - self.paired.differ, self.paired.trials)

    def facts(self) -> dict[str, Any]:
        """As comparison.json has it."""
        facts: dict[str, Any] = {"policy": self.pair.name}
        for side, interval in zip(("sim", "real"), self.pair.shares, strict=True):
            facts |= {f"{side}_success": interval.value, f"{side}_low": interval.low, f"{side}_high": interval.high}
        facts |= {"sim_trials": len(self.pair.sim), "real_trials": len(self.pair.real)}
        if self.paired is not None:
            same = self.paired.trials - self.paired.differ
            facts |= {"common_starts": self.paired.trials, "agree": same, "p_value": self.paired.p_value}
            facts |= {"only_sim": self.paired.only_first, "only_real": self.paired.only_second}
        if self.identical is not None:
            facts |= {"identical_trajectories": self.identical[0]}
        return facts


@dataclass(frozen=True)
class TaskComparison:
    """All policies on one task, and what that says about simulation as a predictor."""

    task: str
    rows: tuple[PolicyRow, ...]
    prediction: Prediction

    def facts(self) -> dict[str, Any]:
        """As comparison.json has it; what is not defined is null."""
        found = self.prediction
        facts: dict[str, Any] = {"policies": [row.facts() for row in self.rows]}
        for name, interval in (("pearson", found.pearson), ("mmrv", found.mmrv)):
            for end, value in (("", interval.value), ("_low", interval.low), ("_high", interval.high)):
                facts[f"{name}{end}"] = value if isfinite(value) else None
        return facts | {"conclusive": found.conclusive, "caveats": list(found.caveats)}


def compare_folders(config: EvalConfig, command: Sequence[str], console: Console) -> list[TaskComparison]:
    """Compare the two folders of ``config``, write comparison.json and report.html into ``out`` and print tables.

    Raises:
        ConfigError: a folder cannot be read, or no task and policy is in both.
    """
    sim, real = (read_results(folder) for folder in config.compare)
    compared = compare(sim, real)
    out = evaluation_folder(config.out, config.overwrite)
    about = {"command": " ".join(command), "sim": str(sim.folder), "real": str(real.folder)}
    facts = about | {"tasks": {one.task: one.facts() for one in compared}}
    (out / "comparison.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    write_compare_page(out / "report.html", compared, about)
    for one in compared:
        _tell(console, one)
    console.print(f"comparison.json and report.html are in {out}", highlight=False, markup=False, soft_wrap=True)
    return compared


def compare(sim: Results, real: Results) -> list[TaskComparison]:
    """Every task that both have. Raises ConfigError when no task and policy is in both."""
    found = []
    for task in sim.tasks:
        rows = tuple(_row(sim, real, task, *names) for names in _common(sim.policies(task), real.policies(task)))
        if rows:
            found.append(TaskComparison(task, rows, predict([row.pair for row in rows], np.random.default_rng(0))))
    if not found:
        raise ConfigError(
            f"{sim.folder} has {sorted(sim.outcomes)}, {real.folder} has {sorted(real.outcomes)}, expected some task "
            "and policy in both; name checkpoints alike on both sides"
        )
    return found


def _common(mine: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, str]]:
    """Policies of one name; where both sides have but one, those two, for a checkpoint may lie elsewhere there."""
    if len(mine) == len(theirs) == 1:
        return [(mine[0], theirs[0])]
    return [(name, name) for name in mine if name in theirs]


def _row(sim: Results, real: Results, task: str, policy: str, there: str) -> PolicyRow:
    mine, theirs = sim.outcomes[task, policy], real.outcomes[task, there]
    common = sorted(mine.keys() & theirs.keys())
    paired = compare_paired([mine[key] for key in common], [theirs[key] for key in common]) if common else None
    name = policy if policy == there else f"{policy} as {there}"
    pair = PolicyPair(name, tuple(mine.values()), tuple(theirs.values()))
    return PolicyRow(task, pair, paired, identical_trajectories(sim, real, (task, policy), (task, there)))


def _tell(console: Console, compared: TaskComparison) -> None:
    table = Table(title=compared.task, title_justify="left")
    for heading in ("policy", *HEADINGS):
        right = heading != "policy"
        table.add_column(heading, justify="right" if right else "left", no_wrap=right, overflow="fold")
    for row in compared.rows:
        table.add_row(row.pair.name, *cells(row))
    console.print(table)
    console.print("ends, ways: common starts with one outcome, and with one trajectory to the bit", highlight=False)
    for line in said(compared.prediction):
        console.print(line, highlight=False, markup=False)


def cells(row: PolicyRow) -> tuple[str, str, str, str]:
    """Both shares, and how many of the common starts had one outcome and one trajectory."""
    first, second = (share.in_percent for share in row.pair.shares)
    outcome = f"{row.paired.trials - row.paired.differ}/{row.paired.trials}" if row.paired else "-"
    return first, second, outcome, f"{row.identical[0]}/{row.identical[1]}" if row.identical else "-"


def said(prediction: Prediction) -> list[str]:
    """What the policies together say, and what keeps one from concluding."""
    if prediction.policies < 2:
        return ["One policy: how well one side predicts the other needs several, so neither r nor MMRV is given."]
    r, violation = (_interval_words(one) for one in (prediction.pearson, prediction.mmrv))
    lines = [f"{prediction.policies} policies: Pearson's r {r}, MMRV {violation} (95 % bootstrap)"]
    if not prediction.conclusive:
        lines.append(f"Too little to conclude from: {'; '.join(prediction.caveats)}.")
    return lines


def _interval_words(interval: Interval) -> str:
    if not isfinite(interval.value):
        return "undefined"
    return f"{interval.value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"
