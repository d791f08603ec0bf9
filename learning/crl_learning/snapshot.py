"""What a run needs to continue as if it had never stopped: networks, optimiser moments, generator, step and time.

`resume/` holds one folder for the newest step. It is there whole before the one of the step before is removed, so that
a run that is killed at any moment can be resumed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from crl_learning.tensors import read_facts, read_tensors, write_folder
from crl_robot import durable
from crl_robot.errors import CheckpointError, ConfigError

SCHEMA = "crl_resume"
SCHEMA_VERSION = 1
FACTS = "resume.json"
RESUME = "resume"
"""Name of the snapshot folder in the folder of a run."""
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
    "evaluate_every",
    "evaluation",
    "calibrate",
    "compile",
    "cuda_graph",
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
    """Write everything that `load_snapshot` restores, and remove the snapshots of earlier steps. Raises OSError."""
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
    new = folder / f"step_{progress.step:07d}"
    write_folder(new, tensors, FACTS, facts)
    for old in folder.iterdir():
        if old != new:
            durable.remove_tree(old) if old.is_dir() else durable.remove_file(old)


def newest_snapshot(folder: Path) -> Path:
    """The folder of the newest step; ``folder`` itself where there is none, or where an older program wrote it."""
    return max(folder.glob("step_*"), default=folder)


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
    folder = newest_snapshot(folder)
    facts = read_facts(folder / FACTS, SCHEMA, SCHEMA_VERSION)
    _require_same_run(facts, settings, fingerprint)
    networks.load_state_dict(read_tensors(folder, facts, "networks"))
    parameters = [one for group in optimiser.param_groups for one in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in read_tensors(folder, facts, "optimiser").items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = _laid_out_like(parameters[int(index)], value)
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    drawn = read_tensors(folder, facts, "generator")["state"]
    if drawn.shape != generator.get_state().shape:
        raise ConfigError(
            f"the run was started where random numbers come from another kind of device than {generator.device}; "
            "resume on the same kind: device=cpu or device=cuda. With cuda they come from the GPU where all images fit "
            "into half of its free memory, else from the host: leave as much free as there was"
        )
    generator.set_state(drawn)
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
        if name not in FREE and name in before and _differs(before[name], value):
            raise ConfigError(
                f"the run was started with {name}={before.get(name)}, got {name}={value}; resume with the same setting"
            )
    if data != fingerprint:
        raise ConfigError(
            f"the run was started on data with fingerprint {data[:12]}, this store has {fingerprint[:12]}; "
            "resume with the same data, or start a new run"
        )


def _differs(before: Any, now: Any) -> bool:
    """Whether a setting changed; what an older program did not know yet has its default."""
    if isinstance(before, dict) and isinstance(now, dict):
        return any(_differs(value, now.get(key)) for key, value in before.items())
    return before != now
