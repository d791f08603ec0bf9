"""USB cameras over a fake of OpenCV's capture."""

import time

import cv2
import numpy as np
import pytest
from tests.robot.camera_suite import PluggableCameraSuite, eventually
from tests.robot.cameras.fakes import SIZE, FakeCapture, LiveRig, Shutter

from crl_robot.cameras.uvc import FROM_DRIVER, FROM_GRAB, UvcDevice, UvcSettings, open_v4l2
from crl_robot.errors import CameraError

SETTINGS = UvcSettings("/dev/v4l/by-id/usb-Maker_Camera-video-index0", SIZE, 30.0)


class TestUvcCamera(PluggableCameraSuite):
    @pytest.fixture
    def make_rig(self, closing):
        def make(still):
            shutter = Shutter(still)
            return closing(LiveRig(shutter, lambda: UvcDevice(SETTINGS, open_capture=lambda _: FakeCapture(shutter))))

        return make


def connected(settings=SETTINGS, **options):
    """A device and its capture."""
    capture = FakeCapture(Shutter(still=False), **options)
    return UvcDevice(settings, open_capture=lambda _: capture), capture


def test_the_stamp_is_the_drivers_timestamp_brought_to_the_clock_of_the_stamps():
    shutter = Shutter(still=False)
    capture = FakeCapture(shutter)
    device = UvcDevice(SETTINGS, lambda: 5_000_000_000, lambda _: capture, monotonic_ns=lambda: shutter_ns + 12_000_000)
    shutter.take()
    shutter_ns = shutter.taken.queue[0][2]
    frame = device.next()
    assert frame is not None
    assert frame.age_ms == pytest.approx(12.0, abs=0.002)
    assert frame.receive_stamp_ns == 5_000_000_000
    assert device.stamp_source == FROM_DRIVER


@pytest.mark.parametrize("captured_ns", [0, 10_000_000_000, 3_600_000_000_000])
def test_a_timestamp_that_is_none_or_of_another_clock_is_not_used(captured_ns):
    device, capture = connected()
    device._monotonic_ns = lambda: 60_000_000_000
    for _ in range(2):
        capture.shutter.take()
        taken = capture.shutter.taken.get()
        capture.shutter.taken.put((taken[0], taken[1], captured_ns))
        frame = device.next()
        assert frame is not None
        assert frame.age_ms == 0
    assert device.stamp_source == FROM_GRAB


def test_what_the_driver_did_not_take_is_said():
    takes = {
        cv2.CAP_PROP_FPS: lambda asked: 15.0,
        cv2.CAP_PROP_FOURCC: lambda asked: cv2.VideoWriter.fourcc(*"YUYV"),
        cv2.CAP_PROP_EXPOSURE: lambda asked: 156.0,
        cv2.CAP_PROP_AUTO_WB: lambda asked: 1.0,
        cv2.CAP_PROP_FOCUS: lambda asked: -1.0,
    }
    settings = UvcSettings("0", SIZE, 30.0, exposure=500.0, white_balance=4600.0, gain=10.0, focus=30.0)
    device, _ = connected(settings, takes=takes)
    assert device.remarks == (
        "format is YUYV, asked for MJPG",
        "fps is 15, asked for 30",
        "exposure is 156, asked for 500",
        "white_balance stays automatic",
        "focus is -1, asked for 30",
    )


def test_what_is_locked_is_set_after_its_automatic_mode_is_off_and_after_the_format():
    device, capture = connected(UvcSettings("0", SIZE, 30.0, exposure=157.0))
    assert device.remarks == ()
    order = capture.order
    assert order.index(cv2.CAP_PROP_FPS) < order.index(cv2.CAP_PROP_AUTO_EXPOSURE) < order.index(cv2.CAP_PROP_EXPOSURE)
    assert capture.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 1
    assert capture.values[cv2.CAP_PROP_AUTO_WB] == 1
    assert cv2.CAP_PROP_WB_TEMPERATURE not in capture.values


def test_another_size_than_asked_for_is_refused_and_the_device_let_go():
    capture = FakeCapture(Shutter(still=False), takes={cv2.CAP_PROP_FRAME_WIDTH: lambda asked: 320})
    with pytest.raises(CameraError, match=r"gives 320x48 pixels, asked for 64x48.*--list-formats-ext"):
        UvcDevice(SETTINGS, open_capture=lambda _: capture)
    assert capture.released == 1


def test_a_camera_that_is_not_there_is_refused_with_what_to_do():
    with pytest.raises(CameraError, match=r"/dev/nothing cannot be opened; is it connected"):
        UvcDevice(UvcSettings("/dev/nothing"), open_capture=open_v4l2)


@pytest.mark.parametrize("settings", [{"fourcc": "MJPEG"}, {"size": (0, 48)}, {"fps": 0.0}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(CameraError, match="expected four letters"):
        UvcSettings(**settings)


def test_a_damaged_picture_is_counted_and_the_next_one_is_there(closing):
    shutter = Shutter(still=False)
    capture = FakeCapture(shutter)
    rig = closing(LiveRig(shutter, lambda: UvcDevice(SETTINGS, open_capture=lambda _: capture)))
    rig.next()
    capture.damaged = 1
    shutter.take()
    rig.next()
    assert rig.camera.health().damaged == 1
    assert rig.camera.health().captured == 2


def test_after_a_replug_the_settings_are_asked_for_again_and_the_return_is_told(closing):
    shutter, captures = Shutter(still=False), []

    def open_capture(_):
        captures.append(FakeCapture(shutter))
        return captures[-1]

    settings = UvcSettings("0", SIZE, 30.0, exposure=157.0)
    rig = closing(LiveRig(shutter, lambda: UvcDevice(settings, open_capture=open_capture)))
    rig.unplug()
    rig.plug_in()
    rig.next()
    assert captures[-1].values[cv2.CAP_PROP_EXPOSURE] == 157.0
    assert all(capture.released for capture in captures[:-1])
    assert rig.camera.health().reconnects == 1
    assert [note.split(":")[0] for note in rig.notes] == ["camera 'left' has no frame", "camera 'left' is back"]


def test_it_is_tried_again_after_waits_that_double_up_to_a_bound(closing):
    shutter, tries = Shutter(still=False), []

    def open_capture(_):
        tries.append(time.monotonic())
        return FakeCapture(shutter)

    rig = LiveRig(shutter, lambda: UvcDevice(SETTINGS, open_capture=open_capture), retry_s=(0.02, 0.08))
    closing(rig)
    rig.unplug()
    eventually(lambda: len(tries) >= 6)
    waits = np.diff(tries[1:])
    assert np.all(waits[:4] >= np.array([0.04, 0.08, 0.08, 0.08]) - 0.002)


def test_one_that_comes_back_with_another_size_stays_away(closing):
    shutter, sizes = Shutter(still=False), iter([SIZE, (32, 24)])

    def open_device():
        settings = UvcSettings("0", next(sizes, (32, 24)), 30.0)
        return UvcDevice(settings, open_capture=lambda _: FakeCapture(shutter))

    rig = closing(LiveRig(shutter, open_device))
    rig.unplug()
    shutter.plugged.set()
    eventually(lambda: "came back with" in rig.camera.health().reason)
    with pytest.raises(CameraError, match="came back with"):
        rig.camera.read()
