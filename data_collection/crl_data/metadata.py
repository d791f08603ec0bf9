"""The zarr.json files of groups and arrays: what goes into them, and the seal that shows whether they were changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crl_robot.errors import StoreError

DAMAGE = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, ArithmeticError)
"""What JSON, zarr and its codecs raise on missing, truncated or altered files."""

SEAL = "attributes_sha256"
"""Attribute that holds the SHA-256 of all others: JSON, unlike the arrays, carries no checksum of its own."""

BYTES_CODEC = {"name": "bytes", "configuration": {"endian": "little"}}
ZSTD_CODEC = {"name": "zstd", "configuration": {"level": 3, "checksum": False}}


def array_metadata(
    dtype: np.dtype[Any], shape: tuple[int, ...], chunk: tuple[int, ...], codecs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The zarr.json of an array (https://zarr-specs.readthedocs.io, "Zarr core specification version 3")."""
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": 0,
        "codecs": list(codecs),
        "attributes": {},
    }


def chunk_name(dimensions: int) -> str:
    """File of an array's only chunk, beside its zarr.json."""
    return ".".join(["c", *["0"] * dimensions])


def group_json(attributes: Mapping[str, Any]) -> bytes:
    """The zarr.json of a group with these attributes, sealed."""
    sealed = {**attributes, SEAL: seal(attributes)} if attributes else {}
    return as_json({"zarr_format": 3, "node_type": "group", "attributes": sealed})


def seal(attributes: Mapping[str, Any]) -> str:
    """SHA-256 of attributes as JSON holds them."""
    plain = json.loads(json.dumps(attributes))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def as_json(metadata: Mapping[str, Any]) -> bytes:
    """The bytes of a zarr.json."""
    return json.dumps(metadata, indent=2).encode()


def read_attributes(folder: Path, *, sealed: bool = True) -> dict[str, Any]:
    """Attributes of a group. Raises StoreError when it cannot be read, or its seal says that they were changed.

    The JSON is read directly: opening a group with zarr takes ten times as long, and stores have thousands.

    Args:
        sealed: compare the seal where there is one.
    """
    try:
        metadata = json.loads((folder / "zarr.json").read_bytes())
        if metadata["zarr_format"] != 3 or metadata["node_type"] != "group":
            raise ValueError("it is not a group of zarr format 3")
        attributes = dict(metadata["attributes"])
    except DAMAGE as error:
        raise StoreError(f"{folder} is not a readable zarr group ({error!r}); run 'crl-data check'") from error
    expected = attributes.pop(SEAL, None)
    if sealed and expected is not None and expected != seal(attributes):
        raise StoreError(f"{folder / 'zarr.json'} is damaged: its attributes were changed; restore it from a copy")
    return attributes
