"""GCIQL, GCIVL and HIQL: what they share, and what each is on a chain whose values are known."""

import dataclasses

import pytest
import torch
from small_agents import SMALL, VECTOR, agent, batch_for, reached_by, settings

from crl_learning.algorithms.iql import backed_up, expectile_loss, reached
from crl_learning.algorithms.make import make_algorithm
from crl_learning.batch import Batch

NAMES = ("gciql", "gcivl", "hiql")
LENGTH = 6
GAMMA = 0.8


def test_the_expectile_of_numbers_lies_where_their_weighted_distances_cancel():
    numbers = torch.tensor([0.0, 1.0, 5.0])
    value = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([value], max_iter=50, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = expectile_loss(numbers - value, numbers - value, 0.9).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    e = float(value.detach())
    assert 0.9 * (5 - e) == pytest.approx(0.1 * (e + e - 1), abs=1e-3)


def test_half_an_expectile_is_the_mean_square():
    difference = torch.randn(9)
    assert torch.allclose(expectile_loss(difference, difference, 0.5), 0.5 * difference.square())


def offsets(*values: int) -> Batch:
    blank = torch.zeros(len(values), 3)
    return Batch(blank, blank, blank, blank, goal_offsets=torch.tensor(values))


def test_a_goal_is_reached_at_the_state_itself_or_by_the_next_one():
    batch = offsets(0, 1, 2, -1)
    assert reached(batch, "current").tolist() == [1, 0, 0, 0]
    assert reached(batch, "next").tolist() == [1, 1, 0, 0]


def test_every_step_costs_one_until_the_goal_where_nothing_comes_after():
    values = backed_up(torch.tensor([-4.0, -4.0]), torch.tensor([0.0, 1.0]), 0.9)
    assert values.tolist() == pytest.approx([-1 - 0.9 * 4, 0])


@pytest.mark.parametrize("name", NAMES)
def test_targets_get_no_gradient_and_everything_else_does(name):
    config = settings(name)
    learner = agent(config)
    names = reached_by(learner.loss(batch_for(config))[0], learner)
    trained = {n for n, p in learner.named_parameters() if p.requires_grad}
    assert not [n for n in names if "target" in n]
    assert {n.split(".")[0] for n in names} == {n.split(".")[0] for n in trained}
    ((target, network),) = learner.followers()
    assert [p.shape for p in target.parameters()] == [p.shape for p in network.parameters()]


@pytest.mark.parametrize("name", NAMES)
def test_the_actor_never_trains_the_values(name):
    config = settings(name, subgoal_gradient=False)
    learner, batch = agent(config), batch_for(config)
    losses = [learner.low_loss(batch), learner.high_loss(batch)] if name == "hiql" else [learner.actor_loss(batch)]
    for loss, _ in losses:
        assert {n.split(".")[0] for n in reached_by(loss, learner)} == {"policy"}


def test_hiqls_low_level_may_train_the_representation():
    config = settings("hiql", subgoal_gradient=True)
    learner = agent(config)
    names = reached_by(learner.low_loss(batch_for(config))[0], learner)
    assert {n.split(".")[0] for n in names} == {"policy", "critic"}
    assert all(n.startswith(("policy.", "critic.subgoal.")) for n in names)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("network", [SMALL, VECTOR], ids=["images", "states"])
def test_losses_stay_finite_under_autocast(name, network):
    config = settings(name)
    learner = agent(config, network)
    with torch.autocast("cpu", torch.bfloat16):
        loss, info = learner.loss(batch_for(config, network))
    assert loss.dtype == torch.float32
    assert all(torch.isfinite(value) for value in info.values())


def test_gciql_climbs_or_weighs_by_advantage():
    batch = batch_for(settings("gciql"))
    climbing, weighing = (agent(settings("gciql", actor=kind)).actor_loss(batch)[1] for kind in ("climb", "advantage"))
    assert "value" in climbing
    assert "advantage_weight" in weighing


@pytest.mark.parametrize("name", NAMES)
def test_with_the_critic_term_off_the_actor_only_clones(name):
    config = settings(name, critic_term=False)
    learner, batch = agent(config), batch_for(config)
    loss, info = learner.low_loss(batch) if name == "hiql" else learner.actor_loss(batch)
    assert torch.allclose(loss.detach(), info["bc_loss"])


@pytest.mark.parametrize("name", ["gciql", "gcivl"])
def test_where_the_critic_sees_no_crop_only_cloning_looks_at_the_cropped_images(name):
    config = settings(name)
    learner, batch, other = agent(config), batch_for(config), batch_for(config, seed=5)
    cropped = dataclasses.replace(batch, cloned_states=other.states, cloned_goals=other.actor_goals)
    plain, both = (learner.loss(one)[1] for one in (batch, cropped))
    judged = "value" if name == "gciql" else "advantage"
    assert torch.allclose(plain[judged], both[judged], atol=1e-6)
    assert torch.allclose(plain["value_loss"], both["value_loss"])
    assert not torch.allclose(plain["bc_loss"], both["bc_loss"])


def corridor(generator: torch.Generator, size: int) -> Batch:
    """A corridor of 6 places, one-hot; actions step left or right at random. Entry 0 of the action says where."""
    place = torch.randint(LENGTH, (size,), generator=generator)
    goal = torch.randint(LENGTH, (size,), generator=generator)
    step = 2 * torch.randint(2, (size,), generator=generator) - 1
    after = (place + step).clamp(0, LENGTH - 1)
    towards = place + (goal - place).clamp(-2, 2)
    states = torch.eye(LENGTH)
    actions = torch.zeros(size, 5)
    actions[:, 0] = step.float()
    noise = torch.randn(size, 5, generator=generator)
    return Batch(
        states[place],
        states[goal],
        actions,
        noise,
        next_states=states[after],
        next_noise=noise,
        goal_offsets=torch.where(goal == place, 0, -1),
        actor_goals=states[goal],
        subgoals=states[(place + 2 * step).clamp(0, LENGTH - 1)],
        subgoal_targets=states[towards],
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_from_random_steps_it_learns_how_far_every_goal_is_and_the_way_there(name):
    """The data walk at random; V(s, g) of the better actions is -(1 - gamma^d) / (1 - gamma) at distance d."""
    changes = {"gamma": GAMMA, "expectile": 0.95, "tau": 0.05, "std": 0.5, "bc_coef": 0.1}
    config = settings(name, **changes)
    torch.manual_seed(0)
    network = dataclasses.replace(VECTOR, hidden=(32, 32))
    learner = make_algorithm((LENGTH,), torch.ones(5), config, network)
    optimiser = torch.optim.Adam([p for p in learner.parameters() if p.requires_grad], lr=4e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(350):
        loss, _ = learner.loss(corridor(generator, 64))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        learner.after_step()
    place, goal = torch.meshgrid(torch.arange(LENGTH), torch.arange(LENGTH), indexing="ij")
    place, goal = place.flatten(), goal.flatten()
    states, goals = torch.eye(LENGTH)[place], torch.eye(LENGTH)[goal]
    with torch.no_grad():
        value = learner.critic(states, goals).mean(0)
        action = learner.policy(states, goals)[:, 0]
    exact = -(1 - GAMMA ** (goal - place).abs()) / (1 - GAMMA)
    assert torch.corrcoef(torch.stack([value, exact]))[0, 1] > 0.95
    away = place != goal
    assert (action.sign() == (goal - place).sign())[away].float().mean() > 0.8
