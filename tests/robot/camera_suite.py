"""What every camera must do, inherited by the tests of each implementation.

A subclass gives a fixture ``make_rig``: called with ``still``, it makes a camera and whatever makes it take pictures.
"""

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
import pytest

from crl_robot.cameras.watch import CameraWatch
from crl_robot.contracts import Camera, Frame
from crl_robot.errors import CameraError

DEADLINE_S = 15.0


class Rig(Protocol):
    """A camera in front of a world that changes from picture to picture, or is still."""

    camera: Camera

    def next(self) -> Frame:
        """Let one more picture be taken; returns the camera's newest frame once it is there."""
        ...

    def close(self) -> None: ...


class PluggableRig(Rig, Protocol):
    def unplug(self) -> None: ...
    def plug_in(self) -> None: ...


def picture(number: int, size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3) RGB: left half red, right half blue, and below a grey bar whose height follows the number."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2, 0] = 220
    image[:, width // 2 :, 2] = 220
    image[height - 1 - number % (height // 2) :, 8:-8] = 128
    return image


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is true that another thread brings about."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def has_no_frame(camera: Camera) -> bool:
    try:
        camera.read()
    except CameraError:
        return True
    return False


class CameraSuite:
    """Subclasses override ``red`` and ``blue`` where the world is another one than `picture`."""

    def red(self, image):
        return image[5, 5]

    def blue(self, image):
        return image[5, -5]

    @pytest.fixture
    def rig(self, make_rig):
        return make_rig(still=False)

    @pytest.fixture
    def still_rig(self, make_rig):
        return make_rig(still=True)

    def test_it_is_a_camera_with_one_native_size(self, rig):
        camera, frame = rig.camera, rig.next()
        assert isinstance(camera, Camera)
        assert (frame.image.shape, frame.image.dtype) == ((camera.size[1], camera.size[0], 3), np.uint8)
        assert rig.next().image.shape == frame.image.shape

    def test_colours_are_in_the_order_red_green_blue(self, rig):
        image = rig.next().image.astype(int)
        red, blue = self.red(image), self.blue(image)
        assert red[0] > red[2] + 60
        assert blue[2] > blue[0] + 20

    def test_stamps_are_measured_and_increase(self, rig):
        before_ns = time.time_ns()
        frames = [rig.next() for _ in range(4)]
        after_ns = time.time_ns()
        stamps = [frame.stamp_ns for frame in frames]
        assert np.all(np.diff(stamps) > 0)
        assert before_ns <= stamps[0]
        assert stamps[-1] <= after_ns
        for frame in frames:
            assert frame.stamp_ns <= frame.receive_stamp_ns <= after_ns

    def test_the_frame_read_is_the_newest(self, rig):
        older, newer = rig.next(), rig.next()
        assert np.any(older.image != newer.image)
        np.testing.assert_array_equal(rig.camera.read().image, newer.image)

    def test_a_picture_that_stands_still_is_noticed_and_one_that_moves_is_not(self, still_rig, rig):
        still, moving = CameraWatch(), CameraWatch()
        for _ in range(still.limits.frozen_after):
            assert not still.verdict().frozen
            still.add(still_rig.next())
            moving.add(rig.next())
        assert still.verdict().frozen
        assert not moving.verdict().frozen

    def test_it_can_be_closed_twice(self, rig):
        rig.next()
        rig.close()
        rig.camera.close()


class PluggableCameraSuite(CameraSuite):
    """For cameras whose source may go away while they run."""

    def test_an_unplugged_camera_has_no_frame_and_a_replugged_one_has_new_ones(self, rig):
        last = rig.next()
        rig.unplug()
        eventually(lambda: has_no_frame(rig.camera))
        with pytest.raises(CameraError, match=rig.camera.name):
            rig.camera.read()
        rig.plug_in()
        back = rig.next()
        assert back.stamp_ns > last.stamp_ns
        assert np.any(back.image != last.image)
        assert rig.camera.read().stamp_ns == back.stamp_ns

    def test_a_closed_camera_has_no_frame(self, rig):
        rig.next()
        rig.close()
        with pytest.raises(CameraError, match=rig.camera.name):
            rig.camera.read()
