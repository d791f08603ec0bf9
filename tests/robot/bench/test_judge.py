"""The judge finds what must not be, and is quiet about what may be."""

import numpy as np
import pytest

from crl_robot.bench.judge import DEFAULT_BOX, Published, judge_goals, judge_published

ASIDE = np.array([0.05, 0, 0, 0, 0, 0])


def kinds(log, box=DEFAULT_BOX):
    return {finding.kind for finding in judge_goals(log, box)}


def test_an_arm_that_is_driven_within_its_bounds_is_sound(arm_log, start):
    for step in range(10):
        arm_log.give(start + step * ASIDE, present=start + max(0, step - 1) * ASIDE)
    assert kinds(arm_log.log()) == set()


def test_an_empty_log_is_sound(arm_log, start):
    assert kinds(arm_log.give(start).log().since(1e9)) == set()


@pytest.mark.parametrize(("joint", "angle"), [(1, 2.1), (1, -2.0), (2, -2.3), (4, 2.3), (4, -1.9)])
def test_a_goal_beyond_a_joint_limit_is_found(arm_log, start, joint, angle):
    wrong = start.copy()
    wrong[joint] = angle
    assert "limit" in kinds(arm_log.give(start).give(wrong).log(), box=None)


@pytest.mark.parametrize("gripper", [1700, 2950])
def test_a_gripper_beyond_its_linkage_is_found(arm_log, start, gripper):
    assert kinds(arm_log.give(start).give(start, gripper=gripper).log()) == {"limit"}


def test_a_jump_of_a_joint_is_found(arm_log, start):
    log = arm_log.give(start).give(start + 4 * ASIDE, present=start).log()
    assert kinds(log) == {"jump"}


def test_a_goal_where_the_arm_stands_is_a_hold_and_no_jump(arm_log, start):
    log = arm_log.give(start + 4 * ASIDE, present=start + ASIDE).give(start + ASIDE).log()
    assert kinds(log) == set()


def test_torque_that_comes_on_far_from_the_goal_is_a_jump(arm_log, start):
    log = arm_log.give(start + ASIDE, present=start, torque=False).give(start + ASIDE, present=start).log()
    assert kinds(log) == {"jump"}


def test_the_goal_of_a_servo_without_torque_is_no_jump(arm_log, start):
    off = [False] * 9
    log = arm_log.give(start, torque=off).give(start + 4 * ASIDE, present=start, torque=off).log()
    assert kinds(log) == set()


def test_a_goal_that_brings_the_tool_out_of_the_box_is_found(arm_log, start):
    lower = start + np.array([0, 0.03, 0, 0, 0, 0])
    for step in range(20):
        arm_log.give(start + step * (lower - start), present=start + max(0, step - 2) * (lower - start))
    assert "box" in kinds(arm_log.log())
    assert "box" not in kinds(arm_log.log(), box=None)


def test_an_arm_outside_the_box_may_stand_there_and_come_in(arm_log, start):
    outside = start + np.array([0, 0.6, 0, 0, 0, 0])
    log = arm_log.give(outside).give(outside + 0.5 * (start - outside) / 30, present=outside).log()
    assert kinds(log) == set()


def test_a_goal_far_ahead_of_the_arm_is_found(arm_log, start):
    for step in range(8):
        arm_log.give(start + step * ASIDE, present=start)
    assert kinds(arm_log.log()) == {"lead"}


FINGER = 0.014 * np.sin(0.3) + np.sqrt(0.024**2 - (0.014 * np.cos(0.3)) ** 2)
OPENING = (FINGER - 0.015) / 0.022
"""Of the crank in the logs."""


def test_a_servo_without_torque_leads_nowhere_until_it_gets_it(arm_log, start):
    far, off = start + 10 * ASIDE, [False] + [True] * 8
    assert kinds(arm_log.give(start).give(far, present=start, torque=off).log()) == set()
    assert kinds(arm_log.give(far, present=start).log()) == {"jump", "lead"}


def test_joints_that_the_arm_had_are_believed(arm_log, start):
    log = arm_log.give(start).give(start + ASIDE).log()
    said = Published(tuple(start + ASIDE + 5e-4), OPENING, 100.01, 100.05)
    assert judge_published(log, [said]) == []


@pytest.mark.parametrize(
    "wrong", [np.full(6, -np.pi), np.array([0.01, 0, 0, 0, 0, 0]), np.array([0, 0, 0, 0, 0, -0.01])]
)
def test_joints_that_the_arm_never_had_are_found(arm_log, start, wrong):
    log = arm_log.give(start).give(start + ASIDE).log()
    said = Published(tuple(start + np.array(wrong)), OPENING, 99.95, 100.05)
    assert [finding.kind for finding in judge_published(log, [said])] == ["invented"]


def test_joints_of_two_moments_mixed_are_found(arm_log, start):
    both = np.array([0.05, 0.05, 0, 0, 0, 0])
    log = arm_log.give(start).give(start + both).log()
    mixed = start + ASIDE
    said = Published(tuple(mixed), OPENING, 99.95, 100.05)
    assert [finding.kind for finding in judge_published(log, [said])] == ["invented"]


def test_joints_of_another_time_are_found(arm_log, start):
    for step in range(100):
        arm_log.give(start + step * ASIDE / 10)
    log = arm_log.log()
    old = Published(tuple(start), OPENING, 101.0, 101.1)
    assert [finding.kind for finding in judge_published(log, [old])] == ["invented"]


def test_a_wrong_gripper_is_found(arm_log, start):
    log = arm_log.give(start).log()
    said = Published(tuple(start), OPENING + 0.02, 99.95, 100.05)
    assert [finding.kind for finding in judge_published(log, [said])] == ["invented"]
