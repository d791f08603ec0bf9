"""What a run needs to continue as if it had never stopped: networks, optimiser moments, generator, step and time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from crl_learning.tensors import read_facts, read_tensors, write_folder
from crl_robot.errors import CheckpointError, ConfigError

SCHEMA = "crl_resume"
SCHEMA_VERSION = 1
FACTS = "resume.json"
FREE = (
    "robot",
    "steps",
    "minutes",
    "resume",
    "threads",
    "out",
    "cache",
    "cache_gb",
    "log_every",
    "validate_every",
    "checkpoint_every",
)
"""Settings that may differ between a run and its continuation."""


@dataclass(frozen=True)
class Progress:
    """How far a run is: gradient steps and seconds of training, over all its parts."""

    step: int = 0
    seconds: float = 0.0


def save_snapshot(
    folder: Path,
    networks: nn.Module,
    optimiser: torch.optim.Adam,
    generator: torch.Generator,
    progress: Progress,
    settings: dict[str, Any],
    fingerprint: str,
) -> None:
    """Write everything that `load_snapshot` restores."""
    moments = {
        f"{index}.{name}": value
        for index, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }
    tensors = {"networks": networks.state_dict(), "optimiser": moments, "generator": {"state": generator.get_state()}}
    facts = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "step": progress.step,
        "seconds": progress.seconds,
        "settings": settings,
        "data_fingerprint": fingerprint,
    }
    write_folder(folder, tensors, FACTS, facts)


def load_snapshot(
    folder: Path,
    networks: nn.Module,
    optimiser: torch.optim.Adam,
    generator: torch.Generator,
    settings: dict[str, Any],
    fingerprint: str,
) -> Progress:
    """Restore networks, optimiser and generator in place.

    Raises:
        CheckpointError: there is no snapshot, or it is damaged.
        ConfigError: other settings or other data than the run began with; names both values.
    """
    facts = read_facts(folder / FACTS, SCHEMA, SCHEMA_VERSION)
    _require_same_run(facts, settings, fingerprint)
    networks.load_state_dict(read_tensors(folder, facts, "networks"))
    parameters = optimiser.param_groups[0]["params"]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in read_tensors(folder, facts, "optimiser").items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = _laid_out_like(parameters[int(index)], value)
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    generator.set_state(read_tensors(folder, facts, "generator")["state"])
    return Progress(facts["step"], facts["seconds"])


def _laid_out_like(parameter: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """A moment in the memory order of its parameter, which the fused optimiser relies on and a file does not keep."""
    if value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)


def _require_same_run(facts: dict[str, Any], settings: dict[str, Any], fingerprint: str) -> None:
    try:
        before, data = facts["settings"], facts["data_fingerprint"]
    except KeyError as error:
        raise CheckpointError(f"the resume snapshot has no {error}; start the run again in another folder") from error
    for name, value in json.loads(json.dumps(settings)).items():  # as it was written: JSON knows no tuples
        if name not in FREE and before.get(name) != value:
            raise ConfigError(
                f"the run was started with {name}={before.get(name)}, got {name}={value}; resume with the same setting"
            )
    if data != fingerprint:
        raise ConfigError(
            f"the run was started on data with fingerprint {data[:12]}, this store has {fingerprint[:12]}; "
            "resume with the same data, or start a new run"
        )
