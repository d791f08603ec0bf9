"""Named tensors and JSON in a folder that appears whole: what checkpoints and resume snapshots are made of."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from crl_robot import durable
from crl_robot.errors import CheckpointError

Tensors = dict[str, Tensor]


def write_folder(
    folder: Path, tensors: Mapping[str, Mapping[str, Tensor]], facts_name: str, facts: dict[str, Any]
) -> None:
    """Write ``<name>.safetensors`` files and one JSON file that holds ``facts`` and the SHA-256 of each of them.

    Everything is written and synced beside ``folder`` and renamed into place; an older ``folder`` is moved aside and
    removed. Raises OSError; what was written is removed then.
    """  # fmt: skip
    partial = folder.with_name(f"{_beside(folder)}{uuid.uuid4().hex[:8]}")
    durable.make_folder(folder.parent, lasting=True)
    durable.make_folder(partial)
    try:
        sums = {}
        for name, group in tensors.items():
            content = save({key: tensor.detach().cpu().contiguous() for key, tensor in group.items()})
            sums[f"{name}.safetensors"] = hashlib.sha256(content).hexdigest()
            durable.write_file(partial / f"{name}.safetensors", content)
        text = json.dumps(facts | {"sha256": sums}, indent=2)
        durable.write_file(partial / facts_name, f"{text}\n".encode())
        durable.sync_tree(partial)
        _put_in_place(partial, folder)
    finally:
        remove_leftovers(folder)


def _put_in_place(partial: Path, folder: Path) -> None:
    if not folder.exists():
        durable.rename(partial, folder)
        return
    aside = partial.with_name(f"{partial.name}.old")
    durable.rename(folder, aside)
    try:
        durable.rename(partial, folder)
    except OSError:
        durable.rename(aside, folder)
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove what `write_folder` left beside ``folder`` when it failed or was killed."""
    for left in folder.parent.glob(f"{_beside(folder)}*"):
        shutil.rmtree(left, ignore_errors=True)


def _beside(folder: Path) -> str:
    return f".{folder.name}.partial-"


def read_facts(path: Path, schema: str, version: int) -> dict[str, Any]:
    """The JSON file of a folder. Raises CheckpointError when missing, unreadable or of another schema or version."""
    if not path.parent.is_dir():
        what = "is a file" if path.parent.exists() else "does not exist"
        raise CheckpointError(f"{path.parent} {what}; give the folder of a checkpoint, written by crl-train")
    try:
        facts = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is missing or not readable ({error}); copy the whole folder again") from error
    got = (facts.get("schema"), facts.get("schema_version")) if isinstance(facts, dict) else (None, None)
    if got != (schema, version):
        raise CheckpointError(
            f"{path} has schema {got[0]!r} version {got[1]!r}, this program reads '{schema}' version {version}; "
            "use the program version that wrote it, or train again"
        )
    return facts


def read_tensors(folder: Path, facts: Mapping[str, Any], name: str) -> Tensors:
    """One tensor file of a folder. Raises CheckpointError when it is missing, truncated or altered."""
    path = folder / f"{name}.safetensors"
    expected = facts.get("sha256", {}).get(path.name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} is missing or not readable ({error}); copy the whole folder again") from error
    got = hashlib.sha256(content).hexdigest()
    if got != expected:
        raise CheckpointError(
            f"{path} is truncated or damaged: its SHA-256 is {got[:12]}..., expected {str(expected)[:12]}...; "
            "copy the whole folder again"
        )
    try:
        return load(content)
    except SafetensorError as error:
        raise CheckpointError(f"{path} is no safetensors file ({error}); train again") from error
