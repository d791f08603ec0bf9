import errno
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import zarr

from crl_data import siblings
from crl_data.checking.check import check_store
from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.episode_folder import EpisodeFolder
from crl_data.schema import StoreSpec
from crl_data.siblings import pending_folders
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot import durable
from crl_robot.errors import ContractError, StoreError

CAMERAS = ("over_shoulder", "wrist")


def recorded(store, samples, steps=5):
    """A writer with steps and twice as many arm states."""
    writer = EpisodeWriter(store, source="test", episode_id="one", operator="Ada", robot_id="arm 3")
    samples.fill(writer, steps)
    for tick in range(2 * steps):
        writer.add_state(samples.arm((tick + 1) * 100))
    return writer


@pytest.mark.parametrize("encoding", ["jpeg", "lossless"])
def test_zarr_reads_every_array_without_this_package(tmp_path, samples, encoding):
    store = Store.create(tmp_path / "a.zarr", samples.spec(encoding, cameras=CAMERAS))
    recorded(store, samples).commit()

    episode = zarr.open_group(store.path, mode="r")["episodes/one"]
    meta = store.meta("one")
    for name in meta.checksums:
        if not name.endswith("/frames"):
            np.testing.assert_array_equal(episode[name][...], store.array(meta, name))
    for camera in CAMERAS:
        frames, track = np.asarray(episode[f"cameras/{camera}/frames"][...]), store.track(meta, camera)
        if encoding == "lossless":
            np.testing.assert_array_equal(frames, np.stack(list(track.frames())))
        else:
            offsets = episode[f"cameras/{camera}/offsets"][...].astype(int)
            assert frames[offsets[2] : offsets[3]].tobytes() == track.encoded(2)


def test_arm_states_goals_and_people_are_kept(store, samples):
    writer = recorded(store, samples)
    writer.mark_goal()
    writer.commit(lost={"arm": 2, "actions": 1})

    meta = store.meta("one")
    assert (meta.operator, meta.robot_id, meta.goal_steps) == ("Ada", "arm 3", (4,))
    assert meta.lost == {"over_shoulder": 0, "arm": 2, "actions": 1}
    stream = EpisodeFolder.open(store.folder("one"), store.spec).arm_stream()
    assert stream["stamp_ns"].tolist() == [100 * tick for tick in range(1, 11)]
    assert stream["joints"].shape == (10, 6)
    assert stream["tool_measured"].shape == (10, 7)


def test_a_state_that_is_not_newer_is_left_out(store, samples):
    writer = recorded(store, samples)
    writer.add_state(samples.arm(1000))
    writer.commit()
    assert len(EpisodeFolder.open(store.folder("one"), store.spec).arm_stream()["stamp_ns"]) == 10


def test_a_finished_episode_waits_until_it_is_accepted(store, samples):
    writer = recorded(store, samples)
    folder = writer.finish(note="first try")
    assert store.episode_ids() == []
    assert pending_folders(store.path) == [folder]
    assert len(EpisodeFolder.open(folder, store.spec).read()) == 5

    writer.accept(success=True)

    assert pending_folders(store.path) == []
    assert (store.meta("one").success, store.meta("one").note) == (True, "first try")
    assert check_store(store.path, progress=False).exit_code == 0


def test_leaving_the_context_keeps_what_is_finished(store, samples):
    with recorded(store, samples) as writer:
        folder = writer.finish()
    assert folder.is_dir()
    writer.discard()
    assert not folder.exists()


def test_hand_guided_episodes_have_achieved_actions_only(tmp_path, samples):
    spec = samples.spec()
    store = Store.create(
        tmp_path / "hand.zarr", StoreSpec(spec.action, spec.cameras, "arm", spec.joint_names, ("achieved",))
    )
    with EpisodeWriter(store, source="hand", episode_id="one") as writer:
        for tick in range(4):
            writer.add_step(samples.observation(tick), None)
        writer.commit()
    episode = store.read("one")
    assert "action_commanded" not in episode.arrays
    assert episode.meta.last_achieved == "still"
    assert not episode["action_achieved"][-1, :6].any()
    assert check_store(store.path, progress=False).exit_code == 0
    with pytest.raises(StoreError, match="the store has achieved"):
        store.load_actions("commanded")


def test_a_store_of_commanded_actions_refuses_a_step_without_one(store, samples):
    with EpisodeWriter(store, source="test") as writer, pytest.raises(ContractError, match="the step has none"):
        writer.add_step(samples.observation(0), None)


def test_data_without_a_clock_have_no_stamps(store, samples):
    with EpisodeFile(store, "one") as file:
        for _ in range(3):
            file.add_frame("over_shoulder", samples.image())
        actions = np.zeros((3, 7), np.float32)
        meta = EpisodeMeta("one", "import", clock="none")
        with pytest.raises(StoreError, match="lacks action_achieved"):
            file.commit(meta, {"action_commanded": actions})
        with pytest.raises(StoreError, match="other lengths"):
            file.commit(meta, {"action_commanded": actions, "action_achieved": actions[:2]})
        file.commit(meta, {"action_commanded": actions, "action_achieved": actions})
    track = store.track(store.meta("one"), "over_shoulder")
    assert (len(track), len(track.stamp_ns)) == (3, 0)
    assert check_store(store.path, progress=False).exit_code == 0


def test_cameras_with_unlike_numbers_of_frames_are_not_committed(tmp_path, samples):
    store = Store.create(tmp_path / "a.zarr", samples.spec(cameras=CAMERAS))
    with EpisodeFile(store, "one") as file:
        file.add_frame("wrist", samples.image())
        with pytest.raises(StoreError, match="not a frame of each camera"):
            file.commit(EpisodeMeta("one", "test", clock="none"), {})


def test_a_store_that_is_the_root_of_a_disk_is_refused_before_anything_is_recorded(store, samples, monkeypatch):
    """Episodes were recorded beside it, on the disk of its parent, and could never be moved in."""
    monkeypatch.setattr(siblings, "device", lambda path: 1 if path == store.path.parent else 2)
    with pytest.raises(StoreError, match=r"on another disk.*record into a folder on that disk, not into its root"):
        EpisodeWriter(store, source="test")


def test_episodes_that_lie_on_a_disk_of_their_own_are_refused_too(tmp_path, store):
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has no second disk at hand")
    with tempfile.TemporaryDirectory(dir=other) as folder:
        shutil.move(store.path / "episodes/zarr.json", folder)
        (store.path / "episodes").rmdir()
        (store.path / "episodes").symlink_to(folder)
        with pytest.raises(StoreError, match="on another disk"):
            EpisodeFile(store, "one")


@pytest.mark.parametrize("encoding", ["jpeg", "lossless"])
def test_steps_before_a_full_disk_can_be_committed(tmp_path, samples, monkeypatch, encoding):
    """Half a frame of the first camera, or a whole one without the second, would have spoiled the episode."""
    store = Store.create(tmp_path / "a.zarr", samples.spec(encoding, cameras=CAMERAS))
    with EpisodeWriter(store, source="test", episode_id="one") as writer:
        observations = [samples.observation(tick, CAMERAS) for tick in range(4)]
        for observation in observations[:2]:
            writer.add_step(observation, samples.action())
        with monkeypatch.context() as patch:
            fails_after(patch, 1)
            with pytest.raises(StoreError, match="No space left"):
                writer.add_step(observations[2], samples.action())
        writer.add_step(observations[3], samples.action())
        writer.commit()
    episode = store.read("one")
    assert episode["stamp_ns"].tolist() == [observations[k].stamp_ns for k in (0, 1, 3)]
    if encoding == "lossless":
        for camera in CAMERAS:
            np.testing.assert_array_equal(episode.cameras[camera].frame(2), observations[3].frames[camera].image)
    assert check_store(store.path, progress=False).exit_code == 0


def fails_after(patch, writes):
    """The disk takes this many more writes, then half of one."""
    left = [writes]
    pwrite = os.pwrite

    def limited(descriptor, data, offset):
        left[0] -= 1
        if left[0] >= 0:
            return pwrite(descriptor, data, offset)
        pwrite(descriptor, data[: len(data) // 2], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(durable.os, "pwrite", limited)
