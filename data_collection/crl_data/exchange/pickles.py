"""Reads pickles that hold nothing but numbers: NumPy arrays in plain containers. No code of the file is ever run."""

from __future__ import annotations

import pickle
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from crl_data.exchange.errors import SourceError

_DAMAGE = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What unpickling raises on files that were cut short or altered."""


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """The one use that NumPy's pickles of protocol 2 make of `codecs.encode`: bytes written as text."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"text in {encoding!r}, expected latin1")
    return text.encode("latin1")


def _numpy_names() -> dict[tuple[str, str], Any]:
    """The functions by which NumPy's arrays and numbers come back, under the names of NumPy 1 and 2."""
    array, number = np.empty(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    buffer = np.empty(1).__reduce_ex__(5)[0]
    names: dict[tuple[str, str], Any] = {}
    for core in ("numpy.core", "numpy._core"):
        names[f"{core}.multiarray", "_reconstruct"] = array
        names[f"{core}.multiarray", "scalar"] = number
        names[f"{core}.numeric", "_frombuffer"] = buffer
    return names | {("numpy", "ndarray"): np.ndarray, ("numpy", "dtype"): np.dtype}


_ALLOWED: dict[tuple[str, str], Any] = _numpy_names() | {
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
    **{
        (module, name): kind
        for module in ("builtins", "__builtin__")
        for name, kind in {
            "bool": bool,
            "bytearray": bytearray,
            "complex": complex,
            "dict": dict,
            "float": float,
            "frozenset": frozenset,
            "int": int,
            "list": list,
            "set": set,
            "tuple": tuple,
        }.items()
    },
}


class _NumbersOnly(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return _ALLOWED[module_name, global_name]
        except KeyError:
            raise _RefusedError(f"{module_name}.{global_name}") from None


class _RefusedError(Exception):
    """A pickle asks for something that is not a number or a container."""


def load_numbers(path: Path) -> Any:
    """The content of a pickle file of NumPy arrays, numbers, text, lists, dicts, tuples and sets.

    Raises:
        SourceError: missing, cut short, or it asks for anything else, which is refused by name and not run.
    """
    try:
        with path.open("rb") as file:
            return _NumbersOnly(file).load()
    except _RefusedError as error:
        raise SourceError(
            f"{path} asks to run or make '{error}'; only numbers and containers are read from a pickle, nothing was run"
        ) from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
    except _DAMAGE as error:
        raise SourceError(f"{path} is damaged: {error!r}") from error
