"""What a URDF says of a joint: limits, and which joint it follows, from a compiled MuJoCo model."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from crl_robot.errors import ConfigError
from crl_robot.urdf_xml import Array, numbers

GRIPPER = "gripper"
_JOINT = mujoco.mjtJoint


@dataclass(frozen=True)
class Limits:
    """Range in rad or m (unless not ``ranged``), effort in Nm or N, velocity in rad/s or m/s."""

    low: float
    high: float
    effort: float
    velocity: float
    ranged: bool

    @property
    def span(self) -> float:
        return self.high - self.low

    def attributes(self) -> dict[str, str]:
        """Attributes of the element `limit`."""
        bounds = {"lower": numbers(self.low), "upper": numbers(self.high)} if self.ranged else {}
        return {**bounds, "effort": numbers(self.effort), "velocity": numbers(self.velocity)}


@dataclass(frozen=True)
class Mimic:
    """A joint that is ``multiplier`` times the joint named, plus ``offset``; ``driven`` is what an actuator moves."""

    joint: str
    multiplier: float
    offset: float
    driven: int

    def attributes(self) -> dict[str, str]:
        """Attributes of the element `mimic`."""
        return {"joint": self.joint, "multiplier": numbers(self.multiplier), "offset": numbers(self.offset)}


def require_one_joint(model: mujoco.MjModel, body: int) -> list[int]:
    """The joint of a body, if any. Raises ConfigError for more than one, and for one that is no hinge or slide."""
    first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
    kinds = [int(model.jnt_type[joint]) for joint in range(first, first + count)]
    if count > 1 or any(kind not in (_JOINT.mjJNT_HINGE, _JOINT.mjJNT_SLIDE) for kind in kinds):
        raise ConfigError(
            f"body {model.body(body).name!r} has {count} joints of types {kinds}, expected at most one hinge (3) or "
            "slide (2): give each joint a body of its own"
        )
    return [first] if count else []


def joint_limits(model: mujoco.MjModel, joint: int, required: bool) -> Limits:
    """The limits of a joint; ``required`` says that effort and speed must be known.

    The speed is the joint's first user value, the effort that of its actuator, or the range of forces of the joint.
    """
    name, (low, high) = model.joint(joint).name, model.jnt_range[joint].tolist()
    ranged = bool(model.jnt_limited[joint])
    if not ranged and model.jnt_type[joint] == _JOINT.mjJNT_SLIDE:
        raise ConfigError(f"slide {name!r} has no range, expected one: a URDF has no endless slide")
    effort = _effort(model, joint)
    velocity = float(model.jnt_user[joint, 0]) if model.nuser_jnt else 0.0
    if required and not (effort > 0 and velocity > 0):
        raise ConfigError(
            f"joint {name!r} has effort {effort:g} and greatest speed {velocity:g}, expected both above 0 for a URDF: "
            'give its actuator a forcerange and the joint user="SPEED" in rad/s or m/s'
        )
    return Limits(low, high, effort, velocity, ranged)


def mimics(model: mujoco.MjModel) -> dict[int, Mimic]:
    """Which joints follow another in a line: those of a gripper follow `GRIPPER`, others what they are tied to.

    Ties that are not lines are left out: a URDF cannot say them.
    """
    driven = _gripper_joint(model)
    found = {} if driven is None else {driven: _gripper_mimic(model, driven)}
    for tie in range(model.neq):
        joints = int(model.eq_obj1id[tie]), int(model.eq_obj2id[tie])
        if model.eq_type[tie] != mujoco.mjtEq.mjEQ_JOINT or not model.eq_active0[tie] or min(joints) < 0:
            continue
        follower, leader = joints
        constant, slope, *curved = model.eq_data[tie, :5].tolist()
        if any(curved):
            continue
        offset = constant + _reference(model, follower) - slope * _reference(model, leader)
        if leader == driven:
            source = found[leader]
            mimic = Mimic(GRIPPER, slope * source.multiplier, slope * source.offset + offset, source.driven)
        else:
            mimic = Mimic(model.joint(leader).name, slope, offset, leader)
        found[follower] = mimic
    return found


def _gripper_joint(model: mujoco.MjModel) -> int | None:
    """The joint that the actuator `GRIPPER` moves."""
    actuator = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_ACTUATOR, GRIPPER)
    taken = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, GRIPPER) >= 0
    if actuator < 0 or taken or model.actuator_trntype[actuator] != mujoco.mjtTrn.mjTRN_JOINT:
        return None
    return int(model.actuator_trnid[actuator, 0])


def _gripper_mimic(model: mujoco.MjModel, joint: int) -> Mimic:
    low, high = model.jnt_range[joint].tolist()
    return Mimic(GRIPPER, high - low, low, joint)


def _reference(model: mujoco.MjModel, joint: int) -> float:
    return float(model.qpos0[model.jnt_qposadr[joint]])


def _effort(model: mujoco.MjModel, joint: int) -> float:
    found: list[Array] = []
    for actuator in range(model.nu):
        moves = model.actuator_trntype[actuator] == mujoco.mjtTrn.mjTRN_JOINT
        if moves and model.actuator_trnid[actuator, 0] == joint and model.actuator_forcelimited[actuator]:
            found.append(model.actuator_forcerange[actuator] * model.actuator_gear[actuator, 0])
    if model.jnt_actfrclimited[joint]:
        found.append(model.jnt_actfrcrange[joint])
    return min((float(np.abs(force).max()) for force in found), default=0.0)
