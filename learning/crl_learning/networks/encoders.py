"""From an observation to a vector: images as uint8 (B, H, W, C), states as float32 (B, D).

Every encoder has `width`, the size of its vector, and lays several images or vectors side by side on the last axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor, nn

from crl_learning.network_config import NetworkConfig
from crl_learning.networks.convolutional import ImageEncoder, PaperEncoder
from crl_learning.networks.impala import ImpalaEncoder
from crl_learning.networks.resnet import ResNetEncoder
from crl_robot.errors import ContractError


class StateEncoder(nn.Module):
    """Vectors as they are: the layers after it see them first."""

    def __init__(self, size: Sequence[int], count: int) -> None:
        super().__init__()
        if len(size) != 1:
            raise ContractError(f"got observations of size {tuple(size)}, expected (numbers,); use network=small")
        self.width = size[0] * count

    def forward(self, states: Tensor) -> Tensor:
        return states.float()


Encoder = StateEncoder | ImageEncoder | PaperEncoder | ImpalaEncoder | ResNetEncoder
IMAGE_ENCODERS: dict[str, Callable[[tuple[int, int], int, NetworkConfig], Encoder]] = {
    "small": ImageEncoder,
    "paper": PaperEncoder,
    "atari": partial(PaperEncoder, norm=False),
    "impala": ImpalaEncoder,
    "resnet": ResNetEncoder,
}


def make_encoder(size: Sequence[int], count: int, config: NetworkConfig) -> Encoder:
    """The encoder that ``config`` names.

    Args:
        size: (width, height) of an image or (D,) of a state.
        count: observations side by side: 1 alone, 2 for a state and its goal.
        config: which encoder, and its sizes.
    """
    if config.inputs == "state":
        return StateEncoder(size, count)
    if len(size) != 2:
        raise ContractError(f"got observations of size {tuple(size)}, expected (width, height); use network=vector")
    return IMAGE_ENCODERS[config.encoder]((size[0], size[1]), 3 * config.cameras * count, config)
