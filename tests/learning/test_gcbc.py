import math

import pytest
import torch

from crl_learning.batches import Batch
from crl_learning.config import AlgorithmConfig, NetworkConfig
from crl_learning.gcbc import Gcbc, cloning_loss

SMALL = NetworkConfig((4, 6, 6), 16, (16, 16), 8)
GCBC = AlgorithmConfig("gcbc", "uniform", 0.95, 0.15, 1.0, False, "both")


def test_the_loss_is_the_negative_log_likelihood_of_the_data():
    mean, actions = torch.randn(6, 7), torch.randn(6, 7)
    loss, info = cloning_loss(mean, actions, 0.3)
    expected = -torch.distributions.Normal(mean, 0.3).log_prob(actions).sum(-1).mean()
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    assert float(info["action_error"]) == pytest.approx(float((mean - actions).square().mean().sqrt()), rel=1e-5)


def test_a_perfect_clone_has_the_entropy_bound_as_loss():
    loss, _ = cloning_loss(torch.zeros(2, 7), torch.zeros(2, 7), 1.0)
    assert float(loss) == pytest.approx(7 * 0.5 * math.log(2 * math.pi))


def test_it_learns_the_action_that_leads_to_the_goal():
    """The action is the brightness of the goal minus that of the state."""
    torch.manual_seed(0)
    agent = Gcbc((16, 16), torch.ones(7), GCBC, SMALL)
    optimiser = torch.optim.Adam(agent.parameters(), lr=3e-3)
    first = None
    for _ in range(60):
        level = torch.rand(2, 32)
        states, goals = ((255 * one).to(torch.uint8)[:, None, None, None].expand(32, 16, 16, 3) for one in level)
        actions = ((level[1] - level[0]) * 0.8)[:, None].expand(32, 7)
        loss, info = agent.loss(Batch(states.contiguous(), goals.contiguous(), actions, torch.zeros(32, 7)))
        first = first or float(info["action_error"])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(info["action_error"]) < 0.6 * first
