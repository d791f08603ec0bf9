"""What the LeRobot v3.0 export writes, looked at without the lerobot package."""

import errno
import json
import os

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from crl_data.claims import claim
from crl_data.exchange import lerobot_export
from crl_data.exchange.lerobot_export import export_lerobot
from crl_data.exchange.lerobot_import import import_lerobot
from crl_data.siblings import temporary_sibling
from crl_data.store import Store
from crl_robot.errors import StoreError


def test_frames_and_actions_of_the_export_are_those_of_the_store(recorded, tmp_path, sets):
    export_lerobot(recorded, tmp_path / "lr", labels="commanded")
    table = sets.rows(tmp_path / "lr")
    assert np.array_equal(table["action"].to_pylist(), recorded.load_actions("commanded"))
    assert np.array_equal(table["crl.action_achieved"].to_pylist(), recorded.load_actions("achieved"))
    for camera in sets.cameras:
        files = [row["bytes"] for row in table[f"observation.images.{camera}"].to_pylist()]
        images = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1] for data in files]
        assert np.array_equal(images, sets.frames(recorded, camera))


def test_true_stamps_are_features_of_their_own_beside_the_row_number_over_the_rate(lossless, tmp_path, sets):
    export_lerobot(lossless, tmp_path / "lr", labels="achieved")
    table, tracks = sets.rows(tmp_path / "lr"), [lossless.read(name).cameras for name in ("e0", "e1")]
    assert np.array_equal(table["action"].to_pylist(), lossless.load_actions("achieved"))
    assert table["timestamp"].to_pylist() == np.float32([0, 0.2, 0.4, 0.6, 0.8, 0, 0.2, 0.4]).tolist()
    assert table["crl.stamp_ns"].to_pylist() == lossless.load_array("stamp_ns").tolist()
    expected = [np.concatenate([cameras[name].stamp_ns for cameras in tracks]) for name in sets.cameras]
    assert np.array_equal(table["crl.camera_stamp_ns"].to_pylist(), np.stack(expected, axis=1))


def test_the_description_counts_and_places_every_episode(lossless, tmp_path, sets):
    export_lerobot(lossless, tmp_path / "lr", labels="commanded", task="push the block")
    info = json.loads((tmp_path / "lr/meta/info.json").read_text())
    assert (info["codebase_version"], info["fps"], info["robot_type"]) == ("v3.0", 5, "test arm")
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (2, 8, 1)
    assert info["features"]["action"] == {
        "dtype": "float32", "shape": [7], "names": ["dx", "dy", "dz", "droll", "dpitch", "dyaw", "gripper"],
    }  # fmt: skip
    assert info["features"]["observation.state"]["names"] == [*lossless.spec.joint_names, "gripper"]
    assert info["features"]["crl.camera_stamp_ns"]["names"] == list(sets.cameras)
    episodes = pq.read_table(tmp_path / "lr/meta/episodes/chunk-000/file-000.parquet")
    assert episodes["dataset_from_index"].to_pylist() == [0, 5]
    assert episodes["dataset_to_index"].to_pylist() == [5, 8]
    assert episodes["tasks"].to_pylist() == [["push the block"]] * 2
    assert pq.read_table(tmp_path / "lr/meta/tasks.parquet").column(1).to_pylist() == ["push the block"]


def test_statistics_are_those_of_the_exported_values(lossless, tmp_path, sets):
    export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    stats = json.loads((tmp_path / "lr/meta/stats.json").read_text())
    assert set(stats) == set(json.loads((tmp_path / "lr/meta/info.json").read_text())["features"])
    images = np.array(sets.frames(lossless, "wrist_image")) / 255
    for name, values in (("observation.images.wrist_image", images), ("action", lossless.load_actions())):
        axes = tuple(range(values.ndim - 1))
        for key, function in (("mean", np.mean), ("std", np.std), ("min", np.min), ("max", np.max)):
            assert np.allclose(np.ravel(stats[name][key]), function(values, axis=axes), atol=1e-6)
        assert np.allclose(np.ravel(stats[name]["q90"]), np.quantile(values, 0.9, axis=axes), atol=0.02)
        assert stats[name]["count"] == [8]
    assert np.shape(stats["observation.images.wrist_image"]["std"]) == (3, 1, 1)
    assert stats["crl.stamp_ns"]["max"] == [int(lossless.load_array("stamp_ns").max())]


def test_files_are_split_by_size_and_an_episode_stays_in_one(lossless, tmp_path, monkeypatch):
    monkeypatch.setattr(lerobot_export, "DATA_FILE_MB", 0)
    export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    files = sorted((tmp_path / "lr/data/chunk-000").iterdir())
    assert [pq.read_table(file)["episode_index"].unique().to_pylist() for file in files] == [[0], [1]]
    import_lerobot(tmp_path / "lr", None, tmp_path / "b.zarr", progress=False)
    assert Store.open(tmp_path / "b.zarr").fingerprint() == lossless.fingerprint()


def test_frames_are_written_a_batch_at_a_time(lossless, tmp_path, monkeypatch):
    monkeypatch.setattr(lerobot_export, "_BATCH_BYTES", 2 * 2 * 32 * 24 * 3)
    export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    assert pq.ParquetFile(tmp_path / "lr/data/chunk-000/file-000.parquet").num_row_groups == 3 + 2
    import_lerobot(tmp_path / "lr", None, tmp_path / "b.zarr", progress=False)
    assert Store.open(tmp_path / "b.zarr").fingerprint() == lossless.fingerprint()


def test_labels_must_be_chosen_where_there_are_two(lossless, tmp_path):
    with pytest.raises(StoreError, match=r"--labels commanded or --labels achieved"):
        export_lerobot(lossless, tmp_path / "lr")


def test_an_existing_folder_is_not_overwritten(lossless, tmp_path):
    (tmp_path / "lr").mkdir()
    with pytest.raises(StoreError, match="exists already"):
        export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    assert not list((tmp_path / "lr").iterdir())


def test_a_rate_that_is_not_whole_is_refused(tmp_path, samples):
    store = Store.create(tmp_path / "a.zarr", samples.spec(rate_hz=7.5))
    samples.write(store, "one")
    with pytest.raises(StoreError, match=r"7\.5 steps per second"):
        export_lerobot(store, tmp_path / "lr", labels="commanded")


def test_a_store_without_episodes_is_refused(store, tmp_path):
    with pytest.raises(StoreError, match="no episodes"):
        export_lerobot(store, tmp_path / "lr", labels="commanded")


def test_an_export_that_meets_a_damaged_frame_leaves_nothing(recorded, tmp_path):
    file = recorded.read("e1").cameras["wrist_image"].file
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        export_lerobot(recorded, tmp_path / "lr", labels="commanded")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def test_an_export_onto_a_full_disk_says_so_and_leaves_nothing(lossless, tmp_path, monkeypatch):
    def refuse(*_) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(lerobot_export.DataFiles, "write", refuse)
    with pytest.raises(StoreError, match="No space left on device"):
        export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def test_what_a_killed_export_left_is_removed_and_told(lossless, tmp_path, caplog):
    """Nothing listed it, and a second try left a second one."""
    left, written = (temporary_sibling(tmp_path / "lr", name) for name in ("export", "export"))
    other = temporary_sibling(tmp_path / "another", "export")
    for folder in (left, written, other):
        folder.mkdir()
    descriptor = claim(written)
    export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    os.close(descriptor)
    assert [folder.exists() for folder in (left, written, other)] == [False, True, True]
    assert [left.name in record.message for record in caplog.records] == [True]


def test_an_export_that_is_refused_removes_nothing(lossless, tmp_path):
    left = temporary_sibling(tmp_path / "lr", "export")
    left.mkdir()
    with pytest.raises(StoreError, match="no episode"):
        export_lerobot(lossless, tmp_path / "lr", labels="commanded", ids=["none"])
    assert left.exists()
