"""How the weights of a layer start, as the published methods draw them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from torch import Tensor, nn

Start = Callable[[Tensor], Tensor]
Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)
TINY = 1e-3

xavier: Start = nn.init.xavier_uniform_
"""U(-b, b) with b = sqrt(6 / (inputs + outputs))."""
xavier_relu: Start = partial(nn.init.xavier_uniform_, gain=math.sqrt(2))
xavier_tenth: Start = partial(nn.init.xavier_uniform_, gain=0.1)
tiny: Start = partial(nn.init.uniform_, a=-TINY, b=TINY)
zeros: Start = nn.init.zeros_


def by_inputs(weights: Tensor) -> Tensor:
    """A normal distribution of deviation 1 / sqrt(inputs), cut off at two deviations: the default of Haiku's layers."""
    deviation = 1 / math.sqrt(weights[0].numel())
    return nn.init.trunc_normal_(weights, std=deviation, a=-2 * deviation, b=2 * deviation)


def started(layer: Layer, weights: Start | None, biases: Start = zeros) -> Layer:
    """``layer`` with its weights and biases drawn anew; as PyTorch left it where ``weights`` is None."""
    if weights is not None:
        weights(layer.weight)
        assert layer.bias is not None
        biases(layer.bias)
    return layer
