"""Replay buffers of diffusion_policy, written with zarr format 2 as it does, become a store."""

import json
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import zarr

from crl_data.checking.check import check_store
from crl_data.exchange.diffusion_policy import OPTIONS, import_diffusion_policy
from crl_data.exchange.errors import MappingError, SourceError
from crl_data.exchange.mapping_file import mapping_from_dict, merged
from crl_data.store import Store
from crl_robot.geometry import matrix_from_quat, matrix_from_rpy

MAPPING = {
    "robot": "ur5",
    "rate": 10,
    "reference": "previous_target",
    "frame": "base",
    "labels": "commanded",
    "encoding": "lossless",
    "cameras": {"camera_0": "front", "camera_1": "wrist"},
    "action": {
        "kind": "absolute",
        "position": "action[0:3]",
        "rotation": "action[3:6]",
        "rotation_as": "rotvec",
        "gripper": {"value": "gripper", "open": 0.08, "closed": 0},
    },
    "tool": {"position": "robot_eef_pose[0:3]", "rotation": "robot_eef_pose[3:6]", "rotation_as": "rotvec"},
    "gripper": {"value": "gripper", "open": 0.08, "closed": 0},
}


def take(source: Path, out: Path, *, skip_damaged: bool = False, **changes):
    mapping = mapping_from_dict(merged(MAPPING, changes), OPTIONS)
    return import_diffusion_policy(source, mapping, out, skip_damaged=skip_damaged, progress=False)


@pytest.mark.parametrize("name", ["buffer röh 1.zarr", "buffer.zarr.zip"])
def test_frames_are_equal_and_targets_become_deltas(buffer, tmp_path, name):
    written = buffer.write(tmp_path / name)
    report = take(tmp_path / name, tmp_path / "out.zarr")
    store = Store.open(tmp_path / "out.zarr")
    start = 0
    for episode_id, length in zip(report.imported, buffer.lengths, strict=True):
        episode, rows = store.read(episode_id), slice(start + 1, start + length)  # the first only says where from
        assert len(episode) == length - 1
        for theirs, ours in MAPPING["cameras"].items():
            np.testing.assert_array_equal(np.stack(list(episode.cameras[ours].frames())), written[theirs][rows])
        moved = episode["tool_target"][:, :3] + episode["action_commanded"][:, :3]
        np.testing.assert_allclose(moved, written["action"][rows, :3], atol=1e-6)
        turned = matrix_from_rpy(episode["action_commanded"][0, 3:6]) @ matrix_from_quat(episode["tool_target"][0, 3:])
        np.testing.assert_allclose(turned, matrix_from_quat(episode["tool_target"][1, 3:]), atol=1e-6)
        np.testing.assert_allclose(episode["gripper"], written["gripper"][rows, 0] / 0.08)
        assert episode.meta.clock == "none", "a replay buffer has no true stamps"
        assert "stamp_ns" not in episode.arrays
        start += length
    assert check_store(store.path, progress=False).exit_code == 0


def test_stamps_are_taken_from_a_column_that_the_mapping_names(buffer, tmp_path):
    columns = buffer.columns() | {"timestamp": 1.7e9 + 0.1 * np.arange(sum(buffer.lengths))}
    buffer.write(tmp_path / "b.zarr", columns)
    report = take(tmp_path / "b.zarr", tmp_path / "out.zarr", stamps="timestamp")
    episode = Store.open(tmp_path / "out.zarr").read(report.imported[0])
    np.testing.assert_array_equal(episode["stamp_ns"], np.round(columns["timestamp"][1:5] * 1e9).astype(np.int64))
    with pytest.raises(MappingError, match="no column 'time', did you mean 'timestamp'"):
        take(tmp_path / "b.zarr", tmp_path / "none.zarr", stamps="time")


def test_stamps_of_another_rate_are_refused_with_both_rates(buffer, tmp_path):
    columns = buffer.columns() | {"timestamp": 0.5 * np.arange(sum(buffer.lengths))}
    buffer.write(tmp_path / "b.zarr", columns)
    report = take(tmp_path / "b.zarr", tmp_path / "out.zarr", stamps="timestamp")
    assert "2.00 Hz, the mapping says 10 Hz" in report.damaged["episode 0"]


def test_cameras_and_actions_are_never_guessed(buffer, tmp_path):
    buffer.write(tmp_path / "b.zarr")
    with pytest.raises(MappingError, match=r"2 cameras.*--camera camera_0=NAME --camera camera_1=NAME"):
        take(tmp_path / "b.zarr", tmp_path / "out.zarr", cameras=None)
    with pytest.raises(
        MappingError, match=r"action: where actions come from(.|\n)*columns: action \[6\], gripper \[1\]"
    ):
        take(tmp_path / "b.zarr", tmp_path / "out.zarr", action=None)
    assert not (tmp_path / "out.zarr").exists()


@pytest.mark.parametrize("ends", [[5, 8], [5, 8, 0]])
def test_a_buffer_whose_writer_was_killed_gives_its_whole_episodes(buffer, tmp_path, ends):
    """Killed inside add_episode: the columns are resized first, and the last end is zero until it is written."""
    buffer.write(tmp_path / "torn.zarr")
    meta = zarr.open_group(tmp_path / "torn.zarr/meta", mode="a", zarr_format=2)
    meta.create_array("episode_ends", data=np.array(ends), compressors=None, overwrite=True)
    report = take(tmp_path / "torn.zarr", tmp_path / "out.zarr")
    assert len(report.imported) == 2
    assert report.remarks == ["4 rows after the last whole episode were left out"]


def test_a_column_that_is_shorter_than_the_ends_gives_what_is_whole_in_all(buffer, tmp_path):
    columns = buffer.columns()
    buffer.write(tmp_path / "b.zarr", columns | {"gripper": columns["gripper"][:-1]})
    report = take(tmp_path / "b.zarr", tmp_path / "out.zarr")
    assert len(report.imported) == 2


def test_a_damaged_chunk_makes_its_episode_damaged(buffer, tmp_path):
    buffer.write(tmp_path / "b.zarr")
    chunk = tmp_path / "b.zarr/data/camera_1/6.0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:50])
    stopped = take(tmp_path / "b.zarr", tmp_path / "stopped.zarr")
    assert (len(stopped.imported), list(stopped.damaged)) == (1, ["episode 1"])
    skipped = take(tmp_path / "b.zarr", tmp_path / "skipped.zarr", skip_damaged=True)
    assert (len(skipped.imported), list(skipped.damaged)) == (2, ["episode 1"])


def test_a_chunk_that_is_not_there_is_told(buffer, tmp_path):
    buffer.write(tmp_path / "b.zarr")
    (tmp_path / "b.zarr/data/camera_1/6.0.0.0").unlink()
    report = take(tmp_path / "b.zarr", tmp_path / "out.zarr")
    assert report.remarks == ["1 chunks of columns that the mapping names are not there and were read as zeros"]


def test_a_codec_that_unpickles_is_refused_before_anything_is_decoded(buffer, tmp_path):
    buffer.write(tmp_path / "b.zarr")
    described = tmp_path / "b.zarr/data/stage/.zarray"
    metadata = json.loads(described.read_bytes()) | {"dtype": "|O", "filters": [{"id": "pickle", "protocol": 4}]}
    described.write_text(json.dumps(metadata))
    with pytest.raises(MappingError, match="coded with pickle, which is refused"):
        take(tmp_path / "b.zarr", tmp_path / "out.zarr")


@pytest.mark.skipif(find_spec("imagecodecs") is not None, reason="imagecodecs is installed")
def test_a_missing_image_codec_is_named_with_its_package(buffer, tmp_path):
    buffer.write(tmp_path / "b.zarr")
    described = tmp_path / "b.zarr/data/camera_0/.zarray"
    metadata = json.loads(described.read_bytes()) | {"compressor": {"id": "imagecodecs_jpegxl"}}
    described.write_text(json.dumps(metadata))
    with pytest.raises(MappingError, match=r"imagecodecs_jpegxl; .*pip install imagecodecs"):
        take(tmp_path / "b.zarr", tmp_path / "out.zarr")


def test_names_in_a_zip_file_that_lead_out_of_it_write_nothing(buffer, tmp_path):
    (tmp_path / "in").mkdir()
    buffer.write(tmp_path / "in/b.zarr.zip")
    with zipfile.ZipFile(tmp_path / "in/b.zarr.zip", "a") as archive:
        archive.writestr("../../outside.txt", "x")
        archive.writestr(str(tmp_path / "absolute.txt"), "x")
    report = take(tmp_path / "in/b.zarr.zip", tmp_path / "out.zarr")
    assert len(report.imported) == len(buffer.lengths)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out.zarr"]


def test_what_is_no_buffer_is_refused(buffer, tmp_path):
    (tmp_path / "empty.zarr").mkdir()
    (tmp_path / "text.zip").write_text("not a zip file")
    zarr.create_group(tmp_path / "v3.zarr", zarr_format=3)
    for name, kind in (("empty.zarr", MappingError), ("text.zip", SourceError), ("v3.zarr", MappingError)):
        with pytest.raises(kind, match=name.replace(".", r"\.")):
            take(tmp_path / name, tmp_path / "out.zarr")
    assert not (tmp_path / "out.zarr").exists()


def test_a_zip_file_cut_short_is_refused(buffer, tmp_path):
    path = tmp_path / "b.zarr.zip"
    buffer.write(path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(SourceError, match="cannot be read"):
        take(path, tmp_path / "out.zarr")
