"""The power fails after every operation of a session on a model of a disk; what was promised must be there."""

from pathlib import Path

import numpy as np
import pytest

from crl_data.bench.crashes.disk_model import DiskModel
from crl_data.bench.crashes.power_loss import (
    Recording,
    judge,
    lay_out,
    memory_folder,
    power_loss_rows,
    record_session,
)
from crl_data.bench.crashes.verify import Promises, tree_hash

ROOT = Path("/disk")


@pytest.fixture
def model():
    return DiskModel(ROOT)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A short session that commits, accepts, deletes and merges."""
    folder = tmp_path_factory.mktemp("session")
    (folder / "root").mkdir()
    return record_session(folder / "root", folder / "source.zarr", 0, "jpeg", short=True)


def test_what_was_not_synced_may_be_gone(model, rng):
    model.follow("write", ROOT / "file", 0, b"data")
    assert model.draw("none", rng) == {"file": b"data"}
    assert model.draw("all", rng) == {}


def test_a_file_needs_its_own_sync_and_its_folder_s(model, rng):
    model.follow("write", ROOT / "file", 0, b"data" * 1000)
    model.follow("sync", ROOT)
    contents = {model.draw("all", rng)["file"] for _ in range(100)}
    assert {b"", b"data" * 1000} <= contents
    assert any(set(content) == {0} or 0 < len(content) < 4000 or b"\0" in content for content in contents)
    model.follow("sync", ROOT / "file")
    assert {model.draw("random", rng)["file"] for _ in range(100)} == {b"data" * 1000}


def test_a_synced_file_without_a_synced_name_may_be_gone(model, rng):
    model.follow("write", ROOT / "file", 0, b"data")
    model.follow("sync", ROOT / "file")
    assert model.draw("all", rng) == {}
    assert {tuple(model.draw("random", rng)) for _ in range(50)} == {(), ("file",)}


def test_a_rename_is_safe_when_the_new_folder_is_synced(model, rng):
    for folder in ("a", "b", "a/x"):
        model.follow("mkdir", ROOT / folder)
    model.follow("sync", ROOT / "a")
    model.follow("sync", ROOT)
    model.follow("rename", ROOT / "a" / "x", ROOT / "b" / "y")
    drawn = {frozenset(model.draw("random", rng)) for _ in range(100)}
    assert drawn == {frozenset({"a", "b", *names}) for names in [("a/x",), ("b/y",), ("a/x", "b/y")]}
    model.follow("sync", ROOT / "b")
    assert set(model.draw("all", rng)) == {"a", "b", "b/y"}


def test_a_removal_may_be_half_done(model, rng):
    model.follow("mkdir", ROOT / "a")
    for name in ("one", "two"):
        model.follow("write", ROOT / "a" / name, 0, b"1")
        model.follow("sync", ROOT / "a" / name)
    model.follow("sync", ROOT / "a")
    model.follow("sync", ROOT)
    model.follow("remove", ROOT / "a")
    assert model.draw("none", rng) == {}
    assert {frozenset(model.draw("random", rng)) for _ in range(200)} >= {frozenset({"a", "a/one"}), frozenset()}


def test_a_cut_file_has_lost_its_end(model, rng):
    model.follow("write", ROOT / "file", 0, b"123456")
    model.follow("truncate", ROOT / "file", 3)
    model.follow("write", ROOT / "file", 3, b"xy")
    assert model.draw("none", rng) == {"file": b"123xy"}


def test_operations_elsewhere_are_left_out(model, rng):
    model.follow("write", Path("/other/file"), 0, b"1")
    assert model.draw("none", rng) == {}


def test_the_recorded_operations_are_all_that_happened(recording, tmp_path):
    """A change on the disk that is not reported would not be replayed either."""
    model = DiskModel(recording.root)
    for event in recording.events:
        if event[0] == "disk":
            model.follow(*event[1:])
    lay_out(model.draw("none", np.random.default_rng(0)), tmp_path / "copy")
    assert tree_hash(tmp_path / "copy") == tree_hash(recording.root)


def test_no_promise_is_broken_wherever_the_power_fails(recording, tmp_path):
    draws = (("all", 1), ("random", 1))
    states = memory_folder(tmp_path / "state")
    rows = list(power_loss_rows(recording, states, 0, draws))
    assert [row for row in rows if row["lost"] or row["changed"] or row["problems"]] == []
    assert rows[-1]["promised"] == 2
    assert len({row["after"] for row in rows}) > recording.operations / 2


@pytest.mark.parametrize("careless", ["files", "folders"])
def test_a_writer_that_does_not_sync_would_be_found_out(recording, tmp_path, careless):
    kept = [event for event in recording.events if not _is_sync(event, careless)]
    forgetful = Recording(recording.root, recording.seed, kept)
    rows = power_loss_rows(forgetful, memory_folder(tmp_path / "state"), 0, (("all", 1),), every=10)
    assert any(row["lost"] or row["changed"] or row["problems"] for row in rows)


def _is_sync(event, of):
    is_file = event[0] == "disk" and (event[2].name == "zarr.json" or event[2].name.startswith("c."))
    return event[:2] == ("disk", "sync") and is_file == (of == "files")


def test_a_state_without_a_store_is_sound_until_it_was_promised(tmp_path):
    assert judge({}, tmp_path / "x", 0, Promises(), created=False, append=False).sound
    assert not judge({}, tmp_path / "x", 0, Promises(), created=True, append=False).sound
