"""Who may move the arm: one command source at a time, and only with the dead-man where it is required."""

from dataclasses import replace

import pytest
from controller_rig import LIMITS, START, Rig

from crl_robot.errors import ArmError, RefusedError


@pytest.fixture
def rig():
    return Rig().enabled()


@pytest.fixture
def guarded():
    """A rig that requires a dead-man."""
    return Rig(limits=replace(LIMITS, deadman_s=0.2)).enabled()


def test_another_source_is_refused_and_the_first_goes_on(rig):
    for _ in range(3):
        rig.submit(0.01, source="policy")
        rig.ticks(5)
        with pytest.raises(RefusedError, match="'policy' and not 'gamepad'"):
            rig.submit(-0.05, source="gamepad")
        rig.ticks(5)
    assert rig.arm.q[0] == pytest.approx(START[0] + 0.03, abs=1e-6)
    assert rig.events["second_source"] == 3
    assert rig.mode() == "moving"


def test_another_source_cannot_stop_the_first_with_a_stale_action(rig):
    rig.submit(0.01, source="policy")
    with pytest.raises(RefusedError, match="one command source"):
        rig.submit(0.01, age_s=9.0, source="gamepad")
    assert rig.mode() == "moving"


def test_another_source_may_take_over_once_the_first_is_silent(rig):
    rig.submit(0.01, source="policy")
    rig.ticks(22)
    assert rig.mode() == "holding"
    rig.submit(0.01, source="gamepad")
    with pytest.raises(RefusedError):
        rig.submit(0.01, source="policy")


def test_a_source_whose_actions_are_refused_does_not_keep_the_arm(rig):
    rig.submit(0.01, source="policy")
    for _ in range(3):
        rig.ticks(8)
        with pytest.raises(ArmError, match="old"):
            rig.submit(0.01, age_s=1.0, source="policy")
    rig.submit(0.01, source="gamepad")
    assert rig.mode() == "moving"


def test_nothing_moves_without_the_required_deadman(guarded):
    with pytest.raises(ArmError, match="dead-man"):
        guarded.submit(0.01)
    with pytest.raises(ArmError, match="dead-man"):
        guarded.home(0.31)
    guarded.ticks(5)
    assert "command" not in [kind for kind, _ in guarded.arm.log]


def test_the_arm_moves_while_the_deadman_is_pressed_and_holds_at_its_release(guarded):
    for _ in range(10):
        guarded.controller.deadman(True, guarded.now)
        guarded.submit(0.01)
        guarded.ticks(5)
    assert guarded.mode() == "moving"
    guarded.controller.deadman(False, guarded.now)
    assert guarded.mode() == "holding"
    assert guarded.holds()


def test_a_deadman_that_falls_silent_ends_a_move_home(guarded):
    guarded.controller.deadman(True, guarded.now)
    guarded.home(0.45)
    guarded.ticks(8)
    assert guarded.mode() == "moving"
    guarded.ticks(4)
    assert guarded.mode() == "holding"
    assert guarded.events["deadman"] == 1


def test_a_deadman_that_nobody_requires_changes_nothing(rig):
    rig.submit(0.01)
    rig.controller.deadman(False, rig.now)
    assert rig.mode() == "moving"
