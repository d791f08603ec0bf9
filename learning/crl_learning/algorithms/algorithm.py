"""What every algorithm is to the trainer, the checkpoint and the policy that acts."""

from __future__ import annotations

from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from crl_learning.batch import Batch
from crl_learning.networks.critic import Critic
from crl_learning.networks.hierarchy import HierarchicalPolicy, HierarchicalValue
from crl_learning.networks.policy import Policy
from crl_learning.networks.target import follow
from crl_learning.networks.values import ValueNetwork
from crl_robot.errors import ContractError

Info = dict[str, Tensor]


Scorer = Critic | ValueNetwork | HierarchicalValue


PolicyKind = TypeVar("PolicyKind", bound=Policy | HierarchicalPolicy, covariant=True)
CriticKind = TypeVar("CriticKind", bound=Scorer | None, covariant=True)


class Algorithm(nn.Module, Generic[PolicyKind, CriticKind]):
    """Networks with their losses. Targets are parameters that require no gradient.

    Attributes:
        policy: what is exported to act.
        critic: what is exported to tell how near a goal is, or None: `prepare(goals)` once, then
            `score(states, actions, prepared)`, float32 (T, B).
        tau: rate at which targets follow.
    """

    policy: PolicyKind
    critic: CriticKind
    tau: float = 1.0

    def loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """The loss to minimise and its metrics by name; call under autocast or not."""
        raise NotImplementedError

    @torch.no_grad()
    def validate(self, batch: Batch) -> Info:
        """Metrics of a batch that is not trained on."""
        return self.loss(batch)[1]

    def followers(self) -> list[tuple[nn.Module, nn.Module]]:
        """Target networks, each with the network that it follows."""
        return []

    def after_step(self) -> None:
        """Called after every step of the optimiser: targets follow by `tau`."""
        for target, network in self.followers():
            follow(target, network, self.tau)

    def copy_targets(self) -> None:
        """Called after networks were loaded: targets start equal to them."""
        for target, network in self.followers():
            target.load_state_dict(network.state_dict())


def needed(value: Tensor | None, name: str, algorithm: str) -> Tensor:
    """A field of the batch. Raises ContractError when it is not there."""
    if value is None:
        raise ContractError(f"the batch has no {name}, which {algorithm} needs; draw it as AlgorithmConfig.needs says")
    return value


def cloned_inputs(batch: Batch) -> tuple[Tensor, Tensor]:
    """States and goals that cloning looks at: cropped ones where the critic sees no crop."""
    if batch.cloned_states is None or batch.cloned_goals is None:
        return batch.states, goals_of_actor(batch)
    return batch.cloned_states, batch.cloned_goals


def goals_of_actor(batch: Batch) -> Tensor:
    """Its own where it has some, else those of the critic."""
    return batch.goals if batch.actor_goals is None else batch.actor_goals
