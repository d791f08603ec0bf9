"""The suite of every arm, on the Sawyer driver and the emulated robot."""

import time
from contextlib import suppress

import numpy as np
import pytest
from arm_suite import ArmSuite

from crl_robot.errors import ArmError
from crl_robot.sawyer.model import GRIPPER_STROKE_M, NEUTRAL_Q


class SawyerBench:
    start = NEUTRAL_Q
    other = NEUTRAL_Q + np.array([0.2, 0.15, -0.2, -0.2, 0.2, 0.2, -0.2])
    tolerance_rad = 0.01
    quantum_rad = 1e-9
    gripper_tolerance = 0.02
    exclusive = True
    always_on = False

    def __init__(self, robot, server, connect, eventually):
        self._robot, self._server, self._connect, self._eventually = robot, server, connect, eventually
        self._arm = None

    def connect(self):
        self._arm = self._connect()
        self._arm.enable()
        return self._arm

    def connect_powered(self):
        self._robot.power.enabled = True
        self._arm = self._connect()
        return self._arm

    def told(self):
        return self._robot.commands + len(self._robot.refusals)

    def settle(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(ArmError):  # a closed driver is not heard, and need not be
                self._arm.read()
            time.sleep(0.01)

    def sent(self):
        try:
            self._arm.round_trip_ms()
        except ArmError:
            self._eventually(lambda: self._server.clients == 0)
        with self._robot.lock:
            return self._robot.target.copy(), self._robot.gripper.target_m / GRIPPER_STROKE_M


class TestSawyerArm(ArmSuite):
    @pytest.fixture
    def bench(self, robot, server, connect, eventually):
        return SawyerBench(robot, server, connect, eventually)
