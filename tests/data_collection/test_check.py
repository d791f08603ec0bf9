import json
import shutil

import numpy as np
import pytest
import zarr

from crl_data.check import check_store
from crl_data.cli import main
from crl_data.files import checksum, temporary_sibling


@pytest.fixture
def episode(store, samples):
    """Folder of one committed episode."""
    samples.write(store, "one")
    samples.write(store, "two")
    return store.folder("one")


def _replace(episode, name, array):
    """Put another array in place with a checksum that fits, as a faulty program would."""
    group = zarr.open_group(episode, mode="r+")
    group[name][...] = array
    checksums = dict(group.attrs["checksums"])
    group.attrs["checksums"] = checksums | {name: checksum(np.asarray(group[name][...]))}


def test_a_sound_store_exits_0(store, episode, capsys):
    assert main(["check", str(store.path)]) == 0
    assert "2 episodes, sound" in capsys.readouterr().out


def test_a_left_over_temporary_folder_exits_1_and_is_named(store, episode, capsys):
    folder = temporary_sibling(store.path, "x")
    folder.mkdir()
    assert main(["check", str(store.path)]) == 1
    assert folder.name in capsys.readouterr().out


@pytest.mark.parametrize("name", ["action_commanded", "cameras/over_shoulder/frames"])
def test_a_flipped_bit_or_a_missing_file_exits_2(store, episode, name, capsys):
    chunk = next(file for file in (episode / name).iterdir() if file.name != "zarr.json")
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    assert main(["check", str(store.path)]) == 2
    assert "one" in capsys.readouterr().out
    shutil.rmtree(episode / name)
    assert main(["check", str(store.path)]) == 2


def test_unreadable_attributes_exit_2(store, episode):
    metadata = json.loads((episode / "zarr.json").read_text())
    del metadata["attributes"]["steps"]
    (episode / "zarr.json").write_text(json.dumps(metadata))
    assert main(["check", str(store.path)]) == 2


def test_a_store_that_cannot_be_opened_exits_2(tmp_path):
    assert main(["check", str(tmp_path / "nothing.zarr")]) == 2


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("stamp_ns", 7, "does not increase"),
        ("action_commanded", np.nan, "not finite"),
        ("cameras/over_shoulder/stamp_ns", [4, 3, 2, 1], "goes back"),
        ("cameras/over_shoulder/crc32", 0, "frame 0 is damaged"),
        ("cameras/over_shoulder/offsets", 0, "frame 0 is damaged"),
    ],
)
def test_values_that_no_recording_has_are_found(store, episode, name, value, words):
    _replace(episode, name, value)
    damage = check_store(store.path, progress=False).damage
    assert damage
    assert all(line.startswith("one: ") and words in line for line in damage)


def test_repair_removes_what_was_left_over_and_says_so(store, episode, capsys):
    folder = temporary_sibling(store.path, "x")
    (folder / "cameras").mkdir(parents=True)
    assert main(["repair", str(store.path)]) == 0
    assert f"removed: {folder}" in capsys.readouterr().out
    assert main(["check", str(store.path)]) == 0
    assert main(["repair", str(store.path)]) == 0
    assert "0 left-over" in capsys.readouterr().out
