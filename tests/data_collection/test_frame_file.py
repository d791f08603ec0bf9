"""The growing file of one camera's frames, interrupted at any point."""

import numpy as np
import pytest

from crl_data.checking.check import check_store
from crl_data.codec import encode_jpeg
from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.growing import GrowingArray
from crl_data.store import Store


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_lack_of_memory_inside_a_frame_leaves_the_frames_before_and_after(tmp_path, samples, monkeypatch, rows):
    """Bytes of a frame that was given up half-way became part of the next one."""
    store = Store.create(tmp_path / "a.zarr", samples.spec("jpeg"))
    images = [samples.image() for _ in range(4)]
    with EpisodeFile(store, "one") as file:
        for stamp, image in enumerate(images):
            with monkeypatch.context() as patch:
                fails_after(patch, rows)
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


def fails_after(patch, rows):
    """Memory is enough for this many more rows."""
    left, append = [rows], GrowingArray.append

    def limited(self, row):
        left[0] -= 1
        if left[0] < 0:
            raise MemoryError
        append(self, row)

    patch.setattr(GrowingArray, "append", limited)
