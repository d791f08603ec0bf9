"""Puts `WorldOptions` into a MuJoCo model and takes them out again: look, camera, servos and friction.

Delays are not here: they belong to the world that steps (`crl_robot.sim.latency`).
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from crl_robot.control.safety import SafetyLimits
from crl_robot.geometry import matrix_from_rpy
from crl_robot.sim.decor import decorate
from crl_robot.sim.world_options import WorldOptions

CAMERA = "over_shoulder"
_PIXELS = (320.0, 240.0)
_CHANGED = (
    "light_diffuse",
    "light_specular",
    "light_dir",
    "cam_pos",
    "cam_quat",
    "cam_fovy",
    "cam_sensorsize",
    "cam_intrinsic",
    "geom_rgba",
    "geom_friction",
    "pair_friction",
    "actuator_gainprm",
    "actuator_biasprm",
)


class WorldChanges:
    """One model and what it was like when it was new, so that options never add up."""

    def __init__(self, model: mujoco.MjModel, limits: SafetyLimits) -> None:
        self._model = model
        self._limits = limits
        self._new = {name: getattr(model, name).copy() for name in _CHANGED}
        self._headlight = [getattr(model.vis.headlight, name).copy() for name in ("ambient", "diffuse")]

    def apply(self, options: WorldOptions) -> None:
        """Make the model what ``options`` say, whatever it was before."""
        model = self._model
        for name, value in self._new.items():
            getattr(model, name)[:] = value
        model.vis.headlight.ambient[:], model.vis.headlight.diffuse[:] = self._headlight
        _light(model, options)
        _colours(model, options)
        _camera(model, options)
        _servos(model, options)
        model.geom_friction[:, 0] *= options.friction
        model.pair_friction[:, :2] *= options.friction
        decorate(model, options, self._limits)


def _light(model: mujoco.MjModel, options: WorldOptions) -> None:
    factor = options.light * np.array(options.light_rgb)
    model.light_diffuse[:] *= factor
    model.vis.headlight.ambient[:] *= factor
    model.vis.headlight.diffuse[:] *= factor
    if any(options.light_tilt_rad):
        model.light_dir[:] = model.light_dir @ matrix_from_rpy(np.array([*options.light_tilt_rad, 0.0])).T


def _colours(model: mujoco.MjModel, options: WorldOptions) -> None:
    for name, rgb in (("table", options.table_rgb), ("floor", options.backdrop_rgb)):
        if rgb is not None:
            model.geom_rgba[model.geom(name).id, :3] = rgb
    if not (options.object_hues or options.object_brightness):
        return
    for index, body in enumerate(object_bodies(model)):
        hue, brightness = _entry(options.object_hues, index, 0.0), _entry(options.object_brightness, index, 1.0)
        for geom in np.flatnonzero(model.body_rootid[model.geom_bodyid] == body):
            model.geom_rgba[geom, :3] = _recoloured(model.geom_rgba[geom, :3], hue, brightness)


def object_bodies(model: mujoco.MjModel) -> list[int]:
    """Ids of the bodies that stand on the table, in the order of the scene: all but the robot's."""
    robot = int(model.body_rootid[model.jnt_bodyid[0]])
    roots = np.flatnonzero(model.body_rootid == np.arange(model.nbody))
    return [int(body) for body in roots if body not in (0, robot)]


def _entry(values: Sequence[float], index: int, none: float) -> float:
    return values[min(index, len(values) - 1)] if values else none


def _recoloured(rgb: NDArray[np.float32], hue: float, brightness: float) -> NDArray[np.float64]:
    h, s, v = colorsys.rgb_to_hsv(*(float(c) for c in rgb))
    return np.array(colorsys.hsv_to_rgb((h + hue) % 1.0, s, min(1.0, v * brightness)))


def _camera(model: mujoco.MjModel, options: WorldOptions) -> None:
    camera = model.camera(CAMERA).id
    model.cam_pos[camera] += options.camera_offset
    model.cam_fovy[camera] += options.camera_fovy_deg
    if any(options.camera_turn_rad):
        turned, turn = np.empty(4), np.empty(4)
        angle = float(np.linalg.norm(options.camera_turn_rad))
        mujoco.mju_axisAngle2Quat(turn, np.array(options.camera_turn_rad) / angle, angle)
        mujoco.mju_mulQuat(turned, model.cam_quat[camera], turn)
        model.cam_quat[camera] = turned
    if any(options.camera_centre_px):
        focal = 0.5 * _PIXELS[1] / np.tan(0.5 * np.radians(model.cam_fovy[camera]))
        model.cam_sensorsize[camera] = _PIXELS
        right, down = options.camera_centre_px
        model.cam_intrinsic[camera] = [focal, focal, -right, -down]


def _servos(model: mujoco.MjModel, options: WorldOptions) -> None:
    gripper = np.arange(model.nu) == model.actuator("gripper").id
    stiffness = np.where(gripper, options.gripper_gain, options.servo_gain)
    model.actuator_gainprm[:, 0] *= stiffness
    model.actuator_biasprm[:, 1] *= stiffness
    model.actuator_biasprm[:, 2] *= np.where(gripper, 1.0, options.servo_damping)
