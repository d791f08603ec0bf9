import dataclasses
import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from crl_learning.batches import Batch
from crl_learning.config import AlgorithmConfig, NetworkConfig
from crl_learning.stable_crl import StableCrl, contrastive_loss, value_of

SMALL = NetworkConfig((4, 6, 6), 16, (16, 16), 8)
CRL = AlgorithmConfig("stable_crl", "geometric", 0.95, 0.15, 0.1, True, "both")
SIZE = (16, 16)


def agent_with(algorithm: AlgorithmConfig = CRL, *, warm: bool = True) -> StableCrl:
    torch.manual_seed(0)
    agent = StableCrl(SIZE, torch.ones(7), algorithm, SMALL)
    if warm:
        for head in (*agent.critic.phi, *agent.critic.psi):
            torch.nn.init.normal_(head.last.weight, std=0.3)
    return agent


def batch_of(size: int = 6) -> Batch:
    generator = torch.Generator().manual_seed(1)
    states, goals = (torch.randint(256, (size, 16, 16, 3), dtype=torch.uint8, generator=generator) for _ in range(2))
    actions = torch.rand(size, 7, generator=generator) * 2 - 1
    return Batch(states, goals, actions, torch.randn(size, 7, generator=generator))


def test_the_loss_is_the_weighted_binary_cross_entropy_of_every_pair():
    logits = torch.randn(2, 5, 5)
    weights = torch.full((5, 5), 1 / 4).fill_diagonal_(1)
    each = binary_cross_entropy_with_logits(logits, torch.eye(5).expand(2, 5, 5), reduction="none")
    loss, _ = contrastive_loss(logits)
    assert float(loss) == pytest.approx(float((each * weights).sum() / (2 * 5)), rel=1e-5)


def test_positives_rise_and_negatives_fall_and_weigh_the_same_in_sum():
    logits = torch.zeros(2, 5, 5, requires_grad=True)
    contrastive_loss(logits)[0].backward()
    gradient = logits.grad
    diagonal = gradient.diagonal(dim1=1, dim2=2)
    assert (diagonal < 0).all()
    assert float(gradient.sum()) == pytest.approx(0, abs=1e-6)
    assert ((gradient > 0).sum(dim=(1, 2)) == 20).all()


def test_metrics_tell_true_goals_from_others():
    logits = torch.full((2, 4, 4), -2.0)
    logits[:, range(4), range(4)] = 3.0
    _, info = contrastive_loss(logits)
    assert float(info["accuracy"]) == 1
    assert float(info["logit_true"]) == pytest.approx(3)
    assert float(info["logit_other"]) == pytest.approx(-2)


def test_the_value_is_the_smaller_of_the_twins_for_each_pair():
    phi = torch.tensor([[[1.0], [5.0]], [[2.0], [3.0]]])
    assert value_of(phi, torch.ones(2, 2, 1)).tolist() == [1, 3]


def test_the_actor_loss_reaches_the_policy_and_never_the_critic():
    agent, batch = agent_with(), batch_of()
    state, goal = agent.critic.encoder(torch.cat([batch.states, batch.goals])).chunk(2)
    loss, _ = agent.actor_loss(batch, state.detach(), agent.critic.goal(goal).detach())
    loss.backward()
    assert all(p.grad is None for p in agent.critic.parameters())
    assert all(p.grad is not None for p in agent.policy.parameters())
    assert all(p.requires_grad for p in agent.critic.parameters())


def test_one_backward_pass_gives_the_critic_exactly_the_gradient_of_its_own_loss():
    agent, batch = agent_with(), batch_of()
    agent.loss(batch)[0].backward()
    together = [p.grad.clone() for p in agent.critic.parameters()]
    agent.zero_grad()
    control = agent_with(dataclasses.replace(CRL, critic_term=False))
    control.loss(batch)[0].backward()
    for one, other in zip(together, control.critic.parameters(), strict=True):
        assert torch.allclose(one, other.grad, atol=1e-7)


def test_with_the_critic_term_off_the_actor_only_clones():
    agent, batch = agent_with(dataclasses.replace(CRL, critic_term=False)), batch_of()
    loss, info = agent.actor_loss(batch, torch.zeros(6, 16), torch.zeros(2, 6, 8))
    assert loss.detach() == info["bc_loss"]
    assert "value" not in info


def test_the_actor_is_pulled_towards_actions_of_higher_value():
    """Finite difference: a small step against the gradient of the critic's term raises the value."""
    agent, batch = agent_with(dataclasses.replace(CRL, bc_coef=0.0)), batch_of()
    with torch.no_grad():
        state, goal = agent.critic.encoder(torch.cat([batch.states, batch.goals])).chunk(2)
        psi = agent.critic.goal(goal)
    loss, before = agent.actor_loss(batch, state, psi)
    loss.backward()
    with torch.no_grad():
        for p in agent.policy.parameters():
            p -= 1e-3 * p.grad
    assert agent.actor_loss(batch, state, psi)[1]["value"] > before["value"]


def test_entries_that_never_move_get_no_noise():
    agent, batch = agent_with(), batch_of()
    agent.policy.free.zero_()
    seen = []
    agent.critic.phi[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][:, -7:]))
    agent.actor_loss(batch, torch.zeros(6, 16), torch.zeros(2, 6, 8))
    assert (seen[0] == 0).all()


def moving_square() -> torch.Tensor:
    """16 pictures (16, 16, 16, 3) of a white square that walks over a 4 x 4 grid."""
    pictures = torch.zeros(16, 16, 16, 3, dtype=torch.uint8)
    for i in range(16):
        row, column = 4 * (i // 4), 4 * (i % 4)
        pictures[i, row : row + 4, column : column + 4] = 255
    return pictures


def test_from_a_cold_start_the_critic_learns_which_goal_follows_which_state():
    agent = agent_with(warm=False)
    optimiser = torch.optim.Adam(agent.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(3)
    states = moving_square()
    losses = []
    for _ in range(200):
        noise = torch.randn(16, 7, generator=generator)
        loss, info = agent.loss(Batch(states, states.roll(1, 0), noise.clamp(-1, 1), noise))
        losses.append(float(info["critic_loss"]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[0] == pytest.approx(2 * math.log(2), abs=1e-3)
    assert losses[-1] < 0.6 * losses[0]
    assert float(info["accuracy"]) > 5 / 16
