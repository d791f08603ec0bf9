"""Losses of a contrastive critic, as functions of its logits.

Logits are float32 (T, B, B) for T critics, where [t, i, j] scores state-action i with goal j, or (T, B) for pairs.
p(g | s, a) is the distribution of the goals of a state-action, p(g) that of the goals of a batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

from crl_learning.algorithms.algorithm import Info


def nce_loss(logits: Tensor, weights: str = "balanced") -> Tensor:
    """Binary noise-contrastive estimation: -log sigmoid of the true goals, -log(1 - sigmoid) of the others.

    ``weights`` names a weighting found in public code:

    - 'balanced': per row the true goal, plus the mean of the B - 1 others. Optimum log p(g | s, a) / p(g).
    - 'paper': the same weights averaged over all B^2 entries, as the code of Stable CRL: 1 / B of 'balanced'.
    - 'mean': every entry weighs the same, as in the original contrastive RL, OGBench and in effect Bridge V2. Optimum
      log p(g | s, a) / p(g) - log(B - 1).
    """
    batch = logits.shape[-1]
    true = logits.diagonal(dim1=-2, dim2=-1)  # (T, B)
    others = softplus(logits).sum(-1) - softplus(true)  # (T, B)
    if weights == "mean":
        return (softplus(-true) + others).mean() / batch
    balanced = (softplus(-true) + others / (batch - 1)).mean()
    return balanced / batch if weights == "paper" else balanced


def infonce_loss(logits: Tensor, sides: str = "symmetric", penalty: float = 0.0) -> Tensor:
    """Cross entropy of picking the true goal out of the batch ('forward'), the true state-action ('backward'), or both.

    The optimum of 'forward' is log p(g | s, a) / p(g) + c(s, a), of 'backward' the same with a c(g). ``penalty`` times
    the squared logsumexp over goals keeps c near 0; the original contrastive RL takes 0.01 (its CPC form).
    """
    true = logits.diagonal(dim1=-2, dim2=-1)
    over_goals = logits.logsumexp(-1)
    losses = []
    if sides in ("forward", "symmetric"):
        losses.append((over_goals - true).mean())
    if sides in ("backward", "symmetric"):
        losses.append((logits.logsumexp(-2) - true).mean())
    loss = torch.stack(losses).mean()
    return loss + penalty * over_goals.square().mean() if penalty else loss


def td_loss(next_logits: Tensor, random_logits: Tensor, weight: Tensor, gamma: float) -> Tensor:
    """C-learning's temporal difference form (Eysenbach et al. 2021), the released default of Stable CRL.

    (1 - gamma) * -log sigmoid(f(s, a, s')) + gamma * w * -log sigmoid(f(s, a, g)) - log(1 - sigmoid(f(s, a, g))).

    Args:
        next_logits: (T, B) of the next states s' as goals.
        random_logits: (T, B) of random goals g.
        weight: (B,) w, from `bootstrap_weight`.
        gamma: discount.
    """
    positive = (1 - gamma) * softplus(-next_logits)
    bootstrapped = gamma * weight * softplus(-random_logits)
    return (positive + bootstrapped + softplus(random_logits)).mean()


def bootstrap_weight(target_logits: Tensor, clip: float) -> Tensor:
    """w = sigmoid / (1 - sigmoid) = exp of the smallest of the target critics' logits (T, B) -> (B,), at most ``clip``.

    They score s' and the policy's action there with the random goals. 0 clips nothing.
    """
    smallest = target_logits.detach().min(dim=0).values
    return smallest.clamp(max=math.log(clip)).exp() if clip else smallest.exp()


@torch.no_grad()
def logit_metrics(logits: Tensor) -> Info:
    """How well logits (T, B, B) tell true goals from others: by the largest of a row, and by sign."""
    batch = logits.shape[-1]
    scores = logits.mean(0)
    true = scores.diagonal()
    hits = scores.argmax(-1) == torch.arange(batch, device=logits.device)
    right = (true > 0).sum() + (scores <= 0).sum() - (true <= 0).sum()
    positive, total = true.mean(), scores.sum() / batch
    return {
        "accuracy": hits.float().mean(),
        "binary_accuracy": right / batch**2,
        "logit_true": positive,
        "logit_other": (total - positive) / (batch - 1),
    }
