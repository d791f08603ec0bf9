import pytest
import torch
from torch import nn

from crl_learning.networks.target import follow, target_of


def test_a_target_starts_equal_is_apart_and_asks_for_no_gradient():
    network = nn.Linear(2, 2)
    target = target_of(network)
    assert torch.equal(target.weight, network.weight)
    assert target.weight.data_ptr() != network.weight.data_ptr()
    assert not any(p.requires_grad for p in target.parameters())
    assert all(p.requires_grad for p in network.parameters())


def test_a_target_moves_by_tau_of_the_way_at_every_step():
    network = nn.Linear(1, 1)
    target = target_of(network)
    nn.init.ones_(network.weight)
    nn.init.zeros_(target.weight)
    for step in range(1, 4):
        follow(target, network, 0.25)
        assert float(target.weight) == pytest.approx(1 - 0.75**step, rel=1e-6)


def test_tau_of_one_copies():
    network = nn.Linear(2, 2)
    target = target_of(network)
    nn.init.normal_(network.weight)
    follow(target, network, 1.0)
    assert torch.equal(target.weight, network.weight)


def test_a_target_in_training_moves_even_under_autocast_in_float32():
    network = nn.Linear(1, 1)
    target = target_of(network)
    nn.init.constant_(network.weight, 1.0)
    nn.init.constant_(target.weight, 1.0 - 1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        follow(target, network, 0.5)
    assert float(target.weight) == pytest.approx(1 - 5e-5, abs=1e-7)
