import pytest
import torch

from crl_learning.dataset import Transitions
from crl_learning.sampler import geometric_offset, sample_pairs, uniform_offset

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


def test_states_are_uniform_over_transitions_and_goals_come_later_in_the_same_trajectory():
    rows = Transitions(torch.tensor([0, 1, 5, 6, 7]), torch.tensor([2, 1, 3, 2, 1]))
    end = dict(zip(rows.index.tolist(), (rows.index + rows.remaining).tolist(), strict=True))
    state, goal = sample_pairs(rows, 20_000, "geometric", 0.9, torch.Generator().manual_seed(0))
    assert all(s < g <= end[s] for s, g in zip(state.tolist(), goal.tolist(), strict=True))
    counts = torch.bincount(state)[rows.index]
    assert (counts / len(state) - 0.2).abs().max() < 0.02


def test_the_same_generator_state_gives_the_same_pairs():
    rows = Transitions(torch.arange(50), torch.arange(50, 0, -1))
    first, second = (sample_pairs(rows, 64, "uniform", 0.9, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
