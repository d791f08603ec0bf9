"""What a checkpoint keeps for running it: the folder `progress/` inside it, made by `crl-run calibrate`.

`progress.json` holds the calibration and names, `reference.safetensors` the frames. It belongs to the networks whose
SHA-256 it names, and is refused beside others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crl_data.aligning.align import Reference as CameraReference
from crl_learning.checkpoint import FACTS, SCHEMA
from crl_learning.checkpoint import SCHEMA_VERSION as CHECKPOINT_VERSION
from crl_learning.goals.reference import FrameName, Reference
from crl_learning.progress.calibration import Calibration
from crl_learning.tensors import read_facts, read_tensors, write_folder
from crl_robot.errors import CheckpointError

FOLDER = "progress"
PROGRESS_FACTS = "progress.json"
PROGRESS_SCHEMA = "crl_progress"
PROGRESS_VERSION = 1
_REFERENCE = "reference"


@dataclass(frozen=True)
class ProgressExport:
    """What is known of a checkpoint's training data and of its progress signal.

    Attributes:
        calibration: of the signal; None where the policy has none.
        reference: frames as the network sees them.
        camera: what stood still before the camera, at native size; None where its view was never the same.
        tool_low, tool_high: (3,) m, base frame: where the tool was in the data; None where it is not known.
        facts: how it was measured, as they were saved.
        start_joints: (N,) rad, where an episode of the data began, the most usual one; None where it is not known.
    """

    calibration: Calibration | None
    reference: Reference
    camera: CameraReference | None
    tool_low: NDArray[np.float64] | None = None
    tool_high: NDArray[np.float64] | None = None
    start_joints: tuple[float, ...] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def save_progress(checkpoint: Path, export: ProgressExport, facts: Mapping[str, Any]) -> Path:
    """Write the folder `progress/` of a checkpoint; it is there whole or not at all. Returns it."""
    folder = checkpoint / FOLDER
    tensors = {"images": torch.from_numpy(np.ascontiguousarray(export.reference.images))}
    if export.camera is not None:
        tensors["camera_picture"] = torch.from_numpy(np.ascontiguousarray(export.camera.picture))
        tensors["camera_trust"] = torch.from_numpy(np.round(255 * export.camera.trust).astype(np.uint8))
    reference = export.reference
    content: dict[str, Any] = {
        "schema": PROGRESS_SCHEMA,
        "schema_version": PROGRESS_VERSION,
        "networks": network_sums(checkpoint),
        "calibration": export.calibration.to_dict() if export.calibration else None,
        "reference": {
            "frames": [[name.episode, name.frame] for name in reference.names],
            "usual": reference.usual,
            "sharpness": reference.sharpness,
        },
        "camera": {"steadiness": export.camera.steadiness} if export.camera else None,
        "tool": [bound.tolist() for bound in (export.tool_low, export.tool_high) if bound is not None] or None,
        "start_joints": list(export.start_joints) if export.start_joints else None,
        "facts": dict(facts),
    }
    write_folder(folder, {_REFERENCE: tensors}, PROGRESS_FACTS, content)
    return folder


def load_progress(checkpoint: Path) -> ProgressExport | None:
    """Read it; None where the checkpoint has none.

    Raises:
        CheckpointError: it is damaged, of another schema, or belongs to other networks.
    """
    folder = checkpoint / FOLDER
    if not folder.is_dir():
        return None
    facts = read_facts(folder / PROGRESS_FACTS, PROGRESS_SCHEMA, PROGRESS_VERSION)
    tensors = {name: tensor.numpy() for name, tensor in read_tensors(folder, facts, _REFERENCE).items()}
    try:
        if facts["networks"] != network_sums(checkpoint):
            raise CheckpointError(
                f"{folder} was made for other networks than those in {checkpoint}; make it anew: "
                f"crl-run calibrate {checkpoint} --data STORE"
            )
        return _from_facts(facts, tensors)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            f"{folder} is damaged ({error!r}); make it anew: crl-run calibrate {checkpoint} --data STORE"
        ) from error


def load_calibrated(checkpoint: Path) -> tuple[ProgressExport, Calibration]:
    """Read it with its calibration. Raises CheckpointError, also where there is none."""
    export = load_progress(checkpoint)
    if export is None or export.calibration is None:
        raise CheckpointError(f"{checkpoint} is not calibrated; first: crl-run calibrate {checkpoint} --data STORE")
    return export, export.calibration


def _from_facts(facts: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> ProgressExport:
    kept = facts["reference"]
    names = tuple(FrameName(str(episode), int(frame)) for episode, frame in kept["frames"])
    camera = None
    if facts["camera"] is not None:
        trust = np.asarray(tensors["camera_trust"] / 255, np.float32)
        camera = CameraReference(tensors["camera_picture"], trust, float(facts["camera"]["steadiness"]))
    low, high = (np.array(bound) for bound in facts["tool"]) if facts["tool"] else (None, None)
    calibration = Calibration.from_dict(facts["calibration"]) if facts["calibration"] else None
    reference = Reference(tensors["images"], names, float(kept["usual"]), float(kept["sharpness"]))
    start = tuple(float(joint) for joint in facts.get("start_joints") or ()) or None
    return ProgressExport(calibration, reference, camera, low, high, start, facts["facts"])


def network_sums(checkpoint: Path) -> dict[str, str]:
    """SHA-256 of the checkpoint's tensor files, by name."""
    return dict(read_facts(checkpoint / FACTS, SCHEMA, CHECKPOINT_VERSION)["sha256"])
