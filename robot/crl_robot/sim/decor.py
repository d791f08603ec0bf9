"""A table cover and distractors: things that are only seen; `decorated_model` makes a model that can show them.

Neither has mass or contacts, so the physics of a decorated world is that of the plain one, to the last bit.
"""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ContractError
from crl_robot.sim.patterns import SIZE, pattern
from crl_robot.sim.world_options import MAX_DISTRACTORS, WorldOptions

COVER = "cover"
_DISTRACTOR = "distractor_{}"
_SHAPES = (
    mujoco.mjtGeom.mjGEOM_BOX,
    mujoco.mjtGeom.mjGEOM_CYLINDER,
    mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    mujoco.mjtGeom.mjGEOM_CAPSULE,
)
_SIZE_M = (0.012, 0.035)
_MARGIN_M = 0.06
_DRAWS = 1000


def plain_model(path: Path) -> mujoco.MjModel:
    """The model as it is written."""
    return mujoco.MjModel.from_xml_path(str(path))


def decorated_model(path: Path) -> mujoco.MjModel:
    """The model with a material on the table and hidden distractors, which look like nothing until they are changed."""
    spec = mujoco.MjSpec.from_file(str(path))
    cover = spec.add_texture(name=COVER, type=mujoco.mjtTexture.mjTEXTURE_2D, width=SIZE, height=SIZE)
    cover.builtin = mujoco.mjtBuiltin.mjBUILTIN_FLAT
    cover.rgb1, cover.nchannel = [1, 1, 1], 3
    material = spec.add_material(name=COVER)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = COVER
    spec.geom("table").material = COVER
    for index in range(MAX_DISTRACTORS):
        spec.worldbody.add_geom(
            name=_DISTRACTOR.format(index),
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[0.02, 0.02, 0.02],
            pos=[0.01, 0.02, -1.0],  # one at the origin is compiled to stay there
            quat=[0.8, 0, 0, 0.6],
            contype=0,
            conaffinity=0,
            mass=0,
            rgba=[1, 1, 1, 0],
        )
    model = spec.compile()
    model.geom("table").matid[0] = -1
    return model


def is_decorated(model: mujoco.MjModel) -> bool:
    """Whether a model can show a pattern and distractors."""
    return any(model.material(index).name == COVER for index in range(model.nmat))


def decorate(model: mujoco.MjModel, options: WorldOptions, limits: SafetyLimits) -> None:
    """Put the pattern and the distractors of ``options`` into a decorated model; renderers upload the texture anew.

    Raises:
        ContractError: the options ask for either and the model is a plain one.
    """
    if not is_decorated(model):
        if options.decorated:
            raise ContractError(
                "this world was made without a table cover and distractors; make it with decorated=True"
            )
        return
    covered = options.texture != "plain"
    model.geom("table").matid[0] = model.material(COVER).id if covered else -1
    if covered:
        texture = model.texture(COVER)
        drawn = pattern(options.texture, options.texture_contrast, options.texture_seed)
        start = int(texture.adr[0])
        model.tex_data[start : start + drawn.size] = drawn.ravel()
    _place_distractors(model, options, limits)


def _place_distractors(model: mujoco.MjModel, options: WorldOptions, limits: SafetyLimits) -> None:
    rng = np.random.default_rng(options.distractor_seed)
    for index in range(MAX_DISTRACTORS):
        geom = model.geom(_DISTRACTOR.format(index))
        model.geom_rgba[geom.id] = [*rng.uniform(0.05, 0.95, 3), float(index < options.distractors)]
        size = rng.uniform(*_SIZE_M, 3)
        xy, angle = _spot(rng, model, limits), rng.uniform(-np.pi, np.pi)
        kind = _SHAPES[rng.integers(len(_SHAPES))]
        upright = size[1] + size[0] if kind == mujoco.mjtGeom.mjGEOM_CAPSULE else size[1]
        height = size[2] if kind in (mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_ELLIPSOID) else upright
        model.geom_type[geom.id], model.geom_size[geom.id] = kind, size
        model.geom_pos[geom.id] = [*xy, _table_height(model) + height]
        model.geom_quat[geom.id] = [np.cos(angle / 2), 0, 0, np.sin(angle / 2)]


def _spot(rng: np.random.Generator, model: mujoco.MjModel, limits: SafetyLimits) -> NDArray[np.float64]:
    """A place (2,) m on the table, in front of the arm's base and clear of the workspace."""
    table = model.geom("table").id
    middle, half = model.geom_pos[table, :2], model.geom_size[table, :2] - _MARGIN_M
    low, high = np.array(limits.workspace_low[:2]) - _MARGIN_M, np.array(limits.workspace_high[:2]) + _MARGIN_M
    for _ in range(_DRAWS):
        xy = rng.uniform(middle - half, middle + half)
        if xy[0] > low[0] and not np.all((xy > low) & (xy < high)):
            return xy
    raise ContractError(f"no place for a distractor in {_DRAWS} draws; the workspace covers the table")


def _table_height(model: mujoco.MjModel) -> float:
    table = model.geom("table").id
    flat = model.geom_type[table] == mujoco.mjtGeom.mjGEOM_PLANE
    return float(model.geom_pos[table, 2] + (0.0 if flat else model.geom_size[table, 2]))
