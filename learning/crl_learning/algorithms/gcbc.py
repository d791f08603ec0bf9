"""Goal-conditioned behaviour cloning: do what the data did on the way to that goal."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from crl_learning.algorithm_config import AlgorithmConfig
from crl_learning.algorithms.actor_losses import cloning_loss
from crl_learning.algorithms.algorithm import Algorithm, Info, cloned_inputs
from crl_learning.batch import Batch
from crl_learning.network_config import NetworkConfig
from crl_learning.networks.policy import Policy


class Gcbc(Algorithm[Policy, None]):
    """A policy alone."""

    def __init__(self, size: Sequence[int], free: Tensor, algorithm: AlgorithmConfig, network: NetworkConfig) -> None:
        super().__init__()
        self.policy = Policy(size, network, free)
        self.critic = None
        self._std = algorithm.std

    def loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """Minus the log likelihood of the data's actions."""
        mean = self.policy(*cloned_inputs(batch), batch.proprio)
        return cloning_loss(mean, batch.actions, self._std, batch.action_valid)
