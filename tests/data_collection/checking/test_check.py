import json
import shutil

import numpy as np
import pytest
import zarr

from crl_data.checking.check import check_store
from crl_data.checking.repair import repair_store
from crl_data.cli import main
from crl_data.files import checksum
from crl_data.metadata import group_json, read_attributes
from crl_data.siblings import temporary_sibling
from crl_data.writer import EpisodeWriter
from crl_robot.errors import StoreError


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
    attributes = read_attributes(episode)
    attributes["checksums"] |= {name: checksum(np.asarray(group[name][...]))}
    (episode / "zarr.json").write_bytes(group_json(attributes))


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
        ("cameras/over_shoulder/offsets", 0, "one after the other"),
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


def test_repair_of_a_damaged_store_says_that_it_still_is_and_exits_like_check(store, episode, capsys):
    """It ended with 0 and with the words that no episode was touched."""
    (episode / "joints" / "c.0.0").unlink()
    folder = temporary_sibling(store.path, "x")
    folder.mkdir()
    assert main(["repair", str(store.path)]) == 2
    out = capsys.readouterr().out
    assert "1 left-over folder removed" in out
    assert "damaged: one: joints" in out
    assert "still damaged" in out
    assert f"crl-data check {store.path}" in out
    assert f"crl-data delete {store.path} one --yes" in out
    assert main(["delete", str(store.path), "one", "--yes"]) == 0
    assert main(["repair", str(store.path)]) == 0


def test_warnings_are_shown_and_do_not_change_the_verdict(store, episode, capsys):
    _replace(episode, "action_commanded", np.full((4, 7), 2.0))
    _replace(episode, "gripper", 1.5)
    (episode / "notes.txt").write_text("hand-made")
    (store.path / "README").write_text("hand-made")
    assert main(["check", str(store.path)]) == 0
    out = capsys.readouterr().out
    for words in (
        "action_commanded moves by 2.00 m",
        "gripper has a gripper opening outside 0..1 in 4 steps",
        "notes.txt belongs to nothing",
        "README belongs to nothing",
    ):
        assert f"warning: one: {words}" in out or f"warning: a.zarr: {words}" in out


def test_damage_names_the_episode_the_array_and_what_to_do(store, episode, capsys):
    (episode / "joints" / "c.0.0").unlink()
    assert main(["check", str(store.path)]) == 2
    out = capsys.readouterr().out
    assert "damaged: one: joints" in out
    assert f"crl-data delete {store.path} one --yes" in out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"goal_steps": [4]}, "goal_steps is [4]"),
        ({"lost": {"over_shoulder": -1}}, "expected counts of 0 or more"),
        ({"steps": 0}, "steps is 0"),
        ({"clock": "sundial"}, "clock is 'sundial'"),
        ({"clock": "none"}, "its source had no clock"),
        ({"success": "yes"}, "success is 'yes'"),
        ({"id": "two"}, "it is episode 'two'"),
    ],
)
def test_attributes_that_make_no_sense_are_damage(store, episode, changes, words):
    (episode / "zarr.json").write_bytes(group_json(read_attributes(episode) | changes))
    damage = check_store(store.path, progress=False).damage
    assert any(line.startswith("one: ") and words in line for line in damage)


def test_attributes_changed_by_hand_are_damage(store, episode):
    text = (episode / "zarr.json").read_text()
    (episode / "zarr.json").write_text(text.replace('"source": "test"', '"source": "best"'))
    assert check_store(store.path, progress=False).exit_code == 2


def test_metadata_that_would_mislead_zarr_are_damage(store, episode):
    file = episode / "joints" / "zarr.json"
    file.write_text(file.read_text().replace('"little"', '"big"'))
    damage = check_store(store.path, progress=False).damage
    assert damage == ["one: joints/zarr.json is damaged: zarr cannot read joints by it"]


@pytest.fixture
def waiting(store, samples):
    """Folder of an episode that is complete but was not accepted."""
    with EpisodeWriter(store, source="test", episode_id="late") as writer:
        samples.fill(writer)
        return writer.finish()


def test_what_waits_is_kept_unless_told_otherwise(store, waiting, capsys):
    assert main(["check", str(store.path)]) == 0
    assert f"waiting: {waiting}" in capsys.readouterr().out
    assert main(["repair", str(store.path)]) == 0
    assert "waiting: episode late" in capsys.readouterr().out
    assert waiting.is_dir()


def test_what_waits_can_be_accepted(store, waiting, capsys):
    assert main(["repair", str(store.path), "--pending", "accept"]) == 0
    assert "accepted: episode late" in capsys.readouterr().out
    assert (store.episode_ids(), waiting.exists()) == (["late"], False)


def test_what_waits_can_be_discarded(store, waiting, capsys):
    assert main(["repair", str(store.path), "--pending", "discard"]) == 0
    assert "discarded: episode late" in capsys.readouterr().out
    assert (store.episode_ids(), waiting.exists()) == ([], False)


def test_what_waits_and_is_damaged_is_not_accepted(store, waiting, capsys):
    (waiting / "joints" / "zarr.json").unlink()
    assert main(["check", str(store.path)]) == 2
    assert main(["repair", str(store.path), "--pending", "accept"]) == 2
    assert "not accepted: late: it is damaged" in capsys.readouterr().out
    assert (store.episode_ids(), waiting.is_dir()) == ([], True)


def test_what_waits_under_an_id_that_is_taken_is_not_accepted(store, waiting, samples):
    shutil.copytree(waiting, store.folder("late"))
    report = repair_store(store.path, "accept")
    assert "another episode of this id" in report.refused[0]
    assert waiting.is_dir()
    assert repair_store(store.path, "discard").discarded == ["late"]


def test_an_unknown_word_for_what_waits_is_refused(store):
    with pytest.raises(StoreError, match="did you mean 'accept'"):
        repair_store(store.path, "acept")
