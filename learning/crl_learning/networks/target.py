"""Target networks: slow copies that a bootstrapped loss looks at."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def target_of(network: Network) -> Network:
    """A copy that is never trained."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def follow(target: nn.Module, network: nn.Module, tau: float) -> None:
    """Polyak average: target <- (1 - tau) * target + tau * network, in the parameters' own float32."""
    mine: list[Tensor] = [*target.parameters()]
    theirs: list[Tensor] = [*network.parameters()]
    torch._foreach_lerp_(mine, theirs, tau)  # pyright: ignore[reportPrivateImportUsage] - one kernel on a GPU
