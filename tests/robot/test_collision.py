"""Clearances of the arms' own models: what they refuse, what they let pass, and the way out of a bad pose."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from controller_rig import INNER_NS, FakeArm

from crl_robot.arm_model import ArmModel
from crl_robot.contracts import Action, ActionSpec, Pose
from crl_robot.control.collision import CollisionError, CollisionModel
from crl_robot.control.controller import ArmController
from crl_robot.control.safety import SafetyLimits, dexterity
from crl_robot.errors import ArmError, ContractError
from crl_robot.geometry import GRIPPER_DOWN, quat_from_matrix
from crl_robot.kinematics import HOME_Q, WX250S, Kinematics
from crl_robot.sawyer.model import NEUTRAL_Q, SAWYER
from crl_robot.sim.places import sample_tool

SLEEP_Q = np.array([0.0, -1.80, 1.55, 0.0, 0.8, 0.0])
LIMITS = SafetyLimits()


@pytest.fixture(scope="module")
def model():
    return CollisionModel(WX250S)


@pytest.fixture(scope="module")
def kinematics():
    return Kinematics()


def tool_down(kinematics, position, seed=HOME_Q):
    return kinematics.solve(Pose(np.array(position), quat_from_matrix(GRIPPER_DOWN)), seed)


def test_the_start_poses_are_clear(model):
    model.check(HOME_Q, 0.0)
    model.check(HOME_Q, 1.0)
    CollisionModel(SAWYER, table_z=-0.3).check(NEUTRAL_Q, 0.5)


def test_the_whole_workspace_box_is_clear_and_far_from_singular_poses_with_the_gripper_down(model, kinematics):
    rng = np.random.default_rng(0)
    for _ in range(60):
        q = tool_down(kinematics, sample_tool(rng))
        model.check(q, float(rng.random()))
        assert dexterity(kinematics.jacobian(q), LIMITS) > 2 * LIMITS.singularity


def test_the_lowest_tool_of_the_box_is_clear_of_the_table_and_a_lower_one_is_not(model, kinematics):
    model.check(tool_down(kinematics, [0.30, 0.0, LIMITS.workspace_low[2]]), 1.0)
    with pytest.raises(CollisionError, match=r"_finger_link would come within .* of table") as caught:
        model.check(tool_down(kinematics, [0.30, 0.0, 0.0115]), 0.0)
    assert (caught.value.event, caught.value.bodies[1]) == ("table_contact", "table")


def test_the_height_of_the_table_counts(kinematics):
    q = tool_down(kinematics, [0.30, 0.0, 0.05])
    CollisionModel(WX250S, table_z=0.03).check(q, 0.0)
    with pytest.raises(CollisionError, match="table"):
        CollisionModel(WX250S, table_z=0.045).check(q, 0.0)


def test_an_arm_that_touches_itself_is_told_with_both_bodies(model):
    q = np.array([0.0, -1.0, 1.6, 0.0, 2.1, 0.0])
    with pytest.raises(CollisionError, match="would come") as caught:
        model.check(q, 0.0)
    assert caught.value.event == "self_collision"
    assert set(caught.value.bodies) <= {
        "base_link",
        "shoulder_link",
        "upper_arm_link",
        "upper_forearm_link",
        "lower_forearm_link",
        "wrist_link",
        "gripper_link",
        "left_finger_link",
        "right_finger_link",
    }


def test_sawyer_does_not_reach_into_its_pedestal():
    sawyer = CollisionModel(SAWYER, table_z=-2.0)
    rng = np.random.default_rng(1)
    bodies = set()
    for q in rng.uniform(*Kinematics(SAWYER).joint_limits.T, (200, 7)):
        try:
            sawyer.check(q, 0.5)
        except CollisionError as error:
            bodies.add(error.bodies[1])
    assert "base" in bodies


def test_the_resting_arm_may_get_up_but_not_lie_down(model):
    model.check_way(SLEEP_Q, HOME_Q, 0.0, 0.0)
    with pytest.raises(CollisionError):
        model.check_way(HOME_Q, SLEEP_Q, 0.0, 0.0)


def test_a_pose_that_is_too_near_may_be_left_and_not_deepened(kinematics, model):
    low, lower, higher = (tool_down(kinematics, [0.30, 0.0, z]) for z in (0.0110, 0.0105, 0.0140))
    model.check(low, 0.0, (low, 0.0))
    model.check(higher, 0.0, (low, 0.0))
    with pytest.raises(CollisionError):
        model.check(lower, 0.0, (low, 0.0))


def test_a_collision_on_the_way_is_seen_when_both_ends_are_clear(model):
    start, end = np.array([0.21, -1.06, 1.1, -0.12, 1.42, 0.51]), np.array([0.55, -0.67, 0.74, 0.11, 2.14, 0.55])
    model.check(start, 0.0)
    model.check(end, 0.0)
    with pytest.raises(CollisionError, match="shoulder_link"):
        model.check_way(start, end, 0.0, 0.0)


def test_joints_that_are_not_finite_are_refused(model):
    with pytest.raises(ContractError, match="finite"):
        model.check(np.full(6, np.nan), 0.0)
    with pytest.raises(ContractError, match="6 finite"):
        model.check(np.zeros(5), 0.0)


def test_the_jacobian_is_the_derivative_of_the_tool(kinematics):
    rng = np.random.default_rng(2)
    q, step = HOME_Q + rng.uniform(-0.3, 0.3, 6), 1e-6
    jacobian = kinematics.jacobian(q)
    for index, unit in enumerate(np.eye(6)):
        ahead, behind = (kinematics.forward(q + sign * step * unit).position for sign in (1, -1))
        np.testing.assert_allclose(jacobian[:3, index], (ahead - behind) / (2 * step), atol=1e-6)


def test_the_stretched_arm_is_singular(kinematics):
    assert dexterity(kinematics.jacobian(np.zeros(6)), LIMITS) < 1e-6
    assert dexterity(kinematics.jacobian(HOME_Q), LIMITS) > 0.3


CELL = """
<mujoco>
  <worldbody>
    <geom type="plane" size="1 1 0.1" pos="0 0 -0.3"/>
    <geom type="box" size="0.01 0.5 0.2" pos="0.43 0 0.2"/>
    <body name="post"><geom size="0.03"/>
      <body name="upper" pos="0 0 0.1"><joint name="a" axis="0 1 0" range="-3 3"/><geom size="0.02"/>
        <body name="lower" pos="0.2 0 0"><joint name="b" axis="0 1 0" range="-3 3"/>
          <geom type="capsule" fromto="0 0 0 0.2 0 0" size="0.02"/><site name="tool" pos="0.2 0 0"/>
        </body>
      </body>
    </body>
    <body name="cup" pos="0.3 0 0.1"><freejoint/><geom size="0.02"/></body>
  </worldbody>
</mujoco>
"""


@pytest.mark.parametrize(
    ("q", "table_z", "other"), [((0.0, 1.57), -0.1, "table"), ((0.0, 0.0), -1.0, "world"), ((1.2, 0.6), -1.0, "world")]
)
def test_in_a_model_of_the_users_own_what_stands_still_counts_and_loose_things_do_not(tmp_path, q, table_z, other):
    """The arm turns into the table, a wall and the floor; the cup is where it passes."""
    file = tmp_path / "cell.xml"
    file.write_text(CELL)
    cell = CollisionModel(ArmModel(str(file), ("a", "b"), (0.0, 0.0)), table_z=table_z)
    cell.check((-0.5, 0.5), 0.0)
    cell.check((0.0, 0.3), 0.0)
    with pytest.raises(CollisionError, match=rf"lower would come .* {other}"):
        cell.check(q, 0.0)


def test_random_actions_never_bring_the_arm_too_near_to_anything(model, kinematics):
    """Steps and turns about the lowest part of a box that reaches below the table."""
    rng = np.random.default_rng(3)
    limits = replace(LIMITS, workspace_low=(0.1, -0.2, -0.05), workspace_high=(0.5, 0.2, 0.1))
    arm = FakeArm(q=HOME_Q)
    arm.clock_ns = lambda: tick * INNER_NS
    tick = 0
    controller = ArmController(arm, kinematics, ActionSpec(), limits, 0)
    controller.enable()
    for _ in range(150):
        now = tick * INNER_NS
        values = np.append(rng.normal(0, [0.05] * 3 + [0.15] * 3), 1.0)
        with suppress(ArmError):
            controller.submit(Action(values, now), now)
        for _ in range(10):
            controller.inner_tick(tick * INNER_NS)
            tick += 1
        model.check(arm.q, arm.gripper)
    assert controller.events["accepted"] > 20
    assert controller.events["table_contact"] > 0
