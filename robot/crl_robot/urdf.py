"""The URDF of an arm, made from the MuJoCo model that its kinematics use: for robot_state_publisher, RViz and MoveIt.

Its root `base_link` is the frame of all our poses; it has no mass, which robot_state_publisher asks for. The joint
`gripper` stands for the opening, 0 closed to 1 open, as joint_states carries it: the fingers follow it by `mimic`, so
that what an arm node publishes moves every joint.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import mujoco
import numpy as np

from crl_robot.arm_model import ArmModel
from crl_robot.errors import ConfigError
from crl_robot.geometry import matrix_from_quat
from crl_robot.kinematics import ASSETS
from crl_robot.urdf_joints import GRIPPER, Limits, Mimic, joint_limits, mimics, require_one_joint
from crl_robot.urdf_xml import (
    Array,
    add_colours,
    add_geoms,
    add_inertia,
    add_inertial,
    add_origin,
    numbers,
    relative,
    transform,
)

ROOT = "base_link"
_DUST_KG, _DUST_KG_M2 = 1e-6, 1e-9
"""Simulators refuse a moving link without mass."""


def urdf_from_model(arm: ArmModel) -> str:
    """The URDF of the body tree that carries the arm's joints, with the frame of its tool.

    Raises ConfigError when the model says no greatest speed or effort of a joint, or has what a URDF cannot say.
    """
    model = mujoco.MjModel.from_xml_path(str(ASSETS / arm.file))
    return _Tree(model, arm).xml()


@dataclass(frozen=True)
class _Link:
    """A body's link: its name, where it is at zero joints, and where the body is in it, (4, 4) each."""

    name: str
    T_world_link: Array
    T_link_body: Array


class _Tree:
    """The bodies of one arm and the elements made of them."""

    def __init__(self, model: mujoco.MjModel, arm: ArmModel) -> None:
        self._model, self._arm = model, arm
        top = model.body_rootid[model.jnt_bodyid[model.joint(arm.joint_names[0]).id]]
        self._bodies = [body for body in range(1, model.nbody) if model.body_rootid[body] == top]
        self._geoms = [geom for geom in range(model.ngeom) if model.geom_bodyid[geom] in self._bodies]
        self._links = self._placed()
        self._mimics = mimics(model)
        self._robot = Element("robot", name=arm.file.replace("\\", "/").rsplit("/", 1)[-1].split(".")[0])

    def xml(self) -> str:
        """The whole description."""
        add_colours(self._robot, self._model, self._geoms)
        SubElement(self._robot, "link", name=ROOT)
        for body in self._bodies:
            self._add_body(body)
        self._add_gripper()
        self._add_tool()
        indent(self._robot)
        return f'<?xml version="1.0"?>\n{tostring(self._robot, encoding="unicode")}\n'

    def _placed(self) -> dict[int, _Link]:
        """The links of the bodies; where a joint turns about another point than the body's origin, the link is there.

        All is measured at zero joints, because a URDF knows no other reference.
        """
        model, data = self._model, mujoco.MjData(self._model)
        for body in self._bodies:
            for joint in require_one_joint(model, body):
                data.qpos[model.jnt_qposadr[joint]] = 0.0
        mujoco.mj_kinematics(model, data)
        return {body: self._link(body, data) for body in self._bodies}

    def _link(self, body: int, data: mujoco.MjData) -> _Link:
        origin = data.xpos[body]
        for joint in require_one_joint(self._model, body):
            if self._model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE:
                origin = data.xanchor[joint]
        T_world_link = transform(origin, data.xmat[body])
        T_world_body = transform(data.xpos[body], data.xmat[body])
        name = self._model.body(body).name or f"body_{body}"
        return _Link(f"{ROOT}_inertia" if name == ROOT else name, T_world_link, relative(T_world_link, T_world_body))

    def _parent(self, body: int) -> _Link:
        root = _Link(ROOT, np.eye(4), np.eye(4))
        return self._links.get(int(self._model.body_parentid[body]), root)

    def _add_body(self, body: int) -> None:
        link = self._links[body]
        element = SubElement(self._robot, "link", name=link.name)
        add_inertial(element, self._model, body, link.T_link_body)
        geoms = [geom for geom in self._geoms if self._model.geom_bodyid[geom] == body]
        add_geoms(element, self._model, geoms, link.T_link_body)
        parent = self._parent(body)
        place = relative(parent.T_world_link, link.T_world_link)
        joints = require_one_joint(self._model, body)
        if not joints:
            self._add_joint(f"{link.name}_fixed", "fixed", parent.name, link.name, place)
        for joint in joints:
            self._add_moving(joint, parent.name, link.name, place)

    def _add_moving(self, joint: int, parent: str, child: str, place: Array) -> None:
        model = self._model
        limits = joint_limits(model, joint, required=joint < len(self._arm.joint_names))
        turning = "revolute" if limits.ranged else "continuous"
        kind = turning if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE else "prismatic"
        name = model.joint(joint).name or f"{child}_joint"
        element = self._add_joint(name, kind, parent, child, place, limits, self._mimics.get(joint))
        SubElement(element, "axis", xyz=numbers(model.jnt_axis[joint]))

    def _add_joint(
        self,
        name: str,
        kind: str,
        parent: str,
        child: str,
        place: Array,
        limits: Limits | None = None,
        mimic: Mimic | None = None,
    ) -> Element:
        element = SubElement(self._robot, "joint", name=name, type=kind)
        SubElement(element, "parent", link=parent)
        SubElement(element, "child", link=child)
        add_origin(element, place)
        if limits is not None:
            SubElement(element, "limit", limits.attributes())
        if mimic is not None:
            SubElement(element, "mimic", mimic.attributes())
        return element

    def _add_gripper(self) -> None:
        """The opening as a joint of its own, where the model has an actuator of that name."""
        source = next((m for m in self._mimics.values() if m.joint == GRIPPER), None)
        if source is None:
            return
        link = self._parent(int(self._model.jnt_bodyid[source.driven]))
        child = f"{GRIPPER}_opening"
        element = SubElement(self._robot, "link", name=child)
        add_inertia(element, _DUST_KG, [_DUST_KG_M2] * 3, np.eye(4))
        driven = joint_limits(self._model, source.driven, required=True)
        limits = Limits(0.0, 1.0, driven.effort * driven.span, driven.velocity / driven.span, True)
        joint = self._add_joint(GRIPPER, "revolute", link.name, child, np.eye(4), limits)
        SubElement(joint, "axis", xyz="1 0 0")

    def _add_tool(self) -> None:
        tool = self._arm.tool
        site = self._model.site(tool)
        body = int(site.bodyid[0])
        if body not in self._links:
            raise ConfigError(f"site {tool!r} of {self._arm.file} is not on the arm, expected one on its last body")
        link = self._links[body]
        place = link.T_link_body @ transform(site.pos, matrix_from_quat(site.quat))
        taken = any(other.name == tool for other in self._links.values())
        child = f"{tool}_frame" if taken else tool
        SubElement(self._robot, "link", name=child)
        self._add_joint(f"{child}_fixed", "fixed", link.name, child, place)
