"""Enabling and resetting through the arm's driver, its faults, and what it measures."""

import numpy as np
import pytest
from controller_rig import LIMITS, START, Rig

from crl_robot.contracts import JointReading
from crl_robot.errors import ArmError


@pytest.fixture
def rig():
    return Rig().enabled()


def kinds(rig):
    return [kind for kind, _ in rig.arm.log]


def test_enabling_asks_the_driver_first_and_then_holds_where_the_arm_stands():
    rig = Rig()
    rig.arm.q = START + 0.01
    rig.controller.enable()
    assert kinds(rig) == ["enable", "hold"]
    np.testing.assert_allclose(rig.controller.state().target.position, START[:3] + 0.01)


def test_an_arm_that_refuses_to_be_enabled_stays_disabled_and_says_why():
    rig = Rig()
    rig.arm.latched = "elbow overloaded"
    with pytest.raises(ArmError, match="elbow overloaded"):
        rig.controller.enable()
    assert rig.mode() == "disabled"
    assert "elbow overloaded" in rig.controller.reason
    rig.arm.latched = ""
    rig.controller.enable()
    assert rig.mode() == "holding"


def test_enabling_takes_over_where_the_gripper_is():
    rig = Rig()
    rig.arm.gripper = 0.7
    rig.controller.enable()
    assert rig.controller.state().gripper_target == pytest.approx(0.7)


def test_enabling_twice_does_not_switch_the_arm_on_twice(rig):
    rig.controller.enable()
    assert kinds(rig).count("enable") == 1


def test_an_arm_that_cannot_hold_when_it_is_enabled_is_not_enabled():
    rig = Rig()
    rig.arm.hold = _raise
    with pytest.raises(ArmError, match="hold"):
        rig.controller.enable()
    assert rig.controller.mode == "estopped"


def _raise():
    raise ArmError("cannot hold")


def test_reset_clears_what_the_device_latched_before_the_estop(rig):
    rig.controller.estop("test")
    rig.controller.reset()
    assert kinds(rig)[-2:] == ["reset", "hold"]
    assert rig.mode() == "disabled"


def test_an_estop_stays_latched_with_the_reason_while_the_device_cannot_be_reset(rig):
    rig.controller.estop("test")
    rig.arm.latched = "the button is still pressed"
    with pytest.raises(ArmError, match="button"):
        rig.controller.reset()
    assert rig.mode() == "estopped"
    assert "button" in rig.controller.reason
    rig.arm.latched = ""
    rig.controller.reset()
    assert rig.mode() == "disabled"


def test_reset_clears_the_device_of_a_disabled_arm_and_leaves_an_enabled_one_alone(rig):
    rig.controller.reset()
    assert "reset" not in kinds(rig)
    rig.controller.disable()
    rig.controller.reset()
    assert kinds(rig)[-1] == "reset"


def test_a_reset_of_an_arm_that_still_cannot_hold_says_so_and_stays_latched(rig):
    rig.controller.estop("test")
    rig.arm.hold = _raise
    with pytest.raises(ArmError, match="cannot hold"):
        rig.controller.reset()
    assert rig.controller.mode == "estopped"


def test_an_arm_that_cannot_hold_does_not_go_home(rig):
    """The move home began although the hold before it had latched the e-stop."""
    rig.arm.hold = _raise
    with pytest.raises(ArmError, match="cannot hold"):
        rig.home(0.31)
    rig.ticks(5)
    assert rig.controller.mode == "estopped"
    assert "command" not in kinds(rig)


def test_a_reading_of_another_size_is_a_fault_of_the_arm(rig):
    rig.arm.read = lambda: JointReading(np.zeros(5), np.zeros(5), 0.0, rig.now)
    with pytest.raises(ArmError, match="5"):
        rig.controller.state()
    assert (rig.controller.mode, rig.events["bad_reading"] > 0) == ("estopped", True)


@pytest.mark.parametrize("ahead_s", [-1.0, 5.0])
def test_joints_with_a_stamp_that_is_old_or_stands_still_ahead_are_stale(rig, ahead_s):
    stamp = rig.now + round(ahead_s * 1e9)
    rig.arm.clock_ns = lambda: stamp
    if ahead_s > 0:
        rig.controller.state()
    rig.now += round((LIMITS.stale_joints_s + 0.01) * 1e9)
    rig.ticks(1)
    with pytest.raises(ArmError, match="old"):
        rig.controller.state()
    assert rig.controller.mode == "estopped"
    assert rig.events["stale_joints"] == 1


def test_stale_joints_are_never_acted_upon(rig):
    rig.arm.clock_ns = lambda: 0
    with pytest.raises(ArmError, match="old"):
        rig.submit(0.01)
    rig.ticks(5)
    assert "command" not in kinds(rig)


def test_a_motion_that_ends_too_near_a_collision_is_told(rig):
    rig.submit(0.0, 0.05)
    rig.ticks(5)
    rig.collisions.table_y = 0.01
    rig.controller.hold("pushed", "disabled")
    assert "hand is too near table" in rig.controller.reason
    assert rig.events["table_contact"] == 1
    assert rig.mode() == "holding"


def test_a_silent_arm_is_asked_to_hold_once_a_tick_and_its_fault_is_counted_once(rig):
    """Every tick asked a dead bus three times and waited for each answer, while the e-stop service waited for that."""
    rig.submit(0.05)
    rig.ticks(2)
    asked = []
    rig.arm.hold = lambda: asked.append(rig.now) or _raise()
    rig.arm.read = _raise
    for _ in range(10):
        rig.ticks(1)
        with pytest.raises(ArmError):
            rig.controller.state()
    assert len(asked) == 10
    assert rig.events["arm_fault"] <= 2
    assert rig.controller.mode == "estopped"


def test_stale_joints_hold_the_arm_once(rig):
    rig.arm.clock_ns = lambda: 0
    holds = kinds(rig).count("hold")
    for _ in range(10):
        rig.ticks(1)
        with pytest.raises(ArmError, match="old"):
            rig.controller.state()
    assert kinds(rig).count("hold") == holds + 1
    assert rig.events["stale_joints"] == 1


def test_an_estopped_arm_that_falls_silent_is_held_when_it_is_back(rig):
    rig.controller.estop("test")
    rig.arm.broken = True
    with pytest.raises(ArmError):
        rig.controller.state()
    rig.arm.broken = False
    holds = kinds(rig).count("hold")
    rig.ticks(3)
    assert kinds(rig).count("hold") == holds + 1


@pytest.mark.parametrize("moved_by_hand", [False, True])
def test_an_object_is_squeezed_on_after_disable_and_enable_unless_the_gripper_was_moved(rig, moved_by_hand):
    """Every enable took the width of the object as the command, so that the grip lost its force."""
    command = rig.arm.command

    def squeeze(position, gripper):
        command(position, gripper)
        rig.arm.gripper = 0.4

    rig.arm.command = squeeze
    rig.submit()
    rig.ticks(30)
    rig.controller.disable()
    if moved_by_hand:
        rig.arm.gripper = 0.8
    rig.controller.enable()
    assert rig.controller.state().gripper_target == (0.8 if moved_by_hand else 0.0)
