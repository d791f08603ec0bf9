"""Emulated arms by their servo tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crl_robot.emulators.servo_bus.bus import ServoBus
from crl_robot.emulators.servo_bus.plant import SimplePlant, WorldPlant
from crl_robot.emulators.servo_bus.servo import ServoSpec
from crl_robot.errors import ConfigError
from crl_robot.kinematics import JOINT_NAMES
from crl_robot.sim.world import World
from crl_robot.widowx.servo_table import Servo, ServoTable


def servo_specs(table: ServoTable) -> list[ServoSpec]:
    """The servos of ``table`` as its arm leaves the factory, the gripper's joint last."""
    joints = [*table.joint_names, table.gripper.servo.name]
    return [_spec(servo, joints.index(table.joint_of(servo))) for servo in table.servos]


def simple_bus(table: ServoTable, start: ArrayLike, fall_rad_s: float = 0.0, **options: Any) -> ServoBus:
    """The arm of ``table`` with simple joints standing at ``start`` (N + 1,) rad, the gripper's crank last.

    ``options`` are those of `ServoBus`.
    """
    angles = np.asarray(start, dtype=np.float64)
    if angles.shape != (len(table.joint_names) + 1,):
        raise ConfigError(f"start has shape {angles.shape}, expected {len(table.joint_names) + 1} angles in rad")
    return ServoBus(servo_specs(table), SimplePlant(angles, fall_rad_s=fall_rad_s), **options)


def world_bus(table: ServoTable, world: World, steps: bool = True, **options: Any) -> ServoBus:
    """The arm of ``table`` moving the simulated world. Raises ConfigError for an arm that the world does not hold."""
    if table.joint_names != JOINT_NAMES:
        raise ConfigError(f"the world holds an arm with joints {JOINT_NAMES}, {table.name} has {table.joint_names}")
    linkage = table.gripper.linkage
    plant = WorldPlant(world, linkage.finger_from_angle, linkage.angle_from_finger, steps)
    return ServoBus(servo_specs(table), plant, **options)


def _spec(servo: Servo, joint: int) -> ServoSpec:
    registers = {
        "drive_mode": int(servo.reverse),
        "secondary_id": 255 if servo.shadows is None else servo.shadows,
        "min_position": servo.low,
        "max_position": servo.high,
    }
    return ServoSpec(servo.servo_id, servo.model, joint, servo.reverse, registers)
