import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from crl_learning.algorithms.contrastive import bootstrap_weight, infonce_loss, logit_metrics, nce_loss, td_loss


def test_balanced_nce_is_the_weighted_binary_cross_entropy_of_every_pair():
    logits = torch.randn(2, 5, 5)
    weights = torch.full((5, 5), 1 / 4).fill_diagonal_(1)
    each = binary_cross_entropy_with_logits(logits, torch.eye(5).expand(2, 5, 5), reduction="none")
    assert float(nce_loss(logits)) == pytest.approx(float((each * weights).sum() / (2 * 5)), rel=1e-5)
    assert float(nce_loss(logits, "paper")) == pytest.approx(float((each * weights).mean()), rel=1e-5)
    assert float(nce_loss(logits, "mean")) == pytest.approx(float(each.mean()), rel=1e-5)


def test_positives_rise_and_negatives_fall_and_weigh_the_same_in_sum():
    logits = torch.zeros(2, 5, 5, requires_grad=True)
    nce_loss(logits).backward()
    gradient = logits.grad
    diagonal = gradient.diagonal(dim1=1, dim2=2)
    assert (diagonal < 0).all()
    assert float(gradient.sum()) == pytest.approx(0, abs=1e-6)
    assert ((gradient > 0).sum(dim=(1, 2)) == 20).all()


def test_unweighted_negatives_outweigh_the_positive_of_a_row():
    logits = torch.zeros(1, 5, 5, requires_grad=True)
    nce_loss(logits, "mean").backward()
    assert float(logits.grad[0, 0, 1:].sum() / -logits.grad[0, 0, 0]) == pytest.approx(4)


def test_infonce_is_the_cross_entropy_of_rows_or_columns_or_both():
    logits, labels = torch.randn(1, 5, 5), torch.arange(5)
    forward, backward = cross_entropy(logits[0], labels), cross_entropy(logits[0].T, labels)
    assert float(infonce_loss(logits, "forward")) == pytest.approx(float(forward), rel=1e-5)
    assert float(infonce_loss(logits, "backward")) == pytest.approx(float(backward), rel=1e-5)
    assert float(infonce_loss(logits)) == pytest.approx(float((forward + backward) / 2), rel=1e-5)


def test_the_penalty_is_on_the_squared_logsumexp_of_rows():
    logits = torch.randn(2, 5, 5)
    more = infonce_loss(logits, "forward", 0.1) - infonce_loss(logits, "forward")
    assert float(more) == pytest.approx(0.1 * float(logits.logsumexp(-1).square().mean()), rel=1e-4)


def test_td_is_the_sum_of_its_three_cross_entropies():
    near, far, weight = torch.randn(2, 4), torch.randn(2, 4), torch.rand(4)
    expected = 0.1 * binary_cross_entropy_with_logits(near, torch.ones(2, 4), reduction="none")
    expected += 0.9 * weight * binary_cross_entropy_with_logits(far, torch.ones(2, 4), reduction="none")
    expected += binary_cross_entropy_with_logits(far, torch.zeros(2, 4), reduction="none")
    assert float(td_loss(near, far, weight, 0.9)) == pytest.approx(float(expected.mean()), rel=1e-5)


def test_the_bootstrap_weight_is_the_odds_of_the_smaller_twin_up_to_the_clip_without_gradient():
    logits = torch.tensor([[0.0, 2.0, 9.0], [1.0, -1.0, 8.0]], requires_grad=True)
    weight = bootstrap_weight(logits, 20.0)
    odds = torch.sigmoid(logits) / (1 - torch.sigmoid(logits))
    assert torch.allclose(weight, odds.min(0).values.clamp(max=20).detach(), rtol=1e-4)
    assert not weight.requires_grad
    assert float(bootstrap_weight(logits, 0)[2]) == pytest.approx(math.exp(8), rel=1e-4)


def test_odds_of_a_certain_logit_stay_finite():
    assert torch.isfinite(bootstrap_weight(torch.tensor([[1e4]]), 20.0)).all()


def test_metrics_tell_true_goals_from_others():
    logits = torch.full((2, 4, 4), -2.0)
    logits[:, range(4), range(4)] = 3.0
    info = {name: float(value) for name, value in logit_metrics(logits).items()}
    assert info == pytest.approx({"accuracy": 1, "binary_accuracy": 1, "logit_true": 3, "logit_other": -2})


def test_binary_accuracy_counts_every_pair():
    logits = torch.full((1, 4, 4), 1.0)
    assert float(logit_metrics(logits)["binary_accuracy"]) == pytest.approx(4 / 16)
