"""Pickles give numbers and containers, and never run anything."""

import collections
import os
import pickle
import pickletools
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from crl_data.exchange.errors import SourceError
from crl_data.exchange.pickles import load_numbers


class Runs:
    """Unpickled by an ordinary unpickler, it calls a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_numbers_in_containers_come_back_equal(tmp_path, protocol):
    data = {
        "array": np.arange(12, dtype=np.float32).reshape(3, 4),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "text": np.array(["a", "bc"]),
        "number": np.float64(1.5),
        "flag": np.bool_(True),
        "list": [1, 2.5, "ü", b"x", None, (1, 2), {3}],
        "ordered": collections.OrderedDict(a=1),
        "objects": np.array([{"a": np.zeros(2)}, None], dtype=object),
    }
    path = tmp_path / "data.pkl"
    path.write_bytes(pickle.dumps(data, protocol))
    read = load_numbers(path)
    for key in ("array", "fortran", "text"):
        np.testing.assert_array_equal(read[key], data[key])
        assert read[key].dtype == data[key].dtype
    assert read["list"] == data["list"]
    assert read["number"] == 1.5
    assert read["ordered"] == {"a": 1}
    np.testing.assert_array_equal(read["objects"][0]["a"], np.zeros(2))


def test_the_names_of_old_numpy_versions_are_known(tmp_path):
    written = pickle.dumps(np.arange(3.0), 2)
    old = written.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != written
    (tmp_path / "old.pkl").write_bytes(old)
    np.testing.assert_array_equal(load_numbers(tmp_path / "old.pkl"), np.arange(3.0))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch {}",), r"posix\.system"),
        (subprocess.check_output, (["touch", "{}"],), r"(subprocess|commands)\.check_output"),
        (eval, ("open('{}', 'w')",), r"(builtins|__builtin__)\.eval"),
        (partial, (print,), r"functools\.partial"),
        (getattr, (np.ndarray, "tofile"), r"(builtins|__builtin__)\.getattr"),
        (np.load, ("{}",), r"numpy\S*\.load"),
        (np.ndarray.tofile, (np.zeros(1), "{}"), r"(builtins|__builtin__)\.getattr|numpy\.ndarray\.tofile"),
    ],
)
def test_a_pickle_that_runs_code_is_refused_by_name_and_runs_nothing(tmp_path, function, arguments, name, protocol):
    trace = tmp_path / "it ran"
    told = [argument.format(trace) if isinstance(argument, str) else argument for argument in arguments]
    told = [[word.format(trace) for word in a] if isinstance(a, list) else a for a in told]
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps([{"actions": Runs(function, *told)}], protocol))
    with pytest.raises(SourceError, match=rf"asks to run or make '{name}'"):
        load_numbers(path)
    assert not trace.exists()


def test_a_dotted_name_reaches_nothing_behind_an_allowed_one(tmp_path):
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.")
    with pytest.raises(SourceError, match=r"numpy\.ndarray\.tofile"):
        load_numbers(path)


def test_a_pickle_cut_short_anywhere_is_damaged(tmp_path):
    whole = pickle.dumps([{"actions": np.arange(7.0)}, {"actions": np.ones(7)}], 4)
    path = tmp_path / "cut.pkl"
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(SourceError, match=r"cut\.pkl is damaged|asks to run"):
            load_numbers(path)


def test_altered_bytes_give_data_or_a_clear_error_and_nothing_else(tmp_path):
    rng = np.random.default_rng(0)
    whole = bytearray(pickle.dumps([{"actions": np.arange(7.0)}, {"a": (1, "x", 2.5)}], 4))
    path = tmp_path / "altered.pkl"
    read, refused = [], []
    for _ in range(400):
        altered = bytearray(whole)
        altered[rng.integers(len(altered))] ^= rng.integers(1, 256)
        path.write_bytes(altered)
        try:
            read.append(load_numbers(path))
        except SourceError as error:
            refused.append(str(error))
    assert len(read) > 50
    assert len(refused) > 50
    assert all("altered.pkl" in text for text in refused)
    assert all(is_plain(data) for data in read)


def is_plain(data: object) -> bool:
    """Whether it is made of numbers, text, arrays and containers only, all the way down."""
    if isinstance(data, np.ndarray):
        return data.dtype != object or all(is_plain(value) for value in data.reshape(-1).tolist())
    if isinstance(data, dict):
        return type(data) in (dict, collections.OrderedDict) and all(is_plain(part) for part in data.items())
    if isinstance(data, (list, tuple, set, frozenset)):
        return type(data) in (list, tuple, set, frozenset) and all(is_plain(part) for part in data)
    return (
        data is None
        or type(data) in (bool, int, float, complex, str, bytes)
        or isinstance(data, (np.generic, np.dtype))
    )


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"none\.pkl cannot be read"):
        load_numbers(Path(tmp_path / "none.pkl"))


def test_what_is_written_here_would_run_elsewhere(tmp_path):
    """Guards the tests above: the pickles do carry a call."""
    data = pickle.dumps(Runs(os.system, "true"), 4)
    assert "REDUCE" in {opcode.name for opcode, _, _ in pickletools.genops(data)}
