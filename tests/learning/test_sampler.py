import pytest
import torch

from crl_learning.config import BatchNeeds, GoalMixture
from crl_learning.dataset import Transitions
from crl_learning.draws import DrawSettings, draw
from crl_learning.sampler import (
    RANDOM_GOAL,
    chunk_positions,
    clamped_offset,
    future_offset,
    geometric_offset,
    sample_goals,
    uniform_offset,
)

GRID = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
"""Evenly spaced in (0, 1): the inverse of a distribution applied to it has exactly that distribution."""


def shares(offsets: torch.Tensor, remaining: int) -> torch.Tensor:
    return torch.bincount(offsets, minlength=remaining + 1)[1:] / len(offsets)


def closed_form(gamma: float, remaining: int) -> torch.Tensor:
    weights = gamma ** torch.arange(remaining, dtype=torch.float64)
    return weights / weights.sum()


@pytest.mark.parametrize("remaining", [1, 2, 5, 60, 400])
@pytest.mark.parametrize("gamma", [0.5, 0.95, 0.99])
def test_geometric_goals_follow_the_truncated_and_renormalised_distribution(gamma, remaining):
    offsets = geometric_offset(torch.full((len(GRID),), remaining), gamma, GRID)
    assert offsets.min() >= 1
    assert offsets.max() <= remaining
    assert (shares(offsets, remaining) - closed_form(gamma, remaining)).abs().max() < 2 / len(GRID)


def test_no_goals_pile_up_at_the_end_of_a_trajectory():
    """Clamping instead of renormalising would put gamma^9 = 0.63 of all goals on the last observation."""
    offsets = geometric_offset(torch.full((len(GRID),), 10), 0.95, GRID)
    assert (offsets == 10).double().mean() == pytest.approx(0.95**9 * 0.05 / (1 - 0.95**10), abs=1e-4)


def test_the_ends_of_the_uniform_draw_stay_inside_the_trajectory():
    edges = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    assert geometric_offset(torch.tensor([7, 7]), 0.95, edges).tolist() == [1, 7]
    assert uniform_offset(torch.tensor([7, 7]), edges).tolist() == [1, 7]


def test_uniform_goals_are_equally_likely_over_the_rest_of_the_trajectory():
    offsets = uniform_offset(torch.full((len(GRID),), 8), GRID)
    assert (shares(offsets, 8) - 1 / 8).abs().max() < 2 / len(GRID)


def p_value(counts: torch.Tensor, expected: torch.Tensor) -> float:
    """Of Pearson's chi-square test of counts against expected shares; rare outcomes are put together."""
    expected = expected * counts.sum()
    order = expected.argsort()
    rare = int((expected[order].cumsum(0) < 10).sum())
    groups = [(counts[order[: rare + 1]].sum(), expected[order[: rare + 1]].sum())]
    groups += [(counts[place], expected[place]) for place in order[rare + 1 :]]
    if len(groups) == 1:
        return 1.0
    statistic = sum((got - wanted) ** 2 / wanted for got, wanted in groups)
    return float(torch.special.gammaincc(torch.tensor((len(groups) - 1) / 2).double(), statistic.double() / 2))


def law_of(mixture: GoalMixture, remaining: int) -> torch.Tensor:
    ahead = torch.arange(remaining, dtype=torch.float64)
    if mixture.law == "uniform":
        return torch.full((remaining,), 1 / remaining, dtype=torch.float64)
    weights = mixture.gamma**ahead
    if mixture.law == "geometric":
        return weights / weights.sum()
    weights = weights * (1 - mixture.gamma)
    weights[-1] = mixture.gamma ** (remaining - 1)
    return weights


@pytest.mark.parametrize("remaining", [1, 2, 3, 40])
@pytest.mark.parametrize("law", ["geometric", "uniform", "clamped"])
def test_offsets_pass_a_chi_square_test_of_their_law(law, remaining):
    mixture = GoalMixture(law, 0.9)
    uniform = torch.rand(50_000, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    offsets = future_offset(mixture, torch.full((50_000,), remaining), uniform)
    counts = torch.bincount(offsets - 1, minlength=remaining)
    assert len(counts) == remaining
    assert p_value(counts, law_of(mixture, remaining)) > 1e-3


def test_the_chi_square_test_tells_clamped_goals_from_truncated_ones():
    uniform = torch.rand(50_000, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    counts = torch.bincount(clamped_offset(torch.full((50_000,), 40), 0.95, uniform) - 1, minlength=40)
    assert p_value(counts, law_of(GoalMixture("geometric", 0.95), 40)) < 1e-9


ROWS = Transitions(torch.tensor([0, 1, 5, 6, 7]), torch.tensor([2, 1, 3, 2, 1]))


def goals_of(mixture: GoalMixture, size: int = 20_000, seed: int = 0, rows: Transitions = ROWS):
    settings = DrawSettings(size, BatchNeeds(mixture), 0, 0.0)
    draws = draw(settings, len(rows), 7, torch.Generator().manual_seed(seed))
    state, remaining = rows.index[draws.row], rows.remaining[draws.row]
    return (state, *sample_goals(mixture, rows, state, remaining, draws.goals))


def test_states_are_uniform_over_transitions_and_goals_come_later_in_the_same_trajectory():
    end = dict(zip(ROWS.index.tolist(), (ROWS.index + ROWS.remaining).tolist(), strict=True))
    state, goal, offset = goals_of(GoalMixture("geometric", 0.9))
    assert all(s < g <= end[s] for s, g in zip(state.tolist(), goal.tolist(), strict=True))
    assert torch.equal(goal - state, offset)
    assert p_value(torch.bincount(state)[ROWS.index], torch.full((5,), 0.2)) > 1e-3


def test_a_mixture_has_its_parts_and_the_rest_are_future_goals():
    """At states with 30 observations left, so that a future goal is rarely the next one."""
    rows = Transitions(torch.arange(0, 1000, 100), torch.full((10,), 30))
    _, _, offset = goals_of(GoalMixture("uniform", 0.9, random=0.3, next=0.2, current=0.1), rows=rows)
    parts = torch.tensor([(offset == RANDOM_GOAL).sum(), (offset == 0).sum(), (offset == 1).sum(), (offset > 1).sum()])
    of_chance = 0.3 / len(rows.observations)  # a random goal that is the state itself counts as such
    expected = torch.tensor([0.3 - of_chance, 0.1 + of_chance, 0.2 + 0.4 / 30, 0.4 * 29 / 30], dtype=torch.float64)
    assert p_value(parts, expected) > 1e-3


def test_random_goals_are_uniform_over_all_observations_ends_of_trajectories_too():
    _, goal, _ = goals_of(GoalMixture("uniform", 0.9, random=1.0))
    assert ROWS.observations.tolist() == [0, 1, 2, 5, 6, 7, 8]
    counts = torch.bincount(goal, minlength=9)[ROWS.observations]
    assert counts.sum() == len(goal)
    assert p_value(counts, torch.full((7,), 1 / 7)) > 1e-3


def test_only_next_and_only_current_goals_are_exactly_that():
    state, goal, offset = goals_of(GoalMixture("geometric", 0.9, next=1.0))
    assert torch.equal(goal, state + 1)
    assert (offset == 1).all()
    state, goal, offset = goals_of(GoalMixture("geometric", 0.9, current=1.0))
    assert torch.equal(goal, state)
    assert not offset.any()


def test_the_same_generator_state_gives_the_same_goals():
    rows = Transitions(torch.arange(50), torch.arange(50, 0, -1))
    mixture = GoalMixture("uniform", 0.9, random=0.5)
    for one, same in zip(goals_of(mixture, 64, 5, rows), goals_of(mixture, 64, 5, rows), strict=True):
        assert torch.equal(one, same)


def test_a_chunk_stays_within_its_run_and_says_which_actions_are_real():
    positions, valid = chunk_positions(torch.tensor([3, 9]), torch.tensor([5, 2]), 4)
    assert positions.tolist() == [[3, 4, 5, 6], [9, 10, 10, 10]]
    assert valid.tolist() == [[True] * 4, [True, True, False, False]]
