"""Sizes and kinds of the networks, as a typed dataclass; its values live in configs/network/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from crl_robot.errors import ConfigError, nearest

ENCODERS = ("small", "paper", "atari", "impala", "resnet")
BLOCKS = ("norm_relu", "tiny_norm_relu", "paper", "gelu_norm", "gelu", "norm_swish", "swish", "relu")
CHOICES = {
    "inputs": ("image", "state"),
    "encoder": ENCODERS,
    "block": BLOCKS,
    "policy_block": ("same", *BLOCKS),
}


@dataclass(frozen=True)
class NetworkConfig:
    """Networks of a policy and its critic.

    Attributes:
        channels: of the convolutions; how many depends on `encoder`.
        features: width of an encoded image after its linear layer, 0 for none.
        hidden: widths of every MLP.
        repr_dim: numbers of a representation.
        inputs: 'image' (uint8) or 'state' (float32 vectors).
        encoder: of images; see `crl_learning.networks.encoders`.
        block: what a hidden layer is made of; see `crl_learning.networks.mlp`.
        policy_block: the same for the policy.
        policy_hidden: widths of the policy's MLP, () for those of `hidden`.
        critics: how many critics there are, of which the smallest value counts.
        own_goal_encoder: the critic encodes goals with another encoder than states.
        scaled_logits: the critic's logits are divided by sqrt(repr_dim).
        tanh: the policy's mean is squashed; else it is linear and clipped when it acts.
        coordinates: two more channels tell every pixel where it is.
        cameras: how many, side by side on the channel axis.
        depths: blocks per stage of a resnet, one number for each of `channels`.
        proprio: how many numbers of the arm's state come with an image, 0 for none.
        chunk: how many actions the policy predicts.
        execute: how many of them it executes before it looks again.
    """

    channels: tuple[int, ...]
    features: int
    hidden: tuple[int, ...]
    repr_dim: int
    inputs: str = "image"
    encoder: str = "small"
    block: str = "norm_relu"
    policy_block: str = "same"
    policy_hidden: tuple[int, ...] = ()
    critics: int = 2
    own_goal_encoder: bool = False
    scaled_logits: bool = False
    tanh: bool = True
    coordinates: bool = False
    cameras: int = 1
    depths: tuple[int, ...] = ()
    proprio: int = 0
    chunk: int = 1
    execute: int = 1

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(f"network.{name} is '{value}'; {nearest(value, known)}")
        self._require_sizes()
        if self.critics not in (1, 2):
            raise ConfigError(f"network.critics is {self.critics}, expected 1 or 2")
        if not 1 <= self.execute <= self.chunk:
            raise ConfigError(f"network.execute is {self.execute}, expected 1 to chunk={self.chunk} actions")

    @property
    def policy_widths(self) -> tuple[int, ...]:
        """Of the policy's hidden layers."""
        return self.policy_hidden or self.hidden

    @property
    def policy_layers(self) -> str:
        """The kind of the policy's hidden layers."""
        return self.block if self.policy_block == "same" else self.policy_block

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> NetworkConfig:
        """From JSON; what an older file does not name has its default. Raises KeyError or TypeError."""
        known = {one.name for one in fields(cls)}
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()
        }
        unknown = sorted(values.keys() - known)
        if unknown:
            raise TypeError(f"network has unknown settings {unknown}; it was written by a newer program")
        return cls(**values)

    def _require_sizes(self) -> None:
        if self.inputs == "image" and self.encoder in ("small", "paper", "atari") and len(self.channels) != 3:
            raise ConfigError(f"network.channels is {self.channels}, expected three numbers of channels")
        if self.inputs == "image" and self.encoder == "resnet":
            if len(self.depths) != len(self.channels):
                raise ConfigError(f"network.depths is {self.depths}, expected one number for each of {self.channels}")
            if any(width % 4 for width in self.channels):
                raise ConfigError(f"network.channels is {self.channels}, expected multiples of 4 for a resnet")
        sizes = [*self.channels, *self.depths, *self.hidden, *self.policy_hidden, self.repr_dim, self.cameras]
        if min(sizes) < 1:
            raise ConfigError(f"network is {sizes}, expected sizes of at least 1")
        if min(self.features, self.proprio) < 0:
            raise ConfigError(
                f"network.features is {self.features}, network.proprio {self.proprio}; expected 0 or more"
            )
