"""The elements of a URDF: places, inertias, shapes and colours, from the arrays of a compiled MuJoCo model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element, SubElement

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_robot.errors import ConfigError
from crl_robot.geometry import matrix_from_quat

Array = NDArray[np.float64]
_Geom = mujoco.mjtGeom
_SHOWN_GROUPS = 3
"""MuJoCo's viewers show geoms of the groups 0 to 2."""


def numbers(values: ArrayLike) -> str:
    """Values as the words of an attribute, exact to a picometre and never '-0'."""
    return " ".join(f"{value:.12g}" for value in np.round(np.atleast_1d(values), 12) + 0.0)


def transform(position: ArrayLike, rotation: ArrayLike | None = None) -> Array:
    """(4, 4) rigid transform of a position (3,) and a rotation (3, 3) or nine numbers."""
    matrix = np.eye(4)
    matrix[:3, 3] = position
    if rotation is not None:
        matrix[:3, :3] = np.asarray(rotation).reshape(3, 3)
    return matrix


def relative(parent: Array, child: Array) -> Array:
    """(4, 4) of ``child`` in ``parent``, both (4, 4) in the world."""
    return np.asarray(np.linalg.solve(parent, child), dtype=np.float64)


def add_origin(element: Element, matrix: Array) -> None:
    """Place ``element`` at (4, 4) ``matrix`` in the frame of its parent."""
    SubElement(element, "origin", xyz=numbers(matrix[:3, 3]), rpy=numbers(_rpy(matrix[:3, :3])))


def add_inertial(link: Element, model: mujoco.MjModel, body: int, T_link_body: Array) -> None:
    """Mass and inertia of a body about its principal axes; nothing for a body without mass."""
    mass, moments = float(model.body_mass[body]), model.body_inertia[body]
    if mass <= 0:
        return
    principal = transform(model.body_ipos[body], matrix_from_quat(model.body_iquat[body]))
    add_inertia(link, mass, moments, T_link_body @ principal)


def add_inertia(link: Element, mass: float, moments: ArrayLike, matrix: Array) -> None:
    """Mass in kg and principal moments (3,) in kg m2 about the axes of ``matrix`` (4, 4)."""
    inertial = SubElement(link, "inertial")
    add_origin(inertial, matrix)
    SubElement(inertial, "mass", value=f"{mass:.12g}")
    ixx, iyy, izz = (f"{moment:.12g}" for moment in np.asarray(moments))
    SubElement(inertial, "inertia", ixx=ixx, iyy=iyy, izz=izz, ixy="0", ixz="0", iyz="0")


def add_geoms(link: Element, model: mujoco.MjModel, geoms: Iterable[int], T_link_body: Array) -> None:
    """What is shown becomes a visual, what can be touched becomes a collision; many geoms are both."""
    for geom in geoms:
        shapes = _shapes(model, geom)
        if model.geom_group[geom] < _SHOWN_GROUPS:
            for matrix, tag, attributes in shapes:
                visual = _add_shape(link, "visual", T_link_body @ matrix, tag, attributes)
                SubElement(visual, "material", name=colour_name(model.geom_rgba[geom]))
        if model.geom_contype[geom] or model.geom_conaffinity[geom]:
            for matrix, tag, attributes in shapes:
                _add_shape(link, "collision", T_link_body @ matrix, tag, attributes)


def add_colours(robot: Element, model: mujoco.MjModel, geoms: Iterable[int]) -> None:
    """The materials that the visuals name."""
    for rgba in dict.fromkeys(tuple(model.geom_rgba[geom].tolist()) for geom in geoms):
        material = SubElement(robot, "material", name=colour_name(np.array(rgba)))
        SubElement(material, "color", rgba=numbers(np.round(rgba, 4)))


def colour_name(rgba: Array) -> str:
    """A name for a colour (4,), 0 to 1 each: 'rgba_ff8000ff'."""
    return "rgba_" + "".join(f"{round(255 * float(part)):02x}" for part in rgba)


def _add_shape(link: Element, kind: str, matrix: Array, tag: str, attributes: Mapping[str, str]) -> Element:
    element = SubElement(link, kind)
    add_origin(element, matrix)
    SubElement(SubElement(element, "geometry"), tag, dict(attributes))
    return element


def _shapes(model: mujoco.MjModel, geom: int) -> list[tuple[Array, str, dict[str, str]]]:
    """Place in the body (4, 4), tag and attributes of what a geom is made of.

    URDF has no capsule: it becomes a cylinder and two spheres. Meshes and ellipsoids become the box around them.
    """
    kind, size = int(model.geom_type[geom]), model.geom_size[geom]
    place = transform(model.geom_pos[geom], matrix_from_quat(model.geom_quat[geom]))
    if kind in (_Geom.mjGEOM_PLANE, _Geom.mjGEOM_HFIELD):
        raise ConfigError(f"geom {model.geom(geom).name!r} is a plane or a height field, which an arm has not")
    if kind == _Geom.mjGEOM_SPHERE:
        return [(place, "sphere", {"radius": numbers(size[0])})]
    if kind in (_Geom.mjGEOM_CYLINDER, _Geom.mjGEOM_CAPSULE):
        tube = (place, "cylinder", {"radius": numbers(size[0]), "length": numbers(2 * size[1])})
        return [tube] if kind == _Geom.mjGEOM_CYLINDER else [tube, *_caps(place, size)]
    centre, half = model.geom_aabb[geom, :3], model.geom_aabb[geom, 3:]
    return [(place @ transform(centre), "box", {"size": numbers(2 * half)})]


def _caps(place: Array, size: Array) -> list[tuple[Array, str, dict[str, str]]]:
    ends = (place @ transform([0, 0, side * size[1]]) for side in (-1, 1))
    return [(end, "sphere", {"radius": numbers(size[0])}) for end in ends]


def _rpy(rotation: Array) -> Array:
    """Roll, pitch, yaw in rad, also where the pitch is a right angle: all of the turn is then in yaw."""
    level = np.hypot(rotation[0, 0], rotation[1, 0])
    pitch = np.arctan2(-rotation[2, 0], level)
    if level < 1e-7:
        return np.array([0.0, pitch, np.arctan2(-rotation[0, 1], rotation[1, 1])])
    return np.array([np.arctan2(rotation[2, 1], rotation[2, 2]), pitch, np.arctan2(rotation[1, 0], rotation[0, 0])])
