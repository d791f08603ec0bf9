"""The limits as pure functions, and the table that lists them."""

from pathlib import Path

import numpy as np
import pytest

from crl_robot.control import leash, safety
from crl_robot.control.safety import SafetyLimits
from crl_robot.control.safety_table import SAFETY_TABLE, render_table, render_tests
from crl_robot.errors import ArmError, ConfigError, ContractError
from crl_robot.geometry import matrix_from_rpy, rotation_angle

LIMITS = SafetyLimits()
LOW, HIGH = np.array(LIMITS.workspace_low), np.array(LIMITS.workspace_high)


def test_the_document_holds_the_same_tables_as_the_code():
    document = (Path(__file__).parents[2] / "docs" / "safety.md").read_text()
    assert render_table() in document
    assert render_tests() in document


def test_every_row_of_the_table_has_its_own_name():
    events = [row.event for row in SAFETY_TABLE]
    assert len(set(events)) == len(events)


@pytest.mark.parametrize("row", SAFETY_TABLE, ids=lambda row: row.event)
def test_every_row_names_a_test_that_exists(row):
    file, name = row.test.split("::")
    assert f"def {name}(" in (Path(__file__).parents[1] / file).read_text()


@pytest.mark.parametrize("name", ["max_step_m", "leash_rad", "joint_speed", "inner_rate_hz"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_a_limit_that_is_not_above_zero_is_refused(name, value):
    with pytest.raises(ConfigError, match=name):
        SafetyLimits(**{name: value})


@pytest.mark.parametrize("name", ["deadman_s", "singularity", "table_z"])
def test_a_limit_that_may_be_off_may_be_zero_and_only_the_table_may_lie_below_the_base(name):
    assert getattr(SafetyLimits(**{name: 0.0}), name) == 0.0
    if name == "table_z":
        assert SafetyLimits(table_z=-0.2).table_z == -0.2
    else:
        with pytest.raises(ConfigError, match="at least 0"):
            SafetyLimits(**{name: -0.1})


def test_an_empty_workspace_is_refused():
    with pytest.raises(ConfigError, match="empty"):
        SafetyLimits(workspace_low=(0.5, 0.0, 0.0))


@pytest.mark.parametrize("values", [np.full(7, np.nan), np.array([0, 0, 0, 0, 0, 0, np.inf]), np.zeros(6)])
def test_values_that_are_not_seven_finite_numbers_are_refused(values):
    with pytest.raises(ContractError):
        safety.check_values(values)


def test_an_action_is_refused_when_its_observation_is_too_old_or_in_the_future():
    now = 10_000_000_000
    safety.check_fresh(now - 500_000_000, now, LIMITS)
    safety.check_fresh(now + 100_000_000, now, LIMITS)
    with pytest.raises(ArmError, match="old"):
        safety.check_fresh(now - 500_000_001, now, LIMITS)
    with pytest.raises(ArmError, match="ahead"):
        safety.check_fresh(now + 100_000_001, now, LIMITS)


def test_targets_stay_in_the_box_and_never_go_further_out_than_the_arm_already_is():
    rng = np.random.default_rng(0)
    for _ in range(500):
        base = rng.uniform(LOW - 0.1, HIGH + 0.1)
        target = base + rng.normal(0, 0.1, 3)
        clipped = safety.clip_to_workspace(base, target, LIMITS)
        assert (clipped >= np.minimum(LOW, base)).all()
        assert (clipped <= np.maximum(HIGH, base)).all()
        assert (np.abs(clipped - base) <= np.abs(target - base) + 1e-12).all()


def test_the_leash_holds_after_pulling_in_and_shortening():
    rng = np.random.default_rng(1)
    for _ in range(500):
        measured, base = rng.normal(0, 0.1, 3), rng.normal(0, 0.1, 3)
        delta = rng.uniform(-0.05, 0.05, 3)
        base = leash.pull_in(base, measured, LIMITS.leash_m)
        fraction = leash.leash_fraction(base, delta, measured, LIMITS.leash_m)
        assert np.linalg.norm(base + fraction * delta - measured) <= LIMITS.leash_m + 1e-9


def test_joints_are_pulled_in_to_the_leash_only_as_far_as_needed():
    def tool(q):
        return np.array([np.cos(q[0]), np.sin(q[0]), q[1]])

    measured, near, far = np.zeros(2), np.array([0.05, 0.0]), np.array([0.3, 0.4])
    assert leash.pull_in_joints(near, measured, tool, 0.08) is near
    pulled = leash.pull_in_joints(far, measured, tool, 0.08)
    assert np.linalg.norm(tool(pulled) - tool(measured)) == pytest.approx(0.08, abs=1e-4)
    assert pulled[0] / pulled[1] == pytest.approx(far[0] / far[1])


def test_the_rotation_leash_holds_after_pulling_in_and_shortening():
    rng = np.random.default_rng(2)
    for _ in range(200):
        measured, base = (matrix_from_rpy(rng.uniform(-1, 1, 3)) for _ in range(2))
        rpy = rng.uniform(-0.25, 0.25, 3)
        base = leash.pull_in_rotation(base, measured, LIMITS.leash_rad)
        fraction = leash.leash_fraction_rotation(base, rpy, measured, LIMITS.leash_rad)
        assert rotation_angle(matrix_from_rpy(fraction * rpy) @ base, measured) <= LIMITS.leash_rad + 1e-6


def test_the_gripper_moves_only_by_more_than_the_hysteresis_or_to_an_end():
    assert safety.gripper_target(0.5, 0.55, LIMITS) == 0.5
    assert safety.gripper_target(0.5, 0.7, LIMITS) == 0.7
    assert safety.gripper_target(0.95, 1.0, LIMITS) == 1.0
    assert safety.gripper_target(0.5, 7.0, LIMITS) == 1.0
    assert safety.gripper_target(0.5, -7.0, LIMITS) == 0.0


def test_a_joint_near_its_limit_may_only_move_away_from_it():
    joint_limits = np.array([[-1.0, 1.0]])
    safety.check_joints(np.array([0.985]), np.array([0.99]), joint_limits, LIMITS, ["waist"])
    with pytest.raises(ArmError, match="waist"):
        safety.check_joints(np.array([0.995]), np.array([0.99]), joint_limits, LIMITS, ["waist"])
    with pytest.raises(ArmError, match="waist"):
        safety.check_joints(np.array([0.985]), np.array([0.0]), joint_limits, LIMITS, ["waist"])


def test_a_joint_step_keeps_its_direction_when_it_is_shortened():
    step = safety.limit_joint_step(np.zeros(3), np.array([1.0, -0.5, 0.0]), 0.1)
    np.testing.assert_allclose(step, [0.1, -0.05, 0.0])


def test_dexterity_counts_the_largest_steps_of_position_and_rotation_alike():
    length = LIMITS.max_step_m / LIMITS.max_step_rad
    assert safety.dexterity(np.diag([length] * 3 + [1.0] * 3), LIMITS) == pytest.approx(1.0)
    assert safety.dexterity(np.diag([length] * 3 + [1.0, 0.5, 1.0]), LIMITS) == pytest.approx(0.5)


def test_a_step_towards_a_singular_pose_is_refused_and_a_step_out_of_it_is_not():
    safety.check_dexterity(0.03, 0.04, LIMITS)
    safety.check_dexterity(0.2, 0.06, LIMITS)
    with pytest.raises(ArmError, match="singular"):
        safety.check_dexterity(0.2, 0.04, LIMITS)
