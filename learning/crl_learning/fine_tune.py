"""Starting from the networks of a checkpoint instead of fresh ones."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from crl_learning.action_scale import CONSTANT_STD
from crl_learning.algorithms.algorithm import Algorithm
from crl_learning.assets import checkpoint_folder
from crl_learning.checkpoint import Checkpoint, load_checkpoint
from crl_learning.dataset import TrajectoryData
from crl_robot.errors import MismatchError


def load_init(folder: str, data: TrajectoryData) -> Checkpoint:
    """The checkpoint to start from.

    Raises:
        CheckpointError: it is missing or damaged.
        MismatchError: images or actions of the new data mean something else, or move what the checkpoint cannot move.
    """
    checkpoint = load_checkpoint(checkpoint_folder(folder))
    meta = checkpoint.meta
    pairs = {"robot": (meta.robot, data.robot or meta.robot), "labels": (meta.labels, data.labels)}
    pairs |= {"image spec": (meta.image_spec, data.image_spec), "actions": (meta.action_spec, data.action_spec)}
    for name, (before, now) in pairs.items():
        if before != now:
            raise MismatchError(
                f"init={folder} was trained with {name} {before}, the data have {now}; use the same, or train anew"
            )
    moving = data.actions.std(axis=0) >= CONSTANT_STD
    entries = zip(data.action_spec.names, meta.action_scale.free, moving, strict=True)
    stuck = [name for name, free, moves in entries if moves and not free]
    if stuck:
        raise MismatchError(
            f"the data move {', '.join(stuck)}, which never moved in the data of init={folder}: it cannot; train anew"
        )
    return checkpoint


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
