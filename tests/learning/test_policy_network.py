import dataclasses

import pytest
import torch
from torch import nn

from crl_learning.config import load_train_config
from crl_learning.network_config import NetworkConfig
from crl_learning.networks.critic import Critic
from crl_learning.networks.hierarchy import HierarchicalPolicy, lengthened
from crl_learning.networks.policy import Policy

SMALL = NetworkConfig((4, 6, 6), 16, (16, 16), 8)
SIZE = (24, 16)


def pictures(cameras: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (4, SIZE[1], SIZE[0], 3 * cameras), dtype=torch.uint8, generator=generator)


def test_policy_stays_in_range_and_leaves_constant_entries_alone():
    free = torch.tensor([1.0, 1, 1, 0, 0, 1, 0])
    policy = Policy(SIZE, SMALL, free)
    nn.init.normal_(policy.head.last.weight, std=10)
    mean = policy(pictures(), pictures().flip(0))
    assert mean.abs().max() <= 1
    assert (mean[:, free == 0] == 0).all()
    assert (mean[:, free == 1] != 0).all()


def test_without_tanh_the_mean_is_linear_in_the_last_layer():
    policy = Policy(SIZE, dataclasses.replace(SMALL, tanh=False), torch.ones(2))
    nn.init.normal_(policy.head.last.weight, std=10)
    mean = policy(pictures(), pictures().flip(0))
    assert mean.abs().max() > 1
    with torch.no_grad():
        policy.head.last.weight *= 2
        policy.head.last.bias *= 2
    assert torch.allclose(policy(pictures(), pictures().flip(0)), 2 * mean, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", [Policy, HierarchicalPolicy])
def test_a_chunk_is_so_many_actions_side_by_side(kind):
    policy = kind(SIZE, dataclasses.replace(SMALL, chunk=3, execute=2), torch.tensor([1.0, 0]))
    mean = policy(pictures(), pictures())
    assert mean.shape == (4, 6)
    assert (mean[:, 1::2] == 0).all()


def test_two_cameras_are_six_channels_of_a_state():
    policy = Policy(SIZE, dataclasses.replace(SMALL, cameras=2), torch.ones(2))
    assert policy(pictures(2), pictures(2)).shape == (4, 2)
    convolution = next(module for module in policy.modules() if isinstance(module, nn.Conv2d))
    assert convolution.in_channels == 12


def test_policy_hidden_sizes_and_layers_can_differ_from_the_critics():
    network = dataclasses.replace(SMALL, policy_hidden=(9,), policy_block="gelu")
    assert [type(one) for one in Policy(SIZE, network, torch.ones(2)).head.hidden] == [nn.Linear, nn.GELU]


def test_the_papers_policy_starts_within_a_thousandth_in_weights_and_biases():
    """Its biases started at 0. Released code draws both from U(-1e-3, 1e-3), in the last layer too."""
    network = load_train_config(["data=x", "out=y", "algorithm=stable_crl_paper"]).network
    head = Policy((48, 48), network, torch.ones(7)).head
    layers = [one for one in head.modules() if isinstance(one, nn.Linear)]
    assert len(layers) == 5
    for layer in layers:
        assert 0.9e-3 < float(layer.weight.detach().abs().max()) <= 1e-3
        assert 0.5e-3 < float(layer.bias.detach().abs().max()) <= 1e-3


def test_subgoal_representations_have_the_length_of_a_standard_normal_vector():
    assert torch.allclose(lengthened(torch.randn(5, 9)).norm(dim=-1), torch.tensor(3.0))
    assert torch.isfinite(lengthened(torch.zeros(1, 9))).all()


def test_default_networks_are_small_enough_to_ship():
    network = load_train_config(["data=x", "out=y"]).network
    for module in (Policy((64, 64), network, torch.ones(7)), Critic((64, 64), network)):
        assert 4 * sum(p.numel() for p in module.parameters()) < 10e6
