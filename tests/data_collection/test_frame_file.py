"""The growing file of one camera's frames, interrupted at any point."""

import numpy as np
import pytest

from crl_data.checking.check import check_store
from crl_data.codec import encode_jpeg
from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.schema import StoreMismatchError
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.errors import StoreError


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_lack_of_memory_inside_a_frame_leaves_the_frames_before_and_after(
    tmp_path, samples, starve, monkeypatch, rows
):
    """Bytes of a frame that was given up half-way became part of the next one."""
    store = Store.create(tmp_path / "a.zarr", samples.spec("jpeg"))
    images = [samples.image() for _ in range(4)]
    with EpisodeFile(store, "one") as file:
        for stamp, image in enumerate(images):
            with monkeypatch.context() as patch:
                starve(patch, rows)
                with pytest.raises(MemoryError):
                    file.add_frame("over_shoulder", samples.image(), stamp, stamp)
            assert len(file.frames("over_shoulder")) == stamp
            file.add_frame("over_shoulder", image, stamp, stamp)
        arrays = {f"action_{label}": np.zeros((4, 7), np.float32) for label in store.spec.labels}
        file.commit(EpisodeMeta("one", "test"), arrays | {"stamp_ns": np.arange(4)})
    track = store.track(store.meta("one"), "over_shoulder")
    assert list(track.all_encoded()) == [encode_jpeg(image, 95) for image in images]
    assert track.stamp_ns.tolist() == [0, 1, 2, 3]
    assert check_store(store.path, progress=False).damage == []


@pytest.mark.parametrize("encoding", ["jpeg", "lossless"])
@pytest.mark.parametrize("stamped", [True, False])
def test_the_first_frame_can_be_undone(tmp_path, samples, encoding, stamped):
    """Where a column of the file was empty, undoing the only frame raised IndexError."""
    store = Store.create(tmp_path / "a.zarr", samples.spec(encoding))
    with EpisodeFile(store, "one") as file:
        stamps = (1, 2) if stamped else ()
        for _ in range(2):
            file.add_frame("over_shoulder", samples.image(), *stamps)
            file.frames("over_shoulder").undo()
            assert (len(file.frames("over_shoulder")), file.size) == (0, 0)
        file.add_frame("over_shoulder", samples.image(), *stamps)
        assert len(file.frames("over_shoulder")) == 1


@pytest.mark.parametrize("encoding", ["jpeg", "lossless"])
def test_a_wrong_size_of_the_second_camera_is_named_at_the_first_step(tmp_path, samples, encoding):
    """The operator was told of an IndexError instead."""
    cameras = ("over_shoulder", "wrist")
    store = Store.create(tmp_path / "a.zarr", samples.spec(encoding, cameras=cameras))
    with EpisodeWriter(store, source="test") as writer:
        odd = samples.observation(0, cameras)
        odd.frames["wrist"] = type(samples)(native=(64, 48)).observation(0, ("wrist",)).frames["wrist"]
        with pytest.raises(StoreMismatchError, match=r"'wrist' is uint8 .* the store holds uint8"):
            writer.add_step(odd, samples.action())


def test_frames_without_a_receive_stamp_have_none_in_the_store(tmp_path, samples):
    """They were stored as if they had arrived the moment they were made."""
    store = Store.create(tmp_path / "a.zarr", samples.spec())
    with EpisodeFile(store, "one") as file:
        for stamp in range(3):
            file.add_frame("over_shoulder", samples.image(), stamp)
        arrays = {f"action_{label}": np.zeros((3, 7), np.float32) for label in store.spec.labels}
        file.commit(EpisodeMeta("one", "test"), arrays | {"stamp_ns": np.arange(3)})
    meta = store.meta("one")
    assert "cameras/over_shoulder/receive_stamp_ns" not in meta.checksums
    track = store.track(meta, "over_shoulder")
    assert (track.stamp_ns.tolist(), len(track.receive_stamp_ns)) == ([0, 1, 2], 0)
    report = check_store(store.path, progress=False)
    assert (report.exit_code, [line for line in report.warnings if "gaps" not in line]) == (0, [])


@pytest.mark.parametrize(
    ("first", "second"), [((1, 2), (3,)), ((1,), (3, 4)), ((), (3, 4)), ((1, 2), ())], ids=["lost", "new", "all", "no"]
)
def test_stamps_that_come_or_go_between_frames_are_refused(tmp_path, samples, first, second):
    store = Store.create(tmp_path / "a.zarr", samples.spec())
    with EpisodeFile(store, "one") as file:
        file.add_frame("over_shoulder", samples.image(), *first)
        with pytest.raises(StoreError, match="stamps for some frames only"):
            file.add_frame("over_shoulder", samples.image(), *second)
        assert len(file.frames("over_shoulder")) == 1
