"""What every implementation of the `Arm` protocol must do; a subclass gives the fixtures and inherits the tests.

    class TestMyArm(ArmSuite):
        @pytest.fixture
        def bench(self):
            ...
            yield MyBench(...)

A bench stands for the device at the other end: it connects drivers, lets time pass, and tells what the device was
really told, without asking the driver.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import pytest

from crl_robot.contracts import Arm
from crl_robot.errors import ArmError


class Bench(Protocol):
    """One device and the way to it."""

    start: np.ndarray
    """Joints (N,) rad where the arm stands when `connect` is first called."""
    other: np.ndarray
    """Joints (N,) rad within reach of a second's motion from `start`."""
    tolerance_rad: float
    """How near the arm comes to its target."""
    quantum_rad: float
    """Resolution of a command on the wire."""
    gripper_tolerance: float
    """How near the gripper comes to its target, as opening 0..1."""
    exclusive: bool
    """Whether a second connect to the same device must be refused."""
    always_on: bool
    """Whether the device is nobody's to switch on, so that its driver may command it without `enable`."""

    def connect(self) -> Arm:
        """A new driver, connected and allowed to move."""
        ...

    def connect_powered(self) -> Arm:
        """A new driver, connected to a device that somebody else has switched on; `enable` was not called."""
        ...

    def told(self) -> int:
        """How many targets the device was told."""
        ...

    def settle(self, seconds: float) -> None:
        """Let the device move for so long; the arm is read meanwhile where the driver must be heard."""
        ...

    def sent(self) -> tuple[np.ndarray, float]:
        """The joint targets (N,) rad and gripper opening that the device now has."""
        ...


class ArmSuite:
    """Tests inherited by every arm. Subclasses define the fixture `bench`."""

    @pytest.fixture
    def bench(self) -> Bench:
        raise NotImplementedError("define a fixture `bench` in the subclass")

    @pytest.fixture
    def arm(self, bench: Bench) -> Iterator[Arm]:
        arm = bench.connect()
        yield arm
        arm.close()

    def test_it_is_an_arm(self, arm, bench):
        assert isinstance(arm, Arm)
        assert len(arm.joint_names) == len(set(arm.joint_names)) == len(bench.start)

    def test_connecting_never_moves_it(self, arm, bench):
        bench.settle(0.3)
        np.testing.assert_allclose(arm.read().position, bench.start, atol=bench.tolerance_rad)

    def test_connecting_to_a_device_that_is_already_powered_sends_it_nothing(self, bench):
        """Holding and reading sent targets to a Sawyer that another program or a person was moving."""
        if bench.always_on:
            pytest.skip("this device is always on")
        arm = bench.connect_powered()
        before = bench.told()
        for _ in range(3):
            arm.hold()
            arm.read()
            bench.settle(0.1)
        with pytest.raises(ArmError, match="enable"):
            arm.command(bench.other, 1.0)
        arm.close()
        bench.settle(0.1)
        assert bench.told() == before

    def test_a_reading_is_whole(self, arm, bench):
        reading = arm.read()
        assert reading.position.shape == reading.velocity.shape == bench.start.shape
        assert 0.0 <= reading.gripper <= 1.0

    def test_command_and_readback_agree_after_settling(self, arm, bench):
        arm.command(bench.other, 1.0)
        bench.settle(2.0)
        reading = arm.read()
        np.testing.assert_allclose(reading.position, bench.other, atol=bench.tolerance_rad)
        assert abs(reading.gripper - 1.0) <= bench.gripper_tolerance
        assert np.abs(reading.velocity).max() < 0.05

    def test_the_command_that_reaches_the_device_is_the_one_asked_for(self, arm, bench):
        for fraction in (0.1, 0.35, 1.0):
            asked = bench.start + fraction * (bench.other - bench.start)
            arm.command(asked, fraction)
            joints, gripper = bench.sent()
            np.testing.assert_allclose(joints, asked, atol=bench.quantum_rad)
            assert gripper == pytest.approx(fraction, abs=0.01)

    def test_the_stamps_of_readings_do_not_go_back(self, arm, bench):
        first = arm.read().stamp_ns
        bench.settle(0.1)
        assert arm.read().stamp_ns > first

    @pytest.mark.parametrize("wrong", ["short", "long", "nan", "inf", "nan gripper"])
    def test_values_that_are_not_joints_are_refused_and_not_sent(self, arm, bench, wrong):
        position = {
            "short": bench.start[:-1],
            "long": np.append(bench.start, 0.0),
            "nan": np.where(np.arange(len(bench.start)) == 1, np.nan, bench.start),
            "inf": np.where(np.arange(len(bench.start)) == 1, np.inf, bench.start),
            "nan gripper": bench.other,
        }[wrong]
        before = bench.sent()
        with pytest.raises(ArmError, match="expected"):
            arm.command(position, np.nan if wrong == "nan gripper" else 0.5)
        after = bench.sent()
        np.testing.assert_array_equal(after[0], before[0])
        assert after[1] == before[1]

    def test_an_arm_that_refused_a_command_takes_the_next(self, arm, bench):
        with pytest.raises(ArmError):
            arm.command(np.full(len(bench.start), np.nan), 0.0)
        arm.command(bench.other, 0.0)
        np.testing.assert_allclose(bench.sent()[0], bench.other, atol=bench.quantum_rad)

    def test_hold_stops_a_motion_where_it_is(self, arm, bench):
        arm.command(bench.other, 0.0)
        bench.settle(0.1)
        arm.hold()
        held = bench.sent()[0]
        bench.settle(0.5)
        np.testing.assert_array_equal(bench.sent()[0], held)
        np.testing.assert_allclose(arm.read().position, held, atol=2 * bench.tolerance_rad)

    def test_hold_may_be_called_any_number_of_times(self, arm, bench):
        bench.settle(0.3)
        for _ in range(3):
            arm.hold()
        bench.settle(0.3)
        np.testing.assert_allclose(arm.read().position, bench.start, atol=bench.tolerance_rad)

    def test_hold_is_the_last_thing_on_close(self, arm, bench):
        arm.command(bench.other, 0.0)
        bench.settle(0.1)
        arm.close()
        last = bench.sent()[0]
        assert np.abs(last - bench.other).max() > 2 * bench.quantum_rad, "the old target is still there"

    def test_closing_twice_is_allowed(self, arm):
        arm.close()
        arm.close()

    def test_a_closed_arm_refuses_everything_but_hold(self, arm, bench):
        arm.close()
        before = bench.sent()[0]
        arm.hold()
        with pytest.raises(ArmError, match="closed"):
            arm.read()
        with pytest.raises(ArmError, match="closed"):
            arm.command(bench.other, 0.0)
        np.testing.assert_array_equal(bench.sent()[0], before)

    def test_a_second_connection_to_the_same_device_is_refused(self, arm, bench):
        if not bench.exclusive:
            pytest.skip("this device is shared within its process")
        with pytest.raises(ArmError, match=r"(?i)in use|already"):
            bench.connect()
        arm.read()

    def test_it_can_be_connected_again_after_close(self, arm, bench):
        arm.close()
        again = bench.connect()
        try:
            again.command(bench.other, 0.0)
            np.testing.assert_allclose(bench.sent()[0], bench.other, atol=bench.quantum_rad)
        finally:
            again.close()
