"""A store that is exported to LeRobot v3.0 and imported again is the store that it was."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.exchange.lerobot_export import export_lerobot
from crl_data.exchange.lerobot_import import import_lerobot
from crl_data.exchange.mapping_file import mapping_from_dict
from crl_data.store import Store
from crl_data.writer import EpisodeWriter


def test_a_lossless_store_comes_back_equal(lossless, tmp_path):
    export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    report = import_lerobot(tmp_path / "lr", None, tmp_path / "b.zarr", progress=False)
    back = Store.open(tmp_path / "b.zarr")
    assert (report.imported, report.steps, report.remarks) == (["e0", "e1"], 8, [])
    assert (back.spec, back.metas()) == (lossless.spec, lossless.metas())
    assert back.fingerprint() == lossless.fingerprint()


def test_goals_and_progress_of_a_run_come_back_equal(lossless, samples, sets, tmp_path):
    with EpisodeWriter(lossless, source="test", episode_id="run") as writer:
        samples.fill(writer, 6)
        writer.tell(samples.told(6, cameras=sets.cameras))
        writer.commit()
    export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    import_lerobot(tmp_path / "lr", None, tmp_path / "b.zarr", progress=False)
    back = Store.open(tmp_path / "b.zarr")
    assert (back.metas(), back.fingerprint()) == (lossless.metas(), lossless.fingerprint())
    assert len(back.read("run").goals) == 2


def test_a_jpeg_store_comes_back_equal_when_its_files_were_exported_as_stored(recorded, tmp_path):
    export_lerobot(recorded, tmp_path / "lr", labels="achieved", frames="stored")
    report = import_lerobot(tmp_path / "lr", None, tmp_path / "b.zarr", progress=False)
    assert Store.open(tmp_path / "b.zarr").fingerprint() == recorded.fingerprint()
    assert report.remarks == []


def test_frames_of_a_jpeg_store_come_back_equal_into_a_lossless_one(tmp_path, samples, sets):
    store = sets.record(Store.create(tmp_path / "a.zarr", samples.spec(cameras=sets.cameras)))
    export_lerobot(store, tmp_path / "lr", labels="commanded")
    import_lerobot(tmp_path / "lr", mapping_from_dict({"encoding": "lossless"}), tmp_path / "b.zarr", progress=False)
    back = Store.open(tmp_path / "b.zarr")
    for camera in sets.cameras:
        assert np.array_equal(sets.frames(back, camera), sets.frames(store, camera))
    assert np.array_equal(back.load_array("stamp_ns"), store.load_array("stamp_ns"))
    report = import_lerobot(tmp_path / "lr", None, tmp_path / "c.zarr", progress=False)
    assert report.remarks == ["16 frames were coded as JPEG once more; encoding lossless keeps them equal"]


def test_hand_guided_and_unstamped_episodes_come_back_equal(tmp_path, samples, sets):
    store = Store.create(tmp_path / "a.zarr", replace(samples.spec("lossless"), labels=("achieved",), joint_names=()))
    for number in range(2):
        with EpisodeFile(store, f"e{number}") as file:
            for _ in range(3):
                file.add_frame("over_shoulder", samples.image())
            extra = {"gripper": samples.rng.uniform(size=3)} if number else {}
            actions = np.stack([samples.action() for _ in range(3)])
            file.commit(EpisodeMeta("", "test", clock="none"), {"action_achieved": actions, **extra})
    export_lerobot(store, tmp_path / "lr")
    import_lerobot(tmp_path / "lr", None, tmp_path / "b.zarr", progress=False)
    assert Store.open(tmp_path / "b.zarr").fingerprint() == store.fingerprint()
    assert not [name for name in sets.rows(tmp_path / "lr").column_names if "stamp_ns" in name or "state" in name]


def test_an_import_that_was_cut_short_goes_on(lossless, tmp_path):
    export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    import_lerobot(tmp_path / "lr", None, tmp_path / "b.zarr", progress=False)
    Store.open(tmp_path / "b.zarr").delete("e1")
    report = import_lerobot(tmp_path / "lr", None, tmp_path / "b.zarr", progress=False)
    assert (report.present, report.imported) == (["e0"], ["e1"])


def test_actions_changed_after_the_export_are_not_passed_over(lossless, tmp_path, sets):
    export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    zeros = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(56, np.float32)), 7)
    sets.change_rows(
        tmp_path / "lr", lambda table: table.set_column(table.column_names.index("action"), "action", zeros)
    )
    report = import_lerobot(tmp_path / "lr", None, tmp_path / "b.zarr", progress=False)
    assert "action of episode 'e0' is not what was exported" in report.damaged["e0"]
    assert len(Store.open(tmp_path / "b.zarr")) == 0


def test_frames_without_receive_stamps_come_back_without_and_go_to_others_with_what_they_have(tmp_path, samples, sets):
    store = Store.create(tmp_path / "a.zarr", samples.spec("lossless"))
    with EpisodeFile(store, "e0") as file:
        for step in range(3):
            file.add_frame("over_shoulder", samples.image(), 10 * step)
        arrays = {f"action_{label}": np.stack([samples.action() for _ in range(3)]) for label in store.spec.labels}
        arrays |= {"stamp_ns": 200_000_000 * np.arange(3), "joints": np.zeros((3, 6)), "gripper": np.zeros(3)}
        file.commit(EpisodeMeta("", "test"), arrays)
    export_lerobot(store, tmp_path / "lr", labels="commanded")
    columns = sets.rows(tmp_path / "lr").column_names
    assert ("crl.camera_stamp_ns" in columns, "crl.camera_receive_stamp_ns" in columns) == (True, False)
    import_lerobot(tmp_path / "lr", None, tmp_path / "b.zarr", progress=False)
    assert Store.open(tmp_path / "b.zarr").fingerprint() == store.fingerprint()
    (tmp_path / "lr/meta/crl.json").unlink()
    import_lerobot(tmp_path / "lr", sets.mapping(), tmp_path / "c.zarr", progress=False)
    other = Store.open(tmp_path / "c.zarr")
    track = other.track(other.metas()[0], "front")
    assert (track.stamp_ns.tolist(), len(track.receive_stamp_ns)) == ([0, 10, 20], 0)
