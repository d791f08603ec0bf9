import dataclasses
import math

import pytest
import torch
from small_agents import settings

from crl_learning.algorithms.actor_losses import advantage_loss, climbing_loss, cloning_loss, log_likelihood


def test_the_cloning_loss_is_the_negative_log_likelihood_of_the_data():
    mean, actions = torch.randn(6, 7), torch.randn(6, 7)
    loss, info = cloning_loss(mean, actions, 0.3)
    expected = -torch.distributions.Normal(mean, 0.3).log_prob(actions).sum(-1).mean()
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    assert float(info["action_error"]) == pytest.approx(float((mean - actions).square().mean().sqrt()), rel=1e-5)


def test_a_perfect_clone_has_the_entropy_bound_as_loss():
    loss, _ = cloning_loss(torch.zeros(2, 7), torch.zeros(2, 7), 1.0)
    assert float(loss) == pytest.approx(7 * 0.5 * math.log(2 * math.pi))


def test_actions_past_the_end_of_a_trajectory_do_not_count():
    mean, actions = torch.randn(3, 6), torch.randn(3, 6)
    valid = torch.tensor([[True, True, True], [True, False, False], [True, True, False]])
    got = log_likelihood(mean, actions, 0.5, valid)
    each = torch.distributions.Normal(mean, 0.5).log_prob(actions)
    assert torch.allclose(got, torch.stack([each[0].sum(), each[1, :2].sum(), each[2, :4].sum()]), atol=1e-5)
    changed = actions.clone()
    changed[1, 2:] = 100.0
    loss, info = cloning_loss(mean, changed, 0.5, valid)
    assert float(loss) == pytest.approx(float(-got.mean()), rel=1e-5)
    assert info["action_error"] < 10


def test_a_convex_actor_weighs_cloning_against_the_rest():
    config = settings("stable_crl", bc_coef=0.2)
    loss, info = climbing_loss(torch.tensor(3.0), torch.tensor([1.0, 2.0]), config)
    assert float(loss) == pytest.approx(0.2 * 3 - 0.8 * 1.5)
    assert float(info["value"]) == 1.5


def test_an_additive_actor_leaves_the_value_its_full_weight():
    config = settings("crl_ogbench", bc_coef=3.0, normalise_q=False)
    loss, _ = climbing_loss(torch.tensor(3.0), torch.tensor([1.0, 2.0]), config)
    assert float(loss) == pytest.approx(3 * 3 - 1.5)


def test_normalised_values_pull_as_hard_at_any_scale():
    config = dataclasses.replace(settings("stable_crl"), normalise_q=True)
    pulls = []
    for scale in (1.0, 1000.0):
        value = torch.tensor([1.0, -3.0, 2.0], requires_grad=True)
        climbing_loss(torch.tensor(0.0), scale * value, config)[0].backward()
        pulls.append(value.grad)
    assert torch.allclose(pulls[0], pulls[1])
    assert torch.allclose(pulls[0], torch.full((3,), -0.9 / 3 / 2.0))


def test_advantages_weigh_actions_exponentially_up_to_a_limit_and_get_no_gradient():
    likelihood = torch.zeros(3, requires_grad=True)
    advantage = torch.tensor([0.0, 0.5, 50.0], requires_grad=True)
    advantage_loss(likelihood, advantage, 2.0)[0].backward()
    assert torch.allclose(likelihood.grad, -torch.tensor([1.0, math.e, 100.0]) / 3)
    assert advantage.grad is None
