"""One driver for one device."""

import pytest

from crl_robot import device_lock
from crl_robot.device_lock import DeviceLock
from crl_robot.errors import ArmError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(device_lock, "_FOLDER", tmp_path)
    return tmp_path


def test_a_device_has_one_driver_at_a_time():
    first = DeviceLock("arm/1", "arm 1")
    with pytest.raises(ArmError, match="already in use"):
        DeviceLock("arm/1", "arm 1")
    first.release()
    DeviceLock("arm/1", "arm 1").release()


def test_every_user_may_open_the_file(folder):
    DeviceLock("arm/1", "arm 1").release()
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o666


def test_a_file_that_cannot_be_opened_is_an_error_that_says_so(folder):
    """It came as a PermissionError, and ended the node with a traceback."""
    (folder / "crl-arm_1.lock").mkdir()
    with pytest.raises(ArmError, match=r"cannot lock .*remove that file"):
        DeviceLock("arm/1", "arm 1")
