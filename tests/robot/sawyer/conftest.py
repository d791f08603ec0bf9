"""An emulated Sawyer behind rosbridge, and drivers connected to it that are closed at the end."""

import time
from dataclasses import replace

import pytest

from crl_robot.emulators.rosbridge.sawyer import EmulatedSawyer
from crl_robot.emulators.rosbridge.server import RosbridgeServer
from crl_robot.errors import ArmError

pytest.importorskip("roslibpy", reason="the extra 'sawyer' is not installed")

from crl_robot.sawyer.arm import SawyerArm
from crl_robot.sawyer.settings import SawyerSettings

PATIENT = SawyerSettings(silence_s=1.0)
"""A busy machine may keep the emulator from sending for a while."""


@pytest.fixture
def robot():
    return EmulatedSawyer()


@pytest.fixture
def server(robot):
    with RosbridgeServer(robot) as server:
        yield server


@pytest.fixture
def connect(server):
    arms = []

    def make(settings=PATIENT, **options):
        arms.append(SawyerArm(replace(settings, port=server.port), **options))
        return arms[-1]

    yield make
    for arm in arms:
        arm.close()


@pytest.fixture
def arm(connect):
    arm = connect()
    arm.enable()
    return arm


@pytest.fixture
def eventually():
    def wait(condition, timeout_s=5.0):
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.002)
        pytest.fail(f"not within {timeout_s} s: {condition}")

    return wait


@pytest.fixture
def until_error(eventually):
    """Calls until it raises ArmError; returns that."""

    def call(function):
        errors = []

        def raised():
            try:
                function()
            except ArmError as error:
                errors.append(error)
            return bool(errors)

        eventually(raised)
        return errors[0]

    return call
