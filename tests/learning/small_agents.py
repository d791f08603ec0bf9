"""Small agents and batches for the tests of algorithms."""

import dataclasses
from typing import Any

import torch

from crl_learning.algorithm_config import AlgorithmConfig
from crl_learning.algorithms.algorithm import Algorithm
from crl_learning.algorithms.make import make_algorithm
from crl_learning.batch import Batch
from crl_learning.config import load_train_config
from crl_learning.network_config import NetworkConfig

SMALL = NetworkConfig((4, 6, 6), 16, (16, 16), 8)
VECTOR = NetworkConfig((1,), 0, (32, 32), 8, inputs="state")
SIZE = (24, 16)
ENTRIES = 5


def settings(name: str, **changes: Any) -> AlgorithmConfig:
    """The algorithm's own settings with changes."""
    config = load_train_config(["data=none", "out=none", f"algorithm={name}"]).algorithm
    return dataclasses.replace(config, **changes)


def agent(algorithm: AlgorithmConfig, network: NetworkConfig = SMALL, *, warm: bool = True) -> Algorithm:
    """Fresh networks; warm ones do not have critic heads that say 0 to everything."""
    torch.manual_seed(0)
    made = make_algorithm(SIZE if network.inputs == "image" else (3,), torch.ones(ENTRIES), algorithm, network)
    if warm:
        for name, weights in made.named_parameters():
            if name.endswith("last.weight"):
                torch.nn.init.normal_(weights, std=0.3)
        made.copy_targets()
    return made


def observations(generator: torch.Generator, size: int, network: NetworkConfig) -> torch.Tensor:
    if network.inputs == "state":
        return torch.randn(size, 3, generator=generator)
    shape = (size, SIZE[1], SIZE[0], 3 * network.cameras)
    return torch.randint(256, shape, dtype=torch.uint8, generator=generator)


def batch_for(algorithm: AlgorithmConfig, network: NetworkConfig = SMALL, size: int = 6, seed: int = 1) -> Batch:
    """Random, with all that the algorithm needs."""
    g = torch.Generator().manual_seed(seed)
    needs, entries = algorithm.needs, ENTRIES * network.chunk
    states, goals = (observations(g, size, network) for _ in range(2))
    actions = torch.rand(size, entries, generator=g) * 2 - 1
    more: dict[str, torch.Tensor] = {}
    if needs.next_states:
        more |= {"next_states": observations(g, size, network), "next_noise": torch.randn(size, entries, generator=g)}
        more["goal_offsets"] = torch.randint(-1, 3, (size,), generator=g)
    if needs.actor_goals:
        more["actor_goals"] = observations(g, size, network)
    if needs.subgoal_steps:
        more |= {name: observations(g, size, network) for name in ("subgoals", "subgoal_targets")}
    if network.proprio:
        more |= {name: torch.randn(size, network.proprio, generator=g) for name in ("proprio", "next_proprio")}
    return Batch(states, goals, actions, torch.randn(size, entries, generator=g), **more)


def reached_by(loss: torch.Tensor, module: torch.nn.Module) -> set[str]:
    """Names of the parameters that get a gradient other than zero."""
    for one in module.parameters():
        one.grad = None
    loss.backward()
    return {name for name, p in module.named_parameters() if p.grad is not None and p.grad.abs().max() > 0}
