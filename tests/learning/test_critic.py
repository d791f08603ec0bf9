import dataclasses

import pytest
import torch

from crl_learning.network_config import NetworkConfig
from crl_learning.networks.critic import Critic, all_scores, pair_scores
from crl_learning.networks.encoders import ImageEncoder

SMALL = NetworkConfig((4, 6, 6), 16, (16, 16), 8)
SIZE = (24, 16)


def pictures(count: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, SIZE[1], SIZE[0], 3), dtype=torch.uint8, generator=generator)


@pytest.fixture
def critic() -> Critic:
    torch.manual_seed(0)
    return Critic(SIZE, SMALL)


@pytest.mark.parametrize("block", ["norm_relu", "paper", "norm_swish"])
def test_all_logits_start_at_zero(block):
    critic = Critic(SIZE, dataclasses.replace(SMALL, block=block))
    phi = critic.state_action(critic.encoder(pictures()), torch.zeros(4, 7))
    logits = all_scores(phi, critic.goal(critic.encoder(pictures())))
    assert logits.abs().max() < 1e-9
    assert all(0 < head.last.weight.abs().max() <= 1e-12 for head in (*critic.phi, *critic.psi))


def test_with_only_phi_cold_all_logits_still_start_at_zero():
    critic = Critic(SIZE, SMALL, cold_heads="phi")
    psi = critic.goal(critic.encoder(pictures()))
    assert psi.abs().max() > 0.01
    assert all_scores(critic.state_action(critic.encoder(pictures()), torch.zeros(4, 7)), psi).abs().max() < 1e-9


def test_without_a_cold_start_logits_differ():
    critic = Critic(SIZE, SMALL, cold_heads="none")
    phi = critic.state_action(critic.encoder(pictures()), torch.zeros(4, 7))
    assert all_scores(phi, critic.prepare(pictures())).std() > 1e-3


def test_twins_have_weights_of_their_own_on_one_encoder(critic):
    assert not torch.equal(critic.phi[0].hidden[0].weight, critic.phi[1].hidden[0].weight)
    assert sum(isinstance(module, ImageEncoder) for module in critic.modules()) == 1


def test_goals_can_have_an_encoder_of_their_own():
    critic = Critic(SIZE, dataclasses.replace(SMALL, own_goal_encoder=True))
    state, goal = critic.encode(pictures(), pictures())
    assert not torch.allclose(state, goal)
    assert torch.equal(goal, critic.encode_goals(pictures()))


def test_encoding_together_is_encoding_apart(critic):
    state, goal = critic.encode(pictures(), pictures().flip(0))
    assert torch.allclose(state, critic.encoder(pictures()), atol=1e-5)
    assert torch.allclose(goal, critic.encode_goals(pictures().flip(0)), atol=1e-5)


def test_a_pair_scores_the_diagonal_of_all_scores():
    phi, psi = torch.randn(2, 5, 8), torch.randn(2, 5, 8)
    scores = all_scores(phi, psi)
    assert scores.shape == (2, 5, 5)
    assert torch.allclose(scores.diagonal(dim1=1, dim2=2), pair_scores(phi, psi), atol=1e-6)
    assert scores[1, 2, 3] == pytest.approx(float(phi[1, 2] @ psi[1, 3]), rel=1e-5)


def test_scaled_logits_are_divided_by_the_root_of_their_entries():
    plain, scaled = (
        Critic(SIZE, dataclasses.replace(SMALL, scaled_logits=on, critics=1), "none") for on in (False, True)
    )
    scaled.load_state_dict(plain.state_dict())
    actions = torch.rand(4, 7)
    expected = plain.score(pictures(), actions, plain.prepare(pictures())) / SMALL.repr_dim**0.5
    assert torch.allclose(scaled.score(pictures(), actions, scaled.prepare(pictures())), expected, atol=1e-6)


def test_scores_and_last_layers_stay_in_float32_under_autocast(critic):
    with torch.autocast("cpu", torch.bfloat16):
        encoded = critic.encoder(pictures())
        phi, psi = critic.state_action(encoded, torch.zeros(4, 7)), critic.goal(encoded)
        assert phi.dtype == psi.dtype == all_scores(phi, psi).dtype == torch.float32


def test_the_state_of_the_arm_changes_phi_where_the_critic_sees_it():
    critic = Critic(SIZE, dataclasses.replace(SMALL, proprio=3), "none")
    encoded = critic.encoder(pictures())
    one, other = (critic.state_action(encoded, torch.zeros(4, 7), torch.full((4, 3), value)) for value in (0.0, 1.0))
    assert not torch.allclose(one, other)
