"""Goal images beside a store."""

import cv2
import numpy as np
import pytest

from crl_data.recording.goals import goals_folder, save_goals
from crl_robot import durable
from crl_robot.contracts import Frame
from crl_robot.errors import StoreError


@pytest.fixture
def frames(samples) -> dict[str, Frame]:
    return {camera: Frame(samples.image(), 7, 8) for camera in ("over_shoulder", "wrist")}


def test_goal_images_hold_the_frames_pixel_for_pixel(tmp_path, frames):
    paths = save_goals(tmp_path / "a.zarr", frames)
    assert [path.name for path in paths] == ["7-over_shoulder.png", "7-wrist.png"]
    for path, frame in zip(paths, frames.values(), strict=True):
        np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], frame.image)


def test_a_picture_has_its_name_only_when_it_is_whole_and_on_the_disk(tmp_path, frames):
    """A kill left half a picture under its final name."""
    done = []
    with durable.observe(lambda operation, path, *facts: done.append((operation, path, *facts))):
        folder = goals_folder(tmp_path / "a.zarr")
        paths = save_goals(tmp_path / "a.zarr", frames)
    written = {path for operation, path, *_ in done if operation == "write"}
    assert not written & set(paths)
    for path in paths:
        beside = durable.leftover_of(path)
        order = [done.index(step) for step in (("sync", beside), ("rename", beside, path))]
        assert order == sorted(order)
        assert ("sync", folder) in done[order[1] :]
    assert ("sync", folder.parent) in done, "the folder's own name is on the disk too"


def test_a_full_disk_leaves_no_half_picture(tmp_path, frames, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "sync", full)
    goals_folder(tmp_path / "a.zarr").mkdir()
    with pytest.raises(StoreError, match="No space left"):
        save_goals(tmp_path / "a.zarr", frames)
    assert list(goals_folder(tmp_path / "a.zarr").iterdir()) == []
