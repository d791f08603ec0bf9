import pytest

from crl_learning.eval_comparison import Group, compare_all, compare_groups
from crl_learning.trials import Trial
from crl_robot.errors import ContractError


def group(subject: str, outcomes: str, task: str = "reach", seed: int = 7, first: int = 0) -> Group:
    """One trial for each letter, y for success."""
    where = (0.3, 0.0, 0.1), (0.2, 0.1, 0.05), (0.3, 0.1), (0.4, 0.1)
    finals = [0.0 if letter == "y" else 1.0 for letter in outcomes]
    return Group(
        subject, task, tuple(Trial(task, seed, first + i, *where, 0.015, (1.0, m)) for i, m in enumerate(finals))
    )


def test_trials_are_paired_by_their_start_and_not_by_their_place():
    first = group("a", "yn", first=3)
    second = Group("b", "reach", (*group("b", "n", first=4).trials, *group("b", "y", first=3).trials))
    counts = compare_groups(first, second)
    assert (counts.both, counts.neither, counts.differ) == (1, 1, 0)


def test_only_common_starts_count():
    counts = compare_groups(group("a", "yyyy"), group("b", "nn", first=2))
    assert (counts.trials, counts.only_first) == (2, 2)


def test_subjects_without_a_common_start_cannot_be_compared():
    with pytest.raises(ContractError, match="a and b have no trial of reach in common; evaluate both with one seed"):
        compare_groups(group("a", "y", seed=1), group("b", "y", seed=2))


def test_every_two_subjects_are_compared_on_every_task_and_adjusted_for_their_number():
    groups = [group(name, word, task) for task in ("reach", "push") for name, word in (("a", "y" * 8), ("b", "n" * 8))]
    compared = compare_all([*groups, group("c", "y" * 8)])
    assert [(one.task, one.first, one.second) for one in compared] == [
        ("reach", "a", "b"),
        ("reach", "a", "c"),
        ("reach", "b", "c"),
        ("push", "a", "b"),
    ]
    assert compared[0].difference.value == 1.0
    assert compared[0].p_adjusted == pytest.approx(4 * compared[0].counts.p_value)
    assert compared[1].p_adjusted == 1.0


def test_one_subject_alone_is_compared_with_nobody():
    assert compare_all([group("a", "yn")]) == []
