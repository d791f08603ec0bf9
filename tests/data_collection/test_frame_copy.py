"""Disks that refuse to sync: what is tried again does not rely on what they took before."""

import errno

import pytest

from crl_data.checking.check import check_store
from crl_data.siblings import leftovers
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.errors import StoreError


@pytest.mark.parametrize("encoding", ["jpeg", "lossless"])
def test_after_a_failed_sync_the_frames_are_written_to_a_new_file(tmp_path, samples, monkeypatch, encoding):
    """A second fsync succeeds although the first one's pages were dropped."""
    store = Store.create(tmp_path / "a.zarr", samples.spec(encoding))
    with EpisodeWriter(store, source="test", episode_id="one") as writer:
        samples.fill(writer)
        refuse_once(monkeypatch, writer)
        (folder,) = leftovers(store.path)
        frames = next(folder.glob("cameras/over_shoulder/frames/c.*"))
        before = frames.stat().st_ino
        writer.commit()
    committed = store.folder("one") / frames.relative_to(folder)
    assert committed.stat().st_ino != before
    assert check_store(store.path, progress=False).exit_code == 0


def test_frames_that_a_failing_disk_dropped_are_not_committed(store, samples, monkeypatch):
    with EpisodeWriter(store, source="test", episode_id="one") as writer:
        samples.fill(writer)
        refuse_once(monkeypatch, writer)
        (folder,) = leftovers(store.path)
        frames = folder / "cameras/over_shoulder/frames/c.0"
        frames.write_bytes(bytes(frames.stat().st_size))
        with pytest.raises(StoreError, match="lost frames"):
            writer.commit()
    assert (store.episode_ids(), leftovers(store.path)) == ([], [])


def refuse_once(monkeypatch, writer):
    """Let one commit fail as it does on a disk with an input/output error."""

    def broken(_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("crl_robot.durable.sync", broken)
        with pytest.raises(StoreError, match="Input/output error"):
            writer.commit()
