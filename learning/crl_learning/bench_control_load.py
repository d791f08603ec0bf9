"""What `crl-bench control --replay` puts around the policy: prerecorded frames, a recorder, and networks for any rate.

Rendering in software costs more than everything else, so that drawn cameras would be what is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from crl_learning.assets import checkpoint_folder
from crl_learning.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ConfigError
from crl_robot.graph import NodeCommand, Parameter

SIZE, FPS = (640, 480), 30.0
NULL = "null"


def rated_checkpoint(folder: Path, checkpoint: str, rate_hz: float) -> str:
    """The networks of a checkpoint, said to be of another rate and of cameras of SIZE; returns the folder they are in.

    They compute the same in the same time. What they would do to a real arm is another matter: they are for the bench.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        ConfigError: it sees no camera, or another aspect.
    """
    loaded = load_checkpoint(checkpoint_folder(checkpoint))
    spec = loaded.meta.image_spec
    if spec is None or spec.native[0] * SIZE[1] != spec.native[1] * SIZE[0]:
        raise ConfigError(f"{checkpoint} is not for a camera of the aspect of {SIZE}; name another checkpoint")
    factor = SIZE[0] / spec.native[0]
    x, y, width, height = (round(factor * value) for value in spec.crop)
    actions = ActionSpec(rate_hz, loaded.meta.action_spec.reference)
    images = replace(spec, native=SIZE, crop=(x, y, width, height))
    meta = replace(loaded.meta, image_spec=images, action_spec=actions)
    save_checkpoint(folder / "checkpoint", Checkpoint(meta, loaded.policy, loaded.critic))
    return str(folder / "checkpoint")


def replay_nodes(cameras: Sequence[str]) -> list[NodeCommand]:
    """Cameras that show prepared frames."""
    shown: dict[str, Parameter] = {"cameras": list(cameras), "width": SIZE[0], "height": SIZE[1], "fps": FPS}
    return [NodeCommand("replay_cameras", "crl_robot.nodes.replay_cameras_node", parameters=shown)]


def recorder_nodes(runs: Path, cameras: Sequence[str], rate_hz: float, size: tuple[int, int]) -> list[NodeCommand]:
    """The recorder of runs."""
    settings: dict[str, Parameter] = {"runs": str(runs.absolute()), "cameras": list(cameras)}
    settings |= {"width": size[0], "height": size[1], "action.rate_hz": rate_hz}
    return [NodeCommand("run_recorder", "crl_learning.nodes.run_recorder_node", "ros/run_recorder.yaml", settings)]
