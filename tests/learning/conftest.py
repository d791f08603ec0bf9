"""What tests of learning share: one thread for torch, and a checkpoint that has learned nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from crl_learning.action_scale import RANGE_CENTRE, RANGE_HALF, ActionScale
from crl_learning.checkpoint import Checkpoint, CheckpointMeta, save_checkpoint
from crl_learning.config import load_train_config
from crl_learning.networks.critic import Critic
from crl_learning.networks.policy import Policy
from crl_robot.contracts import ActionSpec
from crl_robot.image_spec import ImageSpec


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Threads that wait for each other make small tests slow on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a checkpoint with the shipped sizes and fresh weights."""
    return _save_untrained(tmp_path_factory.mktemp("untrained") / "checkpoint")


@pytest.fixture(scope="session")
def untrained_pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of a checkpoint that sees over_shoulder and wrist."""
    return _save_untrained(tmp_path_factory.mktemp("untrained_pair") / "checkpoint", ("wrist",))


def _save_untrained(folder: Path, more_cameras: tuple[str, ...] = ()) -> Path:
    torch.manual_seed(0)
    spec, scale = ImageSpec(), ActionScale(RANGE_CENTRE, RANGE_HALF)
    network = replace(load_train_config(["data=none", "out=none"]).network, cameras=1 + len(more_cameras))
    meta = CheckpointMeta(
        "stable_crl", network, spec, ActionSpec(), "commanded", scale, steps=0, seed=0, more_cameras=more_cameras
    )
    policy = Policy(spec.size, network, torch.from_numpy(scale.free))
    save_checkpoint(folder, Checkpoint(meta, policy.state_dict(), Critic(spec.size, network).state_dict()))
    return folder
