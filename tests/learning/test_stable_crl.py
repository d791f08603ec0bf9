import dataclasses
import math

import pytest
import torch
from small_agents import ENTRIES, SMALL, VECTOR, agent, batch_for, reached_by, settings

from crl_learning.algorithms.contrastive import nce_loss
from crl_learning.algorithms.stable_crl import StableCrl, value_of
from crl_learning.batch import Batch
from crl_learning.networks.critic import all_scores
from crl_robot.errors import ContractError

CRL = settings("stable_crl")
TD = settings("stable_crl", objective="td")
INFONCE = settings("stable_crl", objective="infonce", logsumexp=0.01)
PAPER = dataclasses.replace(SMALL, block="paper", policy_block="tiny_norm_relu", tanh=False)


def test_the_value_is_the_smaller_of_the_twins_for_each_pair():
    phi = torch.tensor([[[1.0], [5.0]], [[2.0], [3.0]]])
    assert value_of(phi, torch.ones(2, 2, 1)).tolist() == [1, 3]


@pytest.mark.parametrize("config", [CRL, TD, INFONCE, settings("crl"), settings("crl_ogbench")], ids=lambda c: c.name)
def test_the_actor_loss_reaches_the_policy_and_never_the_critic(config):
    crl, batch = agent(config), batch_for(config)
    state, goal = crl.critic.encode(batch.states, batch.goals)
    loss, _ = crl.actor_loss(batch, state.detach(), crl.critic.goal(goal).detach())
    reached = reached_by(loss, crl)
    assert {name.split(".")[0] for name in reached} == {"policy"}
    assert all(p.requires_grad for p in crl.critic.parameters())


@pytest.mark.parametrize("config", [CRL, TD, INFONCE], ids=lambda c: c.objective)
@pytest.mark.parametrize("actor_goals", ["same", "uniform"])
def test_one_backward_pass_gives_the_critic_exactly_the_gradient_of_its_own_loss(config, actor_goals):
    config = dataclasses.replace(config, actor_goals=actor_goals)
    batch = batch_for(config)
    crl = agent(config)
    crl.loss(batch)[0].backward()
    control = agent(dataclasses.replace(config, critic_term=False))
    control.loss(batch)[0].backward()
    for one, other in zip(crl.critic.parameters(), control.critic.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-7)


def test_targets_get_no_gradient_and_follow_the_critic():
    crl = agent(TD)
    assert isinstance(crl, StableCrl)
    reached = reached_by(crl.loss(batch_for(TD))[0], crl)
    assert not [name for name in reached if "target" in name]
    ((target, critic),) = crl.followers()
    before, now = (next(network.parameters()) for network in (target, critic))
    with torch.no_grad():
        now += 1
    expected = torch.lerp(before, now, TD.tau)
    crl.after_step()
    assert torch.allclose(next(target.parameters()), expected)
    crl.copy_targets()
    assert torch.equal(next(target.parameters()), now)


def test_only_td_has_targets():
    assert not agent(CRL).followers()
    assert agent(TD).followers()


def test_with_the_critic_term_off_the_actor_only_clones():
    crl, batch = agent(dataclasses.replace(CRL, critic_term=False)), batch_for(CRL)
    loss, info = crl.actor_loss(batch, torch.zeros(6, 16), torch.zeros(2, 6, 8))
    assert loss.detach() == info["bc_loss"]
    assert "value" not in info


def test_the_actor_is_pulled_towards_actions_of_higher_value():
    """Finite difference: a small step against the gradient of the critic's term raises the value."""
    crl, batch = agent(dataclasses.replace(CRL, bc_coef=0.0)), batch_for(CRL)
    with torch.no_grad():
        state, goal = crl.critic.encode(batch.states, batch.goals)
        psi = crl.critic.goal(goal)
    loss, before = crl.actor_loss(batch, state, psi)
    loss.backward()
    with torch.no_grad():
        for p in crl.policy.parameters():
            p -= 1e-3 * p.grad
    assert crl.actor_loss(batch, state, psi)[1]["value"] > before["value"]


def seen_actions(crl: StableCrl, batch: Batch) -> torch.Tensor:
    """What the critic is asked about by the actor's loss."""
    seen = []
    crl.critic.phi[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][:, -ENTRIES:]))
    crl.actor_loss(batch, torch.zeros(6, 16), torch.zeros(2, 6, 8))
    return seen[0]


def test_entries_that_never_move_get_no_noise():
    crl = agent(CRL)
    crl.policy.free.zero_()
    assert (seen_actions(crl, batch_for(CRL)) == 0).all()


def test_the_critic_judges_a_sample_of_the_policy_or_its_clipped_mean():
    batch = batch_for(CRL)
    sampling, exact = (agent(dataclasses.replace(CRL, actor_action=kind), PAPER) for kind in ("sample", "mean"))
    mean = exact.policy(batch.states, batch.goals)
    assert torch.allclose(seen_actions(exact, batch), mean.clamp(-1, 1))
    assert torch.allclose(seen_actions(sampling, batch), mean + CRL.std * batch.noise)


def test_where_the_critic_sees_no_crop_only_cloning_looks_at_the_cropped_images():
    crl, batch = agent(CRL), batch_for(CRL)
    other = batch_for(CRL, seed=5)
    cropped = dataclasses.replace(batch, cloned_states=other.states, cloned_goals=other.goals)
    plain, both, cut = (crl.loss(one)[1] for one in (batch, cropped, other))
    assert torch.allclose(both["value"], plain["value"], atol=1e-6)
    assert torch.allclose(both["critic_loss"], plain["critic_loss"])
    with torch.no_grad():
        mean = crl.policy(other.states, other.goals)
    assert float(both["action_error"]) == pytest.approx(float((mean - batch.actions).square().mean().sqrt()), rel=1e-4)
    assert not torch.allclose(both["value"], cut["value"])


def test_an_actor_with_goals_of_its_own_is_judged_by_those():
    config = dataclasses.replace(CRL, actor_goals="uniform")
    crl, batch = agent(config), batch_for(config)
    value = crl.loss(batch)[1]["value"]
    alone = dataclasses.replace(batch, goals=batch.actor_goals, actor_goals=None)
    assert torch.allclose(value, crl.loss(alone)[1]["value"], atol=1e-6)
    assert not torch.allclose(value, crl.loss(dataclasses.replace(batch, actor_goals=None))[1]["value"])


def test_td_looks_at_the_next_states_of_its_own_row_and_the_row_after():
    """Of the B x B logits of a batch, only these two of each row bear on the loss."""
    config, size = dataclasses.replace(TD, critic_term=False), 5
    crl = agent(config, VECTOR)
    batch = batch_for(config, VECTOR, size)
    moved = dataclasses.replace(batch, next_states=batch.next_states.clone().requires_grad_())
    state, goal = crl.critic.encode(moved.states, moved.next_states)
    phi, psi = crl.critic.state_action(state, moved.actions), crl.critic.goal(goal)
    psi.retain_grad()
    phi = phi.detach() * torch.eye(size)[2][None, :, None]  # only row 2 speaks
    with torch.no_grad():
        weight_batch = dataclasses.replace(moved, next_states=batch.next_states)
    crl._td(weight_batch, phi, psi)[0].backward()
    touched = psi.grad.abs().sum(dim=(0, 2)) > 0
    assert touched.tolist() == [False, False, True, True, False]


def test_td_weighs_random_goals_by_the_target_critics_odds_at_the_policys_next_action():
    crl, batch = agent(TD, VECTOR), batch_for(TD, VECTOR)
    ((target, _),) = crl.followers()
    others = batch.next_states.roll(-1, 0)
    with torch.no_grad():
        action = crl.policy(batch.next_states, others) + TD.std * batch.next_noise
        logits = target.score(batch.next_states, action, target.prepare(others))
        odds = logits.min(0).values.exp().clamp(max=TD.td_clip)
    assert torch.allclose(crl._bootstrap(batch), odds, rtol=1e-5)


def test_a_batch_without_next_states_is_refused_by_name():
    with pytest.raises(ContractError, match="the batch has no next_states, which objective=td needs"):
        agent(TD).loss(batch_for(CRL))


def test_the_state_of_the_arm_reaches_critic_and_policy():
    network = dataclasses.replace(SMALL, proprio=3)
    crl, batch = agent(TD, network), batch_for(TD, network)
    moved = dataclasses.replace(batch, proprio=batch.proprio + 1)
    one, other = (crl.loss(each)[1] for each in (batch, moved))
    assert one["critic_loss"] != other["critic_loss"]
    assert one["bc_loss"] != other["bc_loss"]


def test_a_chunk_of_actions_is_cloned_and_judged_as_one():
    network = dataclasses.replace(SMALL, chunk=3)
    crl, batch = agent(CRL, network), batch_for(CRL, network)
    batch = dataclasses.replace(batch, action_valid=torch.ones(6, 3, dtype=torch.bool))
    loss, _ = crl.loss(batch)
    assert torch.isfinite(loss)
    assert crl.policy(batch.states, batch.goals).shape == (6, 15)


@pytest.mark.parametrize("config", [CRL, TD, INFONCE], ids=lambda c: c.objective)
@pytest.mark.parametrize("network", [SMALL, PAPER, VECTOR], ids=["small", "paper", "vector"])
def test_losses_stay_finite_and_in_float32_under_autocast(config, network):
    crl, batch = agent(config, network), batch_for(config, network)
    with torch.autocast("cpu", torch.bfloat16):
        loss, info = crl.loss(batch)
    assert loss.dtype == torch.float32
    assert all(torch.isfinite(value) for value in info.values())


@pytest.mark.slow
def test_a_compiler_sees_the_loss_as_one_graph_with_the_same_gradients():
    crl, batch = agent(TD), batch_for(TD)
    crl.loss(batch)[0].backward()
    expected = [p.grad.clone() for p in trained(crl)]
    crl.zero_grad()
    torch.compile(crl.loss, backend="eager", fullgraph=True)(batch)[0].backward()
    assert all(torch.equal(p.grad, g) for p, g in zip(trained(crl), expected, strict=True))


def trained(network: torch.nn.Module) -> list[torch.nn.Parameter]:
    return [p for p in network.parameters() if p.requires_grad]


def test_metrics_name_sizes_of_representations_and_logits():
    info = agent(CRL).loss(batch_for(CRL))[1]
    assert {"accuracy", "binary_accuracy", "logit_true", "logit_other", "phi_norm", "psi_norm"} <= info.keys()


def moving_square() -> torch.Tensor:
    """16 pictures (16, 16, 24, 3) of a white square that walks over a 4 x 4 grid."""
    pictures = torch.zeros(16, 16, 24, 3, dtype=torch.uint8)
    for i in range(16):
        row, column = 4 * (i // 4), 6 * (i % 4)
        pictures[i, row : row + 4, column : column + 6] = 255
    return pictures


@pytest.mark.parametrize(
    ("config", "rate"),
    [(CRL, 1e-2), (settings("stable_crl", objective="infonce", cold_heads="phi"), 3e-3)],
    ids=["nce", "infonce"],
)
def test_from_a_cold_start_the_critic_learns_which_goal_follows_which_state(config, rate):
    crl = agent(config, warm=False)
    optimiser = torch.optim.Adam(crl.parameters(), lr=rate)
    generator = torch.Generator().manual_seed(3)
    states = moving_square()
    logits = all_scores(
        crl.critic.state_action(crl.critic.encoder(states), torch.zeros(16, ENTRIES)), crl.critic.prepare(states)
    )
    assert logits.abs().max() < 1e-9
    assert float(nce_loss(logits).detach()) == pytest.approx(2 * math.log(2), abs=1e-6)
    for _ in range(150):
        noise = torch.randn(16, ENTRIES, generator=generator)
        loss, info = crl.loss(Batch(states, states.roll(1, 0), noise.clamp(-1, 1), noise))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(info["accuracy"]) > 5 / 16
