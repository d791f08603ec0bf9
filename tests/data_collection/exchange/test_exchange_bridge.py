"""BridgeData V2 raw, written as its own recorder writes it, becomes a store."""

import pickle
import shutil

import cv2
import numpy as np
import pytest

from crl_data.checking.check import check_store
from crl_data.exchange.errors import MappingError
from crl_data.schema import StoreMismatchError
from crl_data.store import Store
from crl_robot.geometry import GRIPPER_DOWN, matrix_from_quat, matrix_from_rpy


@pytest.mark.parametrize("protocol", range(6))
def test_a_trajectory_keeps_its_actions_poses_stamps_and_jpeg_files(bridge, source, tmp_path, protocol, take_bridge):
    folder = source / bridge.dated / "traj0"
    written = bridge.write(folder, protocol=protocol)
    report = take_bridge(source, tmp_path / "out.zarr")
    store = Store.open(tmp_path / "out.zarr")
    episode = store.read(report.imported[0])
    assert store.spec.labels == ("commanded", "achieved")
    np.testing.assert_array_equal(episode["action_commanded"], written["actions"].astype(np.float32))
    np.testing.assert_allclose(episode["action_achieved"], written["actions"], atol=1e-6)
    np.testing.assert_allclose(episode["joints"], written["qpos"][:-1])
    np.testing.assert_array_equal(episode["stamp_ns"], np.round(written["time_stamp"][:-1] * 1e9).astype(np.int64))
    assert matrix_from_quat(episode["tool_measured"][2, 3:]) == pytest.approx(
        matrix_from_rpy(written["full_state"][2, 3:6]) @ GRIPPER_DOWN
    )
    jpeg = [(folder / "images0" / f"im_{step}.jpg").read_bytes() for step in range(bridge.steps)]
    assert list(episode.cameras["over_shoulder"].all_encoded()) == jpeg
    meta = episode.meta
    assert (meta.clock, meta.last_achieved, meta.note) == ("measured", "measured", "put the pot on the stove")
    assert meta.options["action_shift"] == 0
    assert meta.options["mapping"]["cameras"] == {"images0": "over_shoulder"}
    assert check_store(store.path, progress=False).exit_code == 0


def test_images_have_no_stamps_of_their_own_and_get_none(bridge, source, tmp_path, take_bridge):
    bridge.write(source / bridge.dated / "traj0")
    report = take_bridge(source, tmp_path / "out.zarr")
    track = Store.open(tmp_path / "out.zarr").read(report.imported[0]).cameras["over_shoulder"]
    assert len(track.stamp_ns) == len(track.receive_stamp_ns) == 0


def test_lossless_stores_hold_what_the_jpeg_files_decode_to(bridge, source, tmp_path, take_bridge):
    folder = source / bridge.dated / "traj0"
    bridge.write(folder)
    report = take_bridge(source, tmp_path / "out.zarr", encoding="lossless")
    track = Store.open(tmp_path / "out.zarr").read(report.imported[0]).cameras["over_shoulder"]
    expected = cv2.imread(str(folder / "images0/im_3.jpg"))
    np.testing.assert_array_equal(track.frame(3), expected[:, :, ::-1])


def test_several_cameras_must_be_named(bridge, source, tmp_path, take_bridge):
    bridge.write(source / bridge.dated / "traj0", cameras=3)
    with pytest.raises(MappingError, match=r"3 cameras.*--camera images0=NAME --camera images1=NAME"):
        take_bridge(source, tmp_path / "out.zarr", cameras=None)
    assert not (tmp_path / "out.zarr").exists()
    take_bridge(source, tmp_path / "out.zarr", cameras={"images0": "over_shoulder", "images2": "wrist"})
    assert list(Store.open(tmp_path / "out.zarr").spec.cameras) == ["over_shoulder", "wrist"]


@pytest.mark.parametrize("date", ["2021-07-22_10-00-00", "some other folder"])
def test_a_recording_that_may_have_late_images_is_refused_until_the_shift_is_chosen(
    bridge, source, tmp_path, date, take_bridge
):
    written = bridge.write(source / date / "traj0")
    with pytest.raises(MappingError, match="--action-shift 1"):
        take_bridge(source, tmp_path / "none.zarr")
    shifted = take_bridge(source, tmp_path / "shifted.zarr", action_shift=1).imported[0]
    episode = Store.open(tmp_path / "shifted.zarr").read(shifted)
    assert len(episode) == bridge.steps - 1
    np.testing.assert_array_equal(episode["action_commanded"], written["actions"][:-1].astype(np.float32))
    np.testing.assert_allclose(episode["joints"], written["qpos"][1:-1])
    as_recorded = take_bridge(source, tmp_path / "as_recorded.zarr", action_shift=0).imported[0]
    assert len(Store.open(tmp_path / "as_recorded.zarr").read(as_recorded)) == bridge.steps


def test_the_shift_can_follow_the_dates(bridge, source, tmp_path, take_bridge):
    bridge.write(source / "2021-07-22_10-00-00" / "traj0")
    bridge.write(source / "2021-07-23_00-00-00" / "traj0")
    take_bridge(source, tmp_path / "out.zarr", action_shift="by-date")
    metas = Store.open(tmp_path / "out.zarr").metas()
    assert {meta.options["from"][:10]: meta.options["action_shift"] for meta in metas} == {
        "2021-07-22": 1,
        "2021-07-23": 0,
    }


def test_importing_again_takes_only_what_is_new(bridge, source, tmp_path, take_bridge):
    bridge.write(source / bridge.dated / "traj0", seed=0)
    first = take_bridge(source, tmp_path / "out.zarr")
    before = Store.open(tmp_path / "out.zarr").fingerprint(first.imported)
    bridge.write(source / bridge.dated / "traj1", seed=1)
    again = take_bridge(source, tmp_path / "out.zarr")
    assert (len(first.imported), len(again.imported), again.present) == (1, 1, first.imported)
    assert Store.open(tmp_path / "out.zarr").fingerprint(first.imported) == before


def test_a_store_of_another_rate_is_refused_and_left_alone(bridge, source, tmp_path, take_bridge):
    bridge.write(source / bridge.dated / "traj0")
    take_bridge(source, tmp_path / "out.zarr")
    bridge.write(source / bridge.dated / "traj1")
    with pytest.raises(StoreMismatchError, match=r"rate_hz|action_spec"):
        take_bridge(source, tmp_path / "out.zarr", rate=5.5)
    assert len(Store.open(tmp_path / "out.zarr")) == 1


def test_actions_with_fewer_numbers_need_a_mapping_of_their_own(bridge, source, tmp_path, take_bridge):
    folder = source / bridge.dated / "traj0"
    bridge.write(folder)
    (folder / "policy_out.pkl").write_bytes(pickle.dumps([{"actions": np.zeros(5)}] * bridge.steps))
    with pytest.raises(MappingError, match="'actions' has 5 entries"):
        take_bridge(source, tmp_path / "out.zarr")
    report = take_bridge(
        source,
        tmp_path / "out.zarr",
        action={"rotation": [0, 0, "actions[3]"], "gripper": {"value": "actions[4]"}},
    )
    assert len(report.imported) == 1


def test_a_folder_without_trajectories_is_refused(bridge, source, tmp_path, take_bridge):
    source.mkdir()
    with pytest.raises(MappingError, match="no BridgeData"):
        take_bridge(source, tmp_path / "out.zarr")


def test_the_source_is_not_changed(bridge, source, tmp_path, take_bridge):
    bridge.write(source / bridge.dated / "traj0")
    shutil.copytree(source, tmp_path / "copy")
    take_bridge(source, tmp_path / "out.zarr")
    for path in (tmp_path / "copy").rglob("*"):
        if path.is_file():
            assert (source / path.relative_to(tmp_path / "copy")).read_bytes() == path.read_bytes()
