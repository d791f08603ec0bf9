"""RealSense cameras over a fake of the vendor's module."""

import sys

import pytest
from tests.robot.camera_suite import PluggableCameraSuite
from tests.robot.cameras.fakes import SIZE, FakeSdk, LiveRig, Shutter

from crl_robot.cameras.realsense import FROM_ARRIVAL, FROM_DEVICE, RealSenseDevice, RealSenseSettings
from crl_robot.errors import CameraError

SETTINGS = RealSenseSettings("", SIZE, 30.0)


class TestRealSenseCamera(PluggableCameraSuite):
    @pytest.fixture
    def make_rig(self, closing):
        def make(still):
            shutter = Shutter(still)
            return closing(LiveRig(shutter, lambda: RealSenseDevice(SETTINGS, sdk=FakeSdk(shutter))))

        return make


def test_without_the_vendors_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    with pytest.raises(CameraError, match="pip install pyrealsense2"):
        RealSenseDevice(SETTINGS)


def test_the_colour_stream_of_the_named_camera_is_asked_for_with_locked_exposure_and_global_time():
    sdk = FakeSdk(Shutter(still=False))
    settings = RealSenseSettings("123", SIZE, 30.0, exposure=120.0, gain=32.0)
    device = RealSenseDevice(settings, sdk=sdk)
    assert sdk.asked == ["123", ("color", *SIZE, "rgb8", 30)]
    assert sdk.options == {
        "global_time_enabled": 1,
        "enable_auto_exposure": 0,
        "exposure": 120,
        "enable_auto_white_balance": 1,
        "gain": 32,
    }
    assert device.remarks == ()


def test_an_option_that_the_camera_lacks_is_said():
    sdk = FakeSdk(Shutter(still=False), lacks=("white_balance",))
    device = RealSenseDevice(RealSenseSettings("", SIZE, white_balance=4000.0), sdk=sdk)
    assert device.remarks == ("white_balance is not settable, asked for 4000",)


@pytest.mark.parametrize(("domain", "source"), [("global", FROM_DEVICE), ("system", FROM_ARRIVAL)])
def test_the_stamp_is_the_cameras_own_only_where_it_is_on_this_computers_clock(domain, source):
    sdk = FakeSdk(Shutter(still=False), domain)
    sdk.shutter.take()
    taken_ns = sdk.shutter.taken.queue[0][1]
    device = RealSenseDevice(SETTINGS, lambda: 9_000_000_000, sdk, lambda: taken_ns + 20_000_000)
    frame = device.next()
    assert frame is not None
    assert frame.age_ms == pytest.approx(20.0 if source == FROM_DEVICE else 0.0, abs=0.01)
    assert device.stamp_source == source


def test_frames_that_the_camera_numbered_and_did_not_deliver_are_counted(closing):
    sdk = FakeSdk(Shutter(still=False))
    rig = closing(LiveRig(sdk.shutter, lambda: RealSenseDevice(SETTINGS, sdk=sdk)))
    rig.next()
    sdk.skip = 3
    rig.next()
    assert rig.camera.health().lost == 3
    rig.unplug()
    rig.plug_in()
    rig.next()
    assert rig.camera.health().lost == 3


def test_a_camera_that_is_not_there_is_refused_with_its_serial_number():
    sdk = FakeSdk(Shutter(still=False))
    sdk.shutter.plugged.clear()
    with pytest.raises(CameraError, match=r"no RealSense camera 42 can be started with 64x48.*rs-enumerate-devices"):
        RealSenseDevice(RealSenseSettings("42", SIZE), sdk=sdk)
