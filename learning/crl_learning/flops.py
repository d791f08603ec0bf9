"""How many floating point operations a training step needs, counted from the shapes of the layers.

Only convolutions and matrix products count, a multiply-add as two. A layer that is trained needs three times its
forward pass: forward, gradient of its weights, gradient of its input; the first layer of an encoder needs no gradient
of its input.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from crl_learning.algorithms.stable_crl import StableCrl
from crl_learning.batch import Batch
from crl_learning.config import AlgorithmConfig


def needed_flops(networks: StableCrl, algorithm: AlgorithmConfig, batch: Batch) -> int:
    """Of one step of a contrastive algorithm on ``batch``: loss, gradients of policy and critic, nothing twice."""
    critic, policy, count = networks.critic, networks.policy, len(batch.states)
    state, pair = batch.states[:1], (batch.states[:1], batch.goals[:1])
    encoded = torch.zeros(1, critic.encoder.width)
    encode, first = (of(partial(critic.encoder, state)) for of in (forward_flops, first_layer_flops))
    act, act_first = (of(partial(policy, *pair)) for of in (forward_flops, first_layer_flops))
    phi = forward_flops(partial(critic.state_action, encoded, batch.actions[:1]))
    psi = forward_flops(partial(critic.goal, encoded))
    twins, width = len(critic.phi), critic.encoder.width
    phi_first = twins * first_layer_flops(partial(critic.state_action, encoded, batch.actions[:1]))
    action_part = phi_first * (1 - width / (width + batch.actions.shape[1]))

    needed = 2 * (3 * encode - first) + 3 * phi + 3 * psi
    needed += 3 * act - act_first
    if algorithm.critic_term:
        needed += (phi - phi_first) + action_part  # the states' part of the first layer is known
        needed += (phi - phi_first) + action_part  # back to the action alone
    by_td = algorithm.objective == "td"
    if by_td:
        needed += act + encode + phi + psi
    if algorithm.critic_term and (by_td or batch.actor_goals is not None):
        needed += encode + psi
    if algorithm.critic_term and batch.cloned_states is not None:
        needed += 3 * act - act_first
    logits = 2 * twins * critic.goal(encoded).shape[-1]
    return round(count * (needed + 3 * logits * (2 if by_td else count)))


def forward_flops(call: Callable[[], Any]) -> int:
    """Of the convolutions and linear layers that run within ``call``, without gradient."""
    return sum(_counted(call))


def first_layer_flops(call: Callable[[], Any]) -> int:
    """Of the first of them."""
    return _counted(call)[0]


def _counted(call: Callable[[], Any]) -> list[int]:
    found: list[int] = []

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, nn.Conv2d | nn.Linear):
            found.append(2 * module.weight[0].numel() * output.numel())

    handle = nn.modules.module.register_module_forward_hook(count)  # pyright: ignore[reportArgumentType]
    try:
        with torch.no_grad():
            call()
    finally:
        handle.remove()
    return found
