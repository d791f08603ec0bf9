"""The thread that takes frames in: newest only, in order, and bugs are not hidden."""

import threading

import numpy as np
import pytest
from tests.robot.camera_suite import DEADLINE_S, eventually

from crl_robot.cameras.live import LiveCamera
from crl_robot.cameras.newest import NewestFrame
from crl_robot.contracts import Frame
from crl_robot.errors import CameraError

IMAGE = np.zeros((4, 6, 3), np.uint8)


class Listed:
    """A device that gives listed (stamp, receive stamp), then is gone for good."""

    size, stamp_source, remarks, lost = (6, 4), "a list", (), 0

    def __init__(self, stamps):
        self.stamps = iter(stamps)
        self.closed = 0

    def next(self):
        stamps = next(self.stamps, None)
        if stamps is None:
            raise CameraError("the list is over")
        return Frame(IMAGE, *stamps)

    def close(self):
        self.closed += 1


def test_a_frame_that_is_not_stamped_later_is_dropped_and_counted_unless_the_clock_went_back(closing):
    device = Listed([(100, 110), (100, 120), (90, 130), (140, 150), (20, 30)])
    camera = closing(LiveCamera("left", lambda: device, retry_s=(60.0, 60.0), notify=lambda _: None))
    eventually(lambda: not camera.health().connected)
    assert camera.health().unordered == 2
    assert camera.health().captured == 3
    assert device.closed == 1


def test_a_bug_in_a_driver_leaves_a_camera_without_a_frame_and_its_device_closed(closing, monkeypatch):
    class Broken(Listed):
        def next(self):
            raise ZeroDivisionError

    seen = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: seen.append(arguments.exc_type))
    device = Broken([])
    camera = closing(LiveCamera("left", lambda: device))
    eventually(lambda: not camera.health().connected)
    with pytest.raises(CameraError, match="traceback is in the log"):
        camera.read()
    camera.close()
    assert device.closed == 1
    assert seen == [ZeroDivisionError]


def test_a_camera_has_no_frame_as_soon_as_its_device_is_gone(closing):
    device = Listed([(100, 110)])
    camera = closing(LiveCamera("left", lambda: device, 60.0, retry_s=(60.0, 60.0), notify=lambda _: None))
    eventually(lambda: not camera.health().connected)
    with pytest.raises(CameraError, match="camera 'left' has no frame: the list is over"):
        camera.read()
    assert camera.wait_next(0, 0.0) is None


def test_frames_lost_are_counted_once_while_a_camera_is_away(closing):
    device = Listed([(100, 110)])
    device.lost = 7
    camera = closing(LiveCamera("left", lambda: device, retry_s=(60.0, 60.0), notify=lambda _: None))
    eventually(lambda: not camera.health().connected)
    assert camera.health().lost == 7


def test_a_camera_that_is_not_there_at_first_is_an_error():
    def open_device():
        raise CameraError("nothing there")

    with pytest.raises(CameraError, match="nothing there"):
        LiveCamera("left", open_device)


def test_a_frame_that_came_too_long_ago_is_none():
    now = [0.0]
    newest = NewestFrame("left", 0.5, lambda: now[0])
    with pytest.raises(CameraError, match="no frame yet"):
        newest.read()
    newest.put(Frame(IMAGE, 1, 2))
    now[0] = 0.5
    assert newest.read().stamp_ns == 1
    now[0] = 0.8
    with pytest.raises(CameraError, match=r"its last frame 0\.8 s ago"):
        newest.read()


def test_who_waits_gets_the_newest_and_sees_how_many_it_missed():
    newest = NewestFrame("left", 1.0)
    assert newest.wait_next(0, 0.0) is None
    for stamp in (1, 2, 3):
        newest.put(Frame(IMAGE, stamp, stamp))
    number, frame = newest.wait_next(1, DEADLINE_S) or (0, None)
    assert number == 3
    assert frame is not None
    assert frame.stamp_ns == 3
    assert newest.wait_next(3, 0.0) is None
    newest.lose("is away")
    assert newest.wait_next(0, 0.0) is None
