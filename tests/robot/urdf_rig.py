"""A URDF beside the model it was made from, both in MuJoCo."""

from xml.etree import ElementTree

import mujoco
import numpy as np

from crl_robot.kinematics import ASSETS
from crl_robot.urdf import urdf_from_model


def tree(arm):
    return ElementTree.fromstring(urdf_from_model(arm))


def joints(arm):
    return {joint.get("name"): joint for joint in tree(arm).iter("joint")}


def loaded(arm):
    """The URDF in MuJoCo, every link kept."""
    spec = mujoco.MjSpec.from_string(urdf_from_model(arm))
    spec.compiler.fusestatic = False
    return spec.compile()


def original(arm):
    return mujoco.MjModel.from_xml_path(str(ASSETS / arm.file))


def posed(model, values):
    """Data after forward kinematics with joint values by name; those that follow are worked out."""
    data = mujoco.MjData(model)
    for name, value in values.items():
        data.qpos[model.joint(name).qposadr[0]] = value
    for tie in range(model.neq):
        follower, leader = model.joint(model.eq_obj1id[tie]), model.joint(model.eq_obj2id[tie])
        constant, slope = model.eq_data[tie, :2]
        lead = data.qpos[leader.qposadr[0]] - model.qpos0[leader.qposadr[0]]
        data.qpos[follower.qposadr[0]] = model.qpos0[follower.qposadr[0]] + constant + slope * lead
    mujoco.mj_kinematics(model, data)
    return data


def require_same_place(ours, theirs, tolerance=1e-6):
    np.testing.assert_allclose(ours.xpos, theirs.xpos, atol=tolerance)
    np.testing.assert_allclose(ours.xmat, theirs.xmat, atol=tolerance)
