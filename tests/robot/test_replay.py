"""Prerecorded frames as cameras."""

import cv2
import numpy as np
import pytest

from crl_robot.contracts import Camera
from crl_robot.errors import CameraError
from crl_robot.replay import ReplayCamera, load_frames, noise_frames
from crl_robot.video import write_video


def test_frames_are_shown_in_turn_with_the_stamp_of_the_moment():
    frames = noise_frames((32, 24), 3, seed=0)
    stamps = iter(range(100, 1000, 10))
    camera = ReplayCamera("left", frames, lambda: next(stamps))
    assert isinstance(camera, Camera)
    assert (camera.name, camera.size) == ("left", (32, 24))
    shown = [camera.read() for _ in range(5)]
    assert [frame.stamp_ns for frame in shown] == [100, 110, 120, 130, 140]
    for frame, index in zip(shown, (0, 1, 2, 0, 1), strict=True):
        assert np.array_equal(frame.image, frames[index])


def test_noise_is_that_of_a_sensor_and_the_same_for_the_same_seed():
    frames = noise_frames((64, 48), 4, seed=3)
    assert frames.shape == (4, 48, 64, 3)
    assert np.array_equal(frames, noise_frames((64, 48), 4, seed=3))
    still = frames[:, :20].astype(float)
    assert np.std(still[1] - still[0]) == pytest.approx(2 * np.sqrt(2), rel=0.1)


def test_a_folder_of_pictures_is_shown_in_the_order_of_their_names(tmp_path):
    for name, value in (("b.png", 200), ("a.png", 40), ("note.txt", 0)):
        path = tmp_path / name
        if path.suffix == ".png":
            cv2.imwrite(str(path), np.full((10, 20, 3), value, np.uint8))
        else:
            path.write_text("not a picture")
    frames = load_frames(str(tmp_path), (40, 30), 10)
    assert frames.shape == (2, 30, 40, 3)
    assert [int(frame.mean()) for frame in frames] == [40, 200]


def test_a_video_is_shown_as_it_was(tmp_path):
    path = write_video(tmp_path / "v.mp4", (np.full((32, 48, 3), 60 * n, np.uint8) for n in range(4)), 10)
    frames = load_frames(str(path), (48, 32), 3)
    assert frames.shape == (3, 32, 48, 3)
    assert [round(float(frame.mean()) / 60) for frame in frames] == [0, 1, 2]


@pytest.mark.parametrize("name", ["empty", "missing.mp4", "text.mp4"])
def test_what_shows_nothing_is_refused_with_its_name(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(CameraError, match=name):
        load_frames(str(tmp_path / name), (48, 32), 3)
