"""Starting from the networks of a checkpoint instead of fresh ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from torch import Tensor, nn

from crl_learning.action_scale import CONSTANT_STD
from crl_learning.algorithms.algorithm import Algorithm
from crl_learning.assets import checkpoint_folder
from crl_learning.checkpoint import Checkpoint, load_checkpoint
from crl_learning.config import NetworkConfig, TrainConfig
from crl_learning.dataset import TrajectoryData
from crl_robot.errors import MismatchError

CRITIC_ALONE = ("repr_dim", "critics", "own_goal_encoder", "scaled_logits")
"""Settings of a network that say nothing of the policy."""


def load_init(folder: str, config: TrainConfig, data: TrajectoryData) -> Checkpoint:
    """The checkpoint to start from.

    Raises:
        CheckpointError: it is missing or damaged.
        MismatchError: images or actions of the new data mean something else, or move what the checkpoint cannot move,
            or the networks of this run are others.
    """
    checkpoint = load_checkpoint(checkpoint_folder(folder))
    meta = checkpoint.meta
    pairs = {"robot": (meta.robot, data.robot or meta.robot), "labels": (meta.labels, data.labels)}
    pairs |= {"image spec": (meta.image_spec, data.image_spec), "actions": (meta.action_spec, data.action_spec)}
    pairs |= {"image.more_cameras": (list(meta.more_cameras), list(config.image.more_cameras))}
    for name, (before, now) in pairs.items():
        if before != now:
            raise MismatchError(
                f"init={folder} was trained with {name} {before}, the data have {now}; use the same, or train anew"
            )
    _require_network(folder, checkpoint, config)
    moving = data.actions.std(axis=0) >= CONSTANT_STD
    entries = zip(data.action_spec.names, meta.action_scale.free, moving, strict=True)
    stuck = [name for name, free, moves in entries if moves and not free]
    if stuck:
        raise MismatchError(
            f"the data move {', '.join(stuck)}, which never moved in the data of init={folder}: it cannot; train anew"
        )
    return checkpoint


def _require_network(folder: str, checkpoint: Checkpoint, config: TrainConfig) -> None:
    """Raises MismatchError: weights of the same sizes may mean something else, as behind another nonlinearity."""
    before, now = _facts(checkpoint.meta.network), _facts(config.network)
    both_have_a_critic = checkpoint.critic is not None and config.algorithm.name != "gcbc"
    for name in before:
        if before[name] != now[name] and (both_have_a_critic or name not in CRITIC_ALONE):
            raise MismatchError(
                f"init={folder} was trained with network.{name} {before[name]}, this run has {now[name]}; use its "
                "network settings, or train anew"
            )


def _facts(network: NetworkConfig) -> dict[str, Any]:
    """All that the weights depend on, those of the policy as they are in effect."""
    facts = asdict(network) | {"policy_block": network.policy_layers, "policy_hidden": network.policy_widths}
    return {name: value for name, value in facts.items() if name != "execute"}


def start_from(networks: Algorithm, checkpoint: Checkpoint) -> None:
    """Load policy and critic; what the checkpoint does not have starts fresh. Raises MismatchError on other sizes."""
    _load("policy", networks.policy, checkpoint.policy)
    if networks.critic is not None and checkpoint.critic is not None:
        _load("critic", networks.critic, checkpoint.critic)
    networks.copy_targets()


def _load(name: str, network: nn.Module, state: Mapping[str, Tensor]) -> None:
    own = network.state_dict()
    for key in sorted(own.keys() | state.keys()):
        ours, theirs = (tuple(of[key].shape) if key in of else "nothing" for of in (own, state))
        if ours != theirs:
            raise MismatchError(
                f"the {name} of this run has {key} {ours}, the checkpoint of init= has {theirs}; use its "
                "network settings"
            )
    network.load_state_dict(dict(state))
