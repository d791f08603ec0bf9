"""Films, folders of pictures and noise, shown at their rate; and simulated cameras, under the same suite."""

import itertools
import threading
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from tests.robot.camera_suite import DEADLINE_S, CameraSuite, eventually, has_no_frame, picture

from crl_robot.cameras.device import CameraOver
from crl_robot.cameras.film import FilmDevice, FilmSettings
from crl_robot.cameras.kinds import CameraConfig, open_camera
from crl_robot.cameras.live import LiveCamera
from crl_robot.contracts import Camera
from crl_robot.errors import CameraError, ConfigError
from crl_robot.kinematics import HOME_Q
from crl_robot.sim.camera import SimCamera
from crl_robot.sim.world import World
from crl_robot.video import write_video

SIZE = (64, 48)


class Turns:
    """A schedule whose next tick is due when the test says so."""

    def __init__(self, period_s=1.0):
        self.period_s, self.stats = period_s, SimpleNamespace(missed=0)
        self.due = threading.Semaphore(0)

    def wait(self):
        self.due.acquire(timeout=DEADLINE_S)
        return 0.0


class FilmRig:
    def __init__(self, source):
        self.turns = Turns()
        self.camera = LiveCamera(
            "film",
            lambda: FilmDevice(FilmSettings(str(source)), make_schedule=lambda _: self.turns),
            max_age_s=60.0,
            notify=lambda _: None,
        )

    def next(self):
        before = self.camera.health().captured
        self.turns.due.release()
        found = self.camera.wait_next(before, DEADLINE_S)
        assert found is not None
        return found[1]

    def close(self):
        self.turns.due.release(100)
        self.camera.close()


def folder(path, count, still=False):
    path.mkdir()
    for number in range(count):
        image = cv2.cvtColor(picture(0 if still else number, SIZE), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(path / f"{number:03}.png"), image)
    return path


class TestFolderCamera(CameraSuite):
    @pytest.fixture
    def make_rig(self, closing, tmp_path):
        return lambda still: closing(FilmRig(folder(tmp_path / f"still {still}", 5, still)))


class TestVideoCamera(CameraSuite):
    @pytest.fixture
    def make_rig(self, closing, tmp_path):
        def make(still):
            path = tmp_path / f"still {still}.mp4"
            frames = (picture(0 if still else 4 * number, SIZE) for number in range(1 if still else 12))
            return closing(FilmRig(write_video(path, frames, 25)))

        return make


class SimRig:
    """The world moves on a little before each picture, unless it is still."""

    def __init__(self, still):
        self.world, self.still, self.number = World(), still, 0
        self.camera: Camera = SimCamera(self.world, size=(160, 120), clock_ns=time.time_ns)

    def next(self):
        self.number += 0 if self.still else 1
        self.world.reset(HOME_Q, (0.25, -0.15 + 0.02 * self.number))
        return self.camera.read()

    def close(self):
        self.camera.close()


class TestSimCamera(CameraSuite):
    @pytest.fixture
    def make_rig(self, closing):
        return lambda still: closing(SimRig(still))

    def test_colours_are_in_the_order_red_green_blue(self, rig):
        """Only the can moves, and it is red."""
        older, newer = rig.next().image.astype(int), rig.next().image.astype(int)
        changed = newer[np.abs(newer - older).max(-1) > 40]
        redness = changed[:, 0] - changed[:, 2]
        assert redness.max() > 60
        assert redness.min() > -60

    def test_the_frame_read_is_the_newest(self, rig):
        older, newer = rig.next(), rig.next()
        assert np.any(older.image != newer.image)
        assert newer.stamp_ns < rig.camera.read().stamp_ns


def test_a_film_is_shown_at_its_own_rate_with_the_stamps_of_the_showing(tmp_path):
    source = write_video(tmp_path / "film.mp4", (picture(n, SIZE) for n in range(6)), 50)
    device = FilmDevice(FilmSettings(str(source), loop=False))
    stamps = [device.next().stamp_ns for _ in range(6)]
    assert 0.08 < (stamps[-1] - stamps[0]) / 1e9 < 2.0
    with pytest.raises(CameraOver, match=r"all of .*film\.mp4 has been shown"):
        device.next()


def test_a_film_that_is_over_leaves_a_camera_without_a_frame_that_does_not_begin_again(tmp_path, closing):
    notes = []
    settings = FilmSettings(str(folder(tmp_path / "film", 3)), fps=200.0, loop=False)
    camera = closing(LiveCamera("film", lambda: FilmDevice(settings), notify=notes.append))
    eventually(lambda: not camera.health().connected)
    assert has_no_frame(camera)
    with pytest.raises(CameraError, match="has been shown"):
        camera.read()
    assert camera.health().captured == 3
    assert camera.health().reconnects == 0
    assert len(notes) == 1


def test_a_looped_folder_begins_again(tmp_path):
    device = FilmDevice(FilmSettings(str(folder(tmp_path / "film", 2)), fps=500.0))
    images = [device.next().image for _ in range(5)]
    for one, other in itertools.pairwise(images[::2]):
        np.testing.assert_array_equal(one, other)
    assert np.any(images[0] != images[1])


def test_noise_of_the_asked_size_never_ends():
    device = FilmDevice(FilmSettings("noise", SIZE, fps=1000.0))
    frames = [device.next() for _ in range(35)]
    assert device.size == SIZE
    assert all(np.any(one.image != other.image) for one, other in itertools.pairwise(frames))


@pytest.mark.parametrize("size", [(32, 24), None])
def test_pictures_of_another_size_than_the_first_or_the_asked_one_are_refused(tmp_path, size):
    source = folder(tmp_path / "film", 2)
    cv2.imwrite(str(source / "zzz.png"), np.zeros((24, 32, 3), np.uint8))

    def show():
        device = FilmDevice(FilmSettings(str(source), size, fps=1000.0))
        return [device.next() for _ in range(3)]

    with pytest.raises(CameraError, match="64, 48"):
        show()


@pytest.mark.parametrize("name", ["empty", "missing.mp4", "text.mp4"])
def test_what_shows_nothing_is_refused_with_its_name(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(CameraError, match=name):
        FilmDevice(FilmSettings(str(tmp_path / name)))


def test_a_camera_is_opened_from_its_description(closing):
    camera = closing(open_camera(CameraConfig("front", "file", "noise", SIZE)))
    assert (camera.name, camera.size) == ("front", SIZE)
    assert "shown" in camera.stamp_source
    assert camera.wait_next(0, DEADLINE_S) is not None


@pytest.mark.parametrize("wrong", [{"kind": "usb"}, {"fps": 1.0, "max_age_s": 0.5}])
def test_a_description_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ConfigError, match="expected"):
        CameraConfig("front", **wrong)
