"""Bits that flip, files that are cut or missing: reading gives an error or the right data, and check finds it."""

import json

import numpy as np
import pytest

from crl_data.checking.check import DAMAGED, SOUND, check_store
from crl_data.cli import main
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.errors import CrlError, StoreError

FLIPS = 4
"""Bits that are flipped in each file, one at a time."""


def everything(path):
    """All that a reader gets of a store, as bytes and values that can be compared. Raises StoreError."""
    store = Store.open(path)
    got = [repr(store.spec)]
    for name in store.episode_ids():
        episode = store.read(name)
        got += [repr(episode.meta), {n: a.tobytes() for n, a in episode.arrays.items()}]
        stream = [store.array(episode.meta, n) for n in episode.meta.checksums if n.startswith("streams/")]
        got += [array.tobytes() for array in stream]
        for track in episode.cameras.values():
            got += [frame.tobytes() for frame in track.frames()]
            got += [track.stamp_ns.tobytes(), track.receive_stamp_ns.tobytes()]
    return got


def refuses(do):
    """Whether it raises an error of ours."""
    try:
        do()
    except CrlError:
        return True
    return False


@pytest.fixture(params=["jpeg", "lossless"])
def full_store(request, tmp_path, samples):
    """A store with one episode that has everything an episode can have."""
    store = Store.create(tmp_path / "f.zarr", samples.spec(request.param))
    with EpisodeWriter(store, source="test", episode_id="one", operator="Ada", calibration={"k": [1.5]}) as writer:
        samples.fill(writer)
        for tick in range(6):
            writer.add_state(samples.arm((tick + 1) * 100))
        writer.mark_goal()
        writer.commit(success=True, note="über")
    return store


def test_a_flipped_bit_anywhere_is_found_or_changes_nothing(full_store):
    rng = np.random.default_rng(0)
    whole = everything(full_store.path)
    for file in sorted(path for path in full_store.path.rglob("*") if path.is_file()):
        data = file.read_bytes()
        for bit in rng.integers(8 * len(data), size=FLIPS):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << (bit % 8)
            file.write_bytes(flipped)
            require_noticed(full_store.path, whole, f"bit {bit} of {file}")
        file.write_bytes(data)
    assert everything(full_store.path) == whole


@pytest.mark.parametrize("length", [0.0, 0.5, 0.99])
def test_a_cut_file_is_found_wherever_it_is(full_store, length):
    whole = everything(full_store.path)
    for file in sorted(path for path in full_store.path.rglob("*") if path.is_file()):
        data = file.read_bytes()
        file.write_bytes(data[: int(length * len(data))])
        require_noticed(full_store.path, whole, f"{file} cut to {length}", harmless=False)
        file.unlink()
        require_noticed(full_store.path, whole, f"{file} removed", harmless=False)
        file.write_bytes(data)
    assert check_store(full_store.path, progress=False).exit_code == SOUND


def require_noticed(path, whole, what, *, harmless=True):
    """Reading gives an error or the right data; check finds it, unless every reader gets the right data."""
    read = "refused" if refuses(lambda: everything(path)) else everything(path)
    assert read in ("refused", whole), what
    try:
        report = check_store(path, progress=False)
        found = report.exit_code == DAMAGED or report.warnings
    except StoreError:
        found = True
    assert found or (harmless and read == whole), what
    if found and read == "refused":
        assert main(["check", str(path)]) == 2, what


def test_a_chunk_shape_of_zero_is_refused_like_other_damage(full_store):
    """zarr divides by it, and the error was none of ours."""
    file = full_store.folder("one") / "action_commanded" / "zarr.json"
    metadata = json.loads(file.read_text())
    metadata["chunk_grid"]["configuration"]["chunk_shape"] = [0, 7]
    file.write_text(json.dumps(metadata))
    with pytest.raises(StoreError, match="missing or damaged"):
        full_store.read("one")
    assert check_store(full_store.path, progress=False).exit_code == DAMAGED
