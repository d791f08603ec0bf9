"""Reaction times are read from the log of the arm."""

import numpy as np
import pytest

ASIDE = np.array([0.05, 0, 0, 0, 0, 0])


def test_the_last_change_of_the_goals_is_found(arm_log, start):
    for step in [0, 1, 2, 3, 3, 3]:
        arm_log.give(start + step * ASIDE)
    log = arm_log.log()
    assert log.last_change(100.0) == pytest.approx(100.06)
    assert log.last_change(100.0, before_s=100.05) == pytest.approx(100.04)
    assert log.last_change(100.07) == 100.07, "nothing changed after that"


def test_the_gripper_alone_is_no_change(arm_log, start):
    log = arm_log.give(start).give(start, gripper=2000).log()
    assert log.last_change(99.0) == 99.0


def test_the_last_motion_is_that_of_the_joints_not_of_the_goals(arm_log, start):
    for step in range(20):
        arm_log.give(start + ASIDE, present=start + min(step, 10) * ASIDE / 10)
    last = arm_log.log().last_motion(100.0)
    assert 100.20 <= last <= 100.25


def test_the_speed_of_the_tool_is_that_of_the_joints_before(arm_log, start):
    for step in range(20):
        arm_log.give(start + step * ASIDE / 10)
    radius, turn = 0.3, 0.005 / 0.02
    assert arm_log.log().tool_speed(100.3) == pytest.approx(radius * turn, rel=0.02)
