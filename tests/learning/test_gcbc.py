import dataclasses

import torch
from small_agents import SMALL, agent, batch_for, reached_by, settings

from crl_learning.algorithms.actor_losses import cloning_loss
from crl_learning.batch import Batch

GCBC = settings("gcbc")


def test_it_is_cloning_and_has_no_critic():
    cloning, batch = agent(GCBC), batch_for(GCBC)
    loss, _ = cloning.loss(batch)
    expected, _ = cloning_loss(cloning.policy(batch.states, batch.goals), batch.actions, GCBC.std)
    assert torch.equal(loss, expected)
    assert cloning.critic is None
    assert reached_by(loss, cloning)


def test_it_clones_what_is_cropped():
    cloning, batch, other = agent(GCBC), batch_for(GCBC), batch_for(GCBC, seed=4)
    cropped = dataclasses.replace(batch, cloned_states=other.states, cloned_goals=other.goals)
    same = dataclasses.replace(other, actions=batch.actions)
    assert torch.equal(cloning.loss(cropped)[0], cloning.loss(same)[0])


def test_chunks_past_the_end_do_not_count():
    network = dataclasses.replace(SMALL, chunk=2)
    cloning, batch = agent(GCBC, network), batch_for(GCBC, network)
    first_only = torch.tensor([[True, False]]).expand(6, 2)
    wild = batch.actions.clone()
    wild[:, 5:] = 9.0
    losses = [
        cloning.loss(dataclasses.replace(batch, actions=one, action_valid=first_only))[0]
        for one in (batch.actions, wild)
    ]
    assert torch.equal(*losses)


def test_it_learns_the_action_that_leads_to_the_goal():
    """The action is the brightness of the goal minus that of the state."""
    cloning = agent(GCBC)
    optimiser = torch.optim.Adam(cloning.parameters(), lr=3e-3)
    first = None
    for _ in range(60):
        level = torch.rand(2, 32)
        states, goals = ((255 * one).to(torch.uint8)[:, None, None, None].expand(32, 16, 24, 3) for one in level)
        actions = ((level[1] - level[0]) * 0.8)[:, None].expand(32, 5)
        loss, info = cloning.loss(Batch(states.contiguous(), goals.contiguous(), actions, torch.zeros(32, 5)))
        first = first or float(info["action_error"])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(info["action_error"]) < 0.6 * first
