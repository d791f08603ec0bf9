import pytest
import torch
from torch import nn

from crl_learning.config import NetworkConfig
from crl_learning.networks import Critic, ImageEncoder, Mlp, Policy, all_scores, pair_scores

SMALL = NetworkConfig((4, 6, 6), 16, (16, 16), 8)
SIZE = (24, 16)


def pictures(count: int = 4, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, SIZE[1], SIZE[0], channels), dtype=torch.uint8, generator=generator)


@pytest.fixture
def critic() -> Critic:
    torch.manual_seed(0)
    return Critic(SIZE, SMALL)


def test_all_logits_start_at_zero(critic):
    phi = critic.state_action(critic.encoder(pictures()), torch.zeros(4, 7))
    logits = all_scores(phi, critic.goal(critic.encoder(pictures())))
    assert logits.abs().max() < 1e-9
    assert all(0 < head.last.weight.abs().max() <= 1e-12 for head in (*critic.phi, *critic.psi))


def test_with_only_phi_cold_all_logits_still_start_at_zero():
    critic = Critic(SIZE, SMALL, cold_heads="phi")
    psi = critic.goal(critic.encoder(pictures()))
    assert psi.abs().max() > 0.01
    assert all_scores(critic.state_action(critic.encoder(pictures()), torch.zeros(4, 7)), psi).abs().max() < 1e-9


def test_every_hidden_layer_is_normalised_before_its_activation_and_the_last_is_bare():
    mlp = Mlp(5, (6, 7), 3)
    assert [type(layer) for layer in mlp.hidden] == [nn.Linear, nn.LayerNorm, nn.ReLU] * 2
    assert isinstance(mlp.last, nn.Linear)
    encoder = ImageEncoder(SIZE, 3, SMALL)
    assert [type(layer) for layer in encoder.convolutions] == [nn.Conv2d, nn.GroupNorm, nn.ReLU] * 3
    assert all(layer.num_groups == 1 for layer in encoder.convolutions if isinstance(layer, nn.GroupNorm))
    assert [type(layer) for layer in encoder.project] == [nn.Linear, nn.LayerNorm, nn.ReLU]


def test_twins_have_weights_of_their_own_on_one_encoder(critic):
    assert not torch.equal(critic.phi[0].hidden[0].weight, critic.phi[1].hidden[0].weight)
    assert sum(isinstance(module, ImageEncoder) for module in critic.modules()) == 1


def test_a_pair_scores_the_diagonal_of_all_scores():
    phi, psi = torch.randn(2, 5, 8), torch.randn(2, 5, 8)
    scores = all_scores(phi, psi)
    assert scores.shape == (2, 5, 5)
    assert torch.allclose(scores.diagonal(dim1=1, dim2=2), pair_scores(phi, psi), atol=1e-6)
    assert scores[1, 2, 3] == pytest.approx(float(phi[1, 2] @ psi[1, 3]), rel=1e-5)


def test_scores_and_last_layers_stay_in_float32_under_autocast(critic):
    with torch.autocast("cpu", torch.bfloat16):
        encoded = critic.encoder(pictures())
        phi, psi = critic.state_action(encoded, torch.zeros(4, 7)), critic.goal(encoded)
        assert phi.dtype == psi.dtype == all_scores(phi, psi).dtype == torch.float32


def test_rows_and_columns_of_images_that_are_not_square_are_not_mixed_up():
    """One white pixel must reach the first convolution at its own row and column."""
    encoder = ImageEncoder(SIZE, 3, SMALL)
    seen = []
    encoder.convolutions.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    image = torch.zeros(1, SIZE[1], SIZE[0], 3, dtype=torch.uint8)
    image[0, 3, 20, 1] = 255
    encoder(image)
    assert seen[0].shape == (1, 3, 16, 24)
    assert seen[0].argmax() == (1 * 16 + 3) * 24 + 20


def test_where_something_is_changes_the_encoding():
    encoder = ImageEncoder(SIZE, 3, SMALL)
    left, right = (torch.zeros(1, SIZE[1], SIZE[0], 3, dtype=torch.uint8) for _ in range(2))
    left[0, 8, 6], right[0, 8, 18] = 255, 255
    assert not torch.allclose(encoder(left), encoder(right), atol=1e-3)


def test_policy_stays_in_range_and_leaves_constant_entries_alone():
    free = torch.tensor([1.0, 1, 1, 0, 0, 1, 0])
    policy = Policy(SIZE, SMALL, free)
    nn.init.normal_(policy.head.last.weight, std=10)
    mean = policy(pictures(), pictures().flip(0))
    assert mean.abs().max() <= 1
    assert (mean[:, free == 0] == 0).all()
    assert (mean[:, free == 1] != 0).all()


def test_default_networks_are_small_enough_to_ship():
    from crl_learning.config import load_train_config

    network = load_train_config(["data=x", "out=y"]).network
    for module in (Policy((64, 64), network, torch.ones(7)), Critic((64, 64), network)):
        assert 4 * sum(p.numel() for p in module.parameters()) < 10e6
