"""Complete episodes that wait beside their store."""

import pytest

from crl_data.checking.check import check_store
from crl_data.checking.repair import repair_store
from crl_data.episode_file import EpisodeFile
from crl_data.pending import accept_pending, discard_pending
from crl_data.siblings import pending_folder, pending_folders, pending_id
from crl_data.writer import EpisodeWriter
from crl_robot import durable
from crl_robot.errors import StoreError


def finished(store, samples, name="one"):
    writer = EpisodeWriter(store, source="test", episode_id=name)
    samples.fill(writer, 5)
    return writer.finish()


def test_a_pending_episode_of_another_process_can_be_accepted_or_discarded(store, samples):
    finished(store, samples)
    with pytest.raises(StoreError, match="holds episode 'one' already"):
        EpisodeFile(store, "one")
    accept_pending(store, "one")
    assert store.episode_ids() == ["one"]
    with pytest.raises(StoreError, match="in the store already"):
        accept_pending(store, "one")

    store.delete("one")
    finished(store, samples)
    discard_pending(store, "one")
    assert (store.episode_ids(), pending_folders(store.path)) == ([], [])


def test_what_a_killed_accept_left_does_not_enter_the_store(store, samples, monkeypatch):
    """It came into the store with the episode, and check warned of it for ever."""
    folder = finished(store, samples)
    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync", killed)
        with pytest.raises(KeyboardInterrupt):
            accept_pending(store, "one", note="never written")
    (folder / "zarr.json.new").write_bytes(b"half a fi")
    accept_pending(store, "one")
    report = check_store(store.path, progress=False)
    assert (report.exit_code, [line for line in report.warnings if "belongs to nothing" in line]) == (0, [])
    assert store.meta("one").note == ""


def killed(path):
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["x.pending-y", "a.zarr.pending-z", "pending-"])
def test_an_id_that_looks_like_a_pending_folder_is_told_apart(store, samples, name):
    """Check and repair took what follows the last '.pending-' for the id."""
    folder = finished(store, samples, name)
    assert pending_folder(store.path, name) == folder
    assert [pending_id(store.path, found) for found in pending_folders(store.path)] == [name]
    assert check_store(store.path, progress=False).exit_code == 0
    assert repair_store(store.path, "accept").accepted == [name]
    assert store.episode_ids() == [name]
