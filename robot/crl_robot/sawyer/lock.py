"""One driver for one Sawyer on this machine."""

from __future__ import annotations

from crl_robot.device_lock import DeviceLock


class RobotLock(DeviceLock):
    """The lock of the robot behind one rosbridge. Raises ArmError when another driver has it."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"sawyer-{host}-{port}", f"Sawyer at {host}:{port}")
