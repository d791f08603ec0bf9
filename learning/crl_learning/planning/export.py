"""What a checkpoint keeps for far goals: the folder `planner/` inside it, made by `crl-run waypoints`.

`planner.json` names the frames; `map.safetensors` holds their pictures, the edges between them and the chain of the
interpolation. It belongs to the networks and the calibration that it was made with, and is refused beside others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from crl_learning.goals.reference import FrameName
from crl_learning.planning.chain import Chain
from crl_learning.planning.frames import Frames
from crl_learning.planning.graph import Edges
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.export import network_sums
from crl_learning.tensors import Tensors, read_facts, read_tensors, write_folder
from crl_robot.errors import CheckpointError

FOLDER, FACTS, MAP = "planner", "planner.json", "map"
SCHEMA, SCHEMA_VERSION = "crl_planner", 1


@dataclass(frozen=True)
class PlannerExport:
    """What planners are made of.

    Attributes:
        frames: of the data.
        edges: between them.
        chain, spread: for interpolation; None and 0 where the checkpoint's critic sees no single images.
        facts: how it was made.
    """

    frames: Frames
    edges: Edges
    chain: Chain | None
    spread: float
    facts: Mapping[str, Any]


def save_planner(checkpoint: Path, calibration: Calibration, export: PlannerExport) -> Path:
    """Write the folder `planner/` of a checkpoint; it is there whole or not at all. Returns it."""
    frames, edges, chain = export.frames, export.edges, export.chain
    tensors = {"images": torch.from_numpy(frames.images)}
    tensors |= {name: torch.from_numpy(getattr(edges, name)) for name in ("tail", "head", "ticks")}
    if chain is not None:
        tensors |= {f"chain.{name}": tensor for name, tensor in chain.state_dict().items()}
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "made_with": _made_with(checkpoint, calibration),
        "frames": [[name.episode, name.frame] for name in frames.names],
        "longest": edges.longest,
        "spread": export.spread if chain is not None else None,
        "facts": dict(export.facts),
    }
    write_folder(checkpoint / FOLDER, {MAP: tensors}, FACTS, content)
    return checkpoint / FOLDER


def load_planner(checkpoint: Path, calibration: Calibration) -> PlannerExport:
    """Read it. Raises CheckpointError when there is none, it is damaged, or belongs to others."""
    folder, again = checkpoint / FOLDER, f"make it: crl-run waypoints {checkpoint} --data STORE"
    if not folder.is_dir():
        raise CheckpointError(f"{checkpoint} has no folder {FOLDER}/ with frames to plan over; {again}")
    facts = read_facts(folder / FACTS, SCHEMA, SCHEMA_VERSION)
    tensors = read_tensors(folder, facts, MAP)
    try:
        fits = facts["made_with"] == _made_with(checkpoint, calibration)
        export = _from_facts(facts, tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{folder} is damaged ({error!r}); {again}") from error
    if not fits:
        raise CheckpointError(f"{folder} was made for other networks or another calibration; {again}")
    return export


def _from_facts(facts: Mapping[str, Any], tensors: Tensors) -> PlannerExport:
    names = tuple(FrameName(str(episode), int(frame)) for episode, frame in facts["frames"])
    frames = Frames(tensors["images"].numpy(), names)
    tail, head, ticks = (tensors[name].numpy() for name in ("tail", "head", "ticks"))
    edges = Edges(tail, head, ticks, float(facts["longest"]))
    if facts["spread"] is None:
        return PlannerExport(frames, edges, None, 0.0, facts["facts"])
    return PlannerExport(frames, edges, _chain(tensors), float(facts["spread"]), facts["facts"])


def _chain(tensors: Tensors) -> Chain:
    state: dict[str, Tensor] = {
        name.removeprefix("chain."): tensor for name, tensor in tensors.items() if name.startswith("chain.")
    }
    chain = Chain(len(state["mean"]), len(state["transition"]))
    chain.load_state_dict(state)
    return chain.eval()


def _made_with(checkpoint: Path, calibration: Calibration) -> dict[str, Any]:
    """What the distances come from."""
    words = json.dumps([calibration.weights, calibration.offset])
    return {**network_sums(checkpoint), "calibration": hashlib.sha256(words.encode()).hexdigest()}
