"""From settings to networks: for training, and of a checkpoint to act."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from crl_learning.algorithm_config import CONTRASTIVE, AlgorithmConfig
from crl_learning.algorithms.algorithm import Algorithm, Scorer
from crl_learning.algorithms.gcbc import Gcbc
from crl_learning.algorithms.gciql import Gciql
from crl_learning.algorithms.gcivl import Gcivl
from crl_learning.algorithms.hiql import Hiql
from crl_learning.algorithms.stable_crl import StableCrl
from crl_learning.network_config import NetworkConfig
from crl_learning.networks.critic import Critic
from crl_learning.networks.hierarchy import HierarchicalPolicy, HierarchicalValue
from crl_learning.networks.policy import Policy
from crl_learning.networks.values import ValueNetwork
from crl_robot.errors import CheckpointError, ConfigError, nearest

AGENTS: dict[str, type[StableCrl] | type[Gcbc] | type[Gciql] | type[Gcivl] | type[Hiql]] = {
    "stable_crl": StableCrl,
    "crl": StableCrl,
    "gcbc": Gcbc,
    "gciql": Gciql,
    "gcivl": Gcivl,
    "hiql": Hiql,
}


def make_algorithm(size: Sequence[int], free: Tensor, algorithm: AlgorithmConfig, network: NetworkConfig) -> Algorithm:
    """Fresh networks with their losses.

    Args:
        size: (width, height) of the network's images or (D,) of states.
        free: (A,) 1 for entries of the action that move, 0 for constant ones.
        algorithm: which one, and its settings.
        network: sizes.

    Raises:
        ConfigError: algorithm and network do not fit together.
    """
    if network.chunk > 1 and algorithm.needs.next_states:
        raise ConfigError(
            f"network.chunk is {network.chunk}, expected 1: {algorithm.name} with next states looks one action ahead; "
            "use gcbc, or objective=nce or infonce"
        )
    if network.proprio and algorithm.name == "hiql":
        raise ConfigError(f"network.proprio is {network.proprio}, expected 0 for hiql, whose subgoals are images alone")
    return AGENTS[algorithm.name](size, free, algorithm, network)


def make_policy(name: str, size: Sequence[int], network: NetworkConfig, free: Tensor) -> Policy | HierarchicalPolicy:
    """The policy that a checkpoint of the algorithm ``name`` holds. Raises CheckpointError for an unknown one."""
    _require_known(name)
    return (HierarchicalPolicy if name == "hiql" else Policy)(size, network, free)


def make_critic(name: str, size: Sequence[int], network: NetworkConfig, actions: int) -> Scorer:
    """What a checkpoint of the algorithm ``name`` holds as its critic. Raises CheckpointError for an unknown one."""
    _require_known(name)
    if name in CONTRASTIVE:
        return Critic(size, network, actions=actions)
    if name == "hiql":
        return HierarchicalValue(size, network)
    return ValueNetwork(size, network, heads=1 if name == "gciql" else network.critics)


def _require_known(name: str) -> None:
    if name not in AGENTS:
        raise CheckpointError(f"the checkpoint's algorithm is '{name}'; {nearest(name, AGENTS)}; update this program")
