"""Subjects that met the same trials, two by two: which of them is better, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Generic, Protocol, TypeVar

from crl_learning.statistics import Interval, PairedComparison, compare_paired, holm, paired_difference
from crl_learning.trials import Trial
from crl_robot.errors import ContractError

Key = tuple[int, int]


class Outcome(Protocol):
    """A trial, as far as comparisons look at it: seed and index say from what start to what goal."""

    @property
    def seed(self) -> int: ...
    @property
    def index(self) -> int: ...
    @property
    def success_final(self) -> bool: ...


AnyTrial = TypeVar("AnyTrial", bound=Outcome)


@dataclass(frozen=True)
class TrialGroup(Generic[AnyTrial]):
    """All trials of one subject on one task, of all seeds."""

    subject: str
    task: str
    trials: tuple[AnyTrial, ...]

    def by_start(self) -> dict[Key, AnyTrial]:
        """The trials by seed and index, which say from what start to what goal."""
        return {(trial.seed, trial.index): trial for trial in self.trials}


Group = TrialGroup[Trial]


@dataclass(frozen=True)
class SubjectComparison:
    """Two subjects on the trials that both met. ``p_adjusted`` is Holm's, for all comparisons of the evaluation."""

    task: str
    first: str
    second: str
    counts: PairedComparison
    difference: Interval
    p_adjusted: float

    def facts(self) -> dict[str, Any]:
        """As summary.json has it."""
        return {
            "task": self.task,
            "first": self.first,
            "second": self.second,
            "trials": self.counts.trials,
            "both": self.counts.both,
            "only_first": self.counts.only_first,
            "only_second": self.counts.only_second,
            "neither": self.counts.neither,
            "difference": self.difference.value,
            "difference_low": self.difference.low,
            "difference_high": self.difference.high,
            "p_value": self.counts.p_value,
            "p_value_holm": self.p_adjusted,
        }


def compare_all(groups: Sequence[TrialGroup[Any]]) -> list[SubjectComparison]:
    """Every two subjects on every task that both were evaluated on, by success at the last control tick.

    Raises:
        ContractError: two subjects have no trial in common.
    """
    tasks = dict.fromkeys(group.task for group in groups)
    pairs = [pair for task in tasks for pair in combinations([group for group in groups if group.task == task], 2)]
    counts = [compare_groups(first, second) for first, second in pairs]
    adjusted = holm([one.p_value for one in counts])
    return [
        SubjectComparison(a.task, a.subject, b.subject, one, paired_difference(one), p)
        for (a, b), one, p in zip(pairs, counts, adjusted, strict=True)
    ]


def compare_groups(first: TrialGroup[Any], second: TrialGroup[Any]) -> PairedComparison:
    """McNemar's test on the starts that both groups have. Raises ContractError when there are none."""
    mine, theirs = first.by_start(), second.by_start()
    common = sorted(mine.keys() & theirs.keys())
    if not common:
        raise ContractError(
            f"{first.subject} and {second.subject} have no trial of {first.task} in common; evaluate both with one seed"
        )
    return compare_paired([mine[key].success_final for key in common], [theirs[key].success_final for key in common])
