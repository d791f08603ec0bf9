"""The description of an arm, read back by MuJoCo's own URDF loader and compared with the model it was made from."""

import re
from collections import Counter

import mujoco
import numpy as np
import pytest
from urdf_rig import joints, loaded, original, posed, require_same_place, tree

from crl_robot.kinematics import WX250S, Kinematics
from crl_robot.sawyer.model import JOINT_LIMITS, JOINT_SPEEDS, SAWYER
from crl_robot.widowx.servo_table import load_servo_table

ARMS = {"wx250s": WX250S, "sawyer": SAWYER}


@pytest.fixture(params=ARMS)
def arm(request):
    return ARMS[request.param]


def values_at(model, arm, rng):
    """Random joints and opening, by the names of the URDF and of the model."""
    given = {name: rng.uniform(*model.joint(name).range) for name in arm.joint_names}
    opening = rng.uniform()
    low, high = model.joint("left_finger").range
    return given | {"gripper": opening}, given | {"left_finger": low + opening * (high - low)}


def test_forward_kinematics_of_the_urdf_equal_those_of_the_model_at_a_thousand_random_joints(arm):
    urdf, model, rng = loaded(arm), original(arm), np.random.default_rng(0)
    names = [model.body(index).name for index in range(1, model.nbody)]
    links = [urdf.body("base_link_inertia" if name == "base_link" else name).id for name in names]
    for _ in range(1000):
        described, modelled = values_at(model, arm, rng)
        ours, theirs = posed(urdf, described), posed(model, modelled)
        np.testing.assert_allclose(ours.xpos[links], theirs.xpos[1:], atol=1e-6)
        np.testing.assert_allclose(ours.xmat[links], theirs.xmat[1:], atol=1e-6)
        require_same_place(ours.body(arm.tool), theirs.site(arm.tool))


def test_the_root_is_the_frame_in_which_our_kinematics_give_the_tool(arm):
    ours = posed(loaded(arm), dict(zip(arm.joint_names, arm.home, strict=True)))
    np.testing.assert_allclose(ours.body("base_link").xpos, 0)
    np.testing.assert_allclose(ours.body("tool").xpos, Kinematics(arm).forward(arm.home).position, atol=1e-6)


def test_masses_and_inertias_are_those_of_the_model(arm):
    urdf, model, rng = loaded(arm), original(arm), np.random.default_rng(1)
    urdf.dof_armature[:] = model.dof_armature[:] = 0
    described, modelled = values_at(model, arm, rng)
    matrices = []
    for of, values in ((urdf, described), (model, modelled)):
        data = posed(of, values)
        mujoco.mj_comPos(of, data)
        mujoco.mj_crb(of, data)
        full = np.zeros((of.nv, of.nv))
        mujoco.mj_fullM(of, data, full)
        rows = [of.joint(name).dofadr[0] for name in (*arm.joint_names, "left_finger", "right_finger")]
        matrices.append(full[np.ix_(rows, rows)])
    np.testing.assert_allclose(matrices[0], matrices[1], atol=2e-6)


def test_limits_of_the_widowx_are_those_of_its_servo_table():
    table, described = load_servo_table("wx250s"), joints(WX250S)
    efforts = [float(described[name].find("limit").get("effort")) for name in WX250S.joint_names]
    assert efforts == [10, 20, 15, 2, 5, 1]
    for name, (low, high) in zip(WX250S.joint_names, table.joint_limits, strict=True):
        limit = described[name].find("limit")
        assert float(limit.get("velocity")) == pytest.approx(np.pi)
        np.testing.assert_allclose([float(limit.get("lower")), float(limit.get("upper"))], [low, high], atol=2e-3)


def test_limits_of_sawyer_are_the_published_ones():
    described = joints(SAWYER)
    for name, bounds, speed in zip(SAWYER.joint_names, JOINT_LIMITS, JOINT_SPEEDS, strict=True):
        limit = described[name].find("limit")
        assert [float(limit.get("lower")), float(limit.get("upper"))] == bounds.tolist()
        assert float(limit.get("velocity")) == speed


def test_there_is_one_root_without_mass_and_every_other_link_hangs_on_one_joint(arm):
    robot = tree(arm)
    links = [link.get("name") for link in robot.iter("link")]
    children = Counter(child.get("link") for child in robot.iter("child"))
    assert set(links) - set(children) == {"base_link"}
    assert set(children.values()) == {1}
    root = next(link for link in robot.iter("link") if link.get("name") == "base_link")
    assert root.find("inertial") is None


def test_names_are_unique_and_plain_and_what_is_named_is_there(arm):
    robot = tree(arm)
    for kind in ("link", "joint"):
        names = [element.get("name") for element in robot.findall(kind)]
        assert len(names) == len(set(names))
        assert all(re.fullmatch(r"[a-z]\w*", name) for name in names)
    moving = {joint.get("name") for joint in robot.findall("joint") if joint.get("type") != "fixed"}
    assert {mimic.get("joint") for mimic in robot.iter("mimic")} <= moving
    named = {material.get("name") for material in robot.iter("material")}
    assert named == {material.get("name") for material in robot.findall("material")}


def test_the_joints_that_an_arm_node_publishes_move_all_the_others(arm):
    described = joints(arm)
    free = {n for n, joint in described.items() if joint.get("type") != "fixed" and joint.find("mimic") is None}
    assert free == {*arm.joint_names, "gripper"}


def test_an_open_gripper_is_at_the_end_of_the_fingers_range():
    data = posed(loaded(WX250S), {"gripper": 1.0})
    left, right = data.body("left_finger_link").xpos, data.body("right_finger_link").xpos
    assert np.linalg.norm(left - right) == pytest.approx(2 * 0.037)
