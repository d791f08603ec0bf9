import math

import pytest
import torch
from torch import nn

from crl_learning.networks.mlp import BLOCKS, Mlp, ShiftNorm


def kinds(block: str) -> list[type[nn.Module]]:
    return [type(layer) for layer in Mlp(5, (6, 7, 8), 3, block).hidden]


def test_every_hidden_layer_is_normalised_before_its_activation_and_the_last_is_bare():
    assert kinds("norm_relu") == kinds("tiny_norm_relu") == [nn.Linear, nn.LayerNorm, nn.ReLU] * 3
    assert kinds("norm_swish") == [nn.Linear, nn.LayerNorm, nn.SiLU] * 3
    assert isinstance(Mlp(5, (6,), 3).last, nn.Linear)


def test_the_papers_critic_does_not_normalise_its_last_hidden_layer():
    assert kinds("paper") == [nn.Linear, ShiftNorm, nn.ReLU] * 2 + [nn.Linear, nn.ReLU]


def test_ogbench_normalises_after_the_activation_and_its_policies_do_not():
    assert kinds("gelu_norm") == [nn.Linear, nn.GELU, nn.LayerNorm] * 3
    assert kinds("gelu") == [nn.Linear, nn.GELU] * 3


def test_the_shift_norm_has_a_bias_but_no_scale_and_the_unbiased_deviation():
    x = torch.tensor([[1.0, 2.0, 6.0]])
    norm = ShiftNorm(3)
    assert [name for name, _ in norm.named_parameters()] == ["bias"]
    expected = (x - 3) / (math.sqrt(7) + 1e-6)  # variance (4 + 1 + 9) / 2
    assert torch.allclose(norm(x), expected)


def test_the_shift_norm_of_a_constant_is_finite():
    assert torch.isfinite(ShiftNorm(3)(torch.ones(2, 3))).all()


def test_the_papers_policy_starts_within_a_thousandth_everywhere():
    weights = [one.weight for one in Mlp(50, (60, 70), 3, "tiny_norm_relu").modules() if isinstance(one, nn.Linear)]
    assert len(weights) == 3
    assert all(0.9e-3 < one.abs().max() <= 1e-3 for one in weights[:2])


@pytest.mark.parametrize(("block", "gain"), [("paper", math.sqrt(2)), ("relu", 1.0), ("gelu_norm", 1.0)])
def test_xavier_weights_have_their_bound_and_biases_are_zero(block, gain):
    linear = Mlp(200, (100,), 3, block).hidden[0]
    bound = gain * math.sqrt(6 / 300)
    assert 0.98 * bound < float(linear.weight.detach().abs().max()) <= bound * (1 + 1e-6)
    assert not linear.bias.any()


def test_ogbenchs_policies_end_in_a_layer_of_a_tenth():
    last = Mlp(10, (200,), 100, "gelu").last
    assert float(last.weight.detach().abs().max()) == pytest.approx(0.1 * math.sqrt(6 / 300), rel=0.03)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_kind_learns_and_ends_in_float32(block):
    mlp = Mlp(5, (8, 8), 3, block)
    with torch.autocast("cpu", torch.bfloat16):
        out = mlp(torch.randn(4, 5))
    assert out.dtype == torch.float32
    out.sum().backward()
    assert all(p.grad is not None for p in mlp.parameters())
