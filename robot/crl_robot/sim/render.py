"""Rendering without a screen: picks an OpenGL library that works here and draws one camera's view.

A `Renderer` belongs to the thread that made it: draw with it and close it there.
"""

from __future__ import annotations

import ctypes
import importlib
import os
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import RenderError, nearest

_BACKENDS = {"egl": "libEGL.so.1", "osmesa": "libOSMesa.so.8"}


def make_context(width: int, height: int) -> Any:
    """An off-screen OpenGL context: the library named by MUJOCO_GL, else EGL, else OSMesa.

    Raises RenderError naming the packages to install when none can be loaded.
    """
    wanted = os.environ.get("MUJOCO_GL", "").strip().lower()
    if wanted and wanted not in _BACKENDS:
        raise RenderError(f"MUJOCO_GL is '{wanted}', expected 'egl' or 'osmesa'; {nearest(wanted, _BACKENDS)}")
    failures = []
    for backend in (wanted,) if wanted else _BACKENDS:
        try:
            return _load(backend, width, height)
        except (ImportError, AttributeError, OSError, RuntimeError) as error:
            failures.append(f"{backend}: {type(error).__name__}: {error}")
    raise RenderError(
        f"no OpenGL library for rendering without a screen could be loaded ({'; '.join(failures)}); "
        "install one, for example: apt-get install libegl1 libgl1-mesa-dri, or: apt-get install libosmesa6"
    )


def _load(backend: str, width: int, height: int) -> Any:
    # Tried before PyOpenGL is imported: it binds one library for the whole process and cannot be told otherwise later.
    ctypes.CDLL(_BACKENDS[backend])
    os.environ["PYOPENGL_PLATFORM"] = backend
    return importlib.import_module(f"mujoco.{backend}").GLContext(width, height)


class Renderer:
    """Draws the views of one model at one size, without shadows or reflections."""

    def __init__(self, model: mujoco.MjModel, size: tuple[int, int]) -> None:
        width, height = size
        self._context = make_context(width, height)
        self._context.make_current()
        self._closed = False
        self._model = model
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._scene = mujoco.MjvScene(model, maxgeom=200)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        self._options = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._gl = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._gl)
        self._pixels = np.empty((height, width, 3), dtype=np.uint8)

    def draw(self, data: mujoco.MjData, camera_id: int) -> NDArray[np.uint8]:
        """The view of a camera as uint8 (H, W, 3) RGB, in an array of its own."""
        self._context.make_current()
        self._camera.fixedcamid = camera_id
        mujoco.mjv_updateScene(
            self._model, data, self._options, None, self._camera, mujoco.mjtCatBit.mjCAT_ALL, self._scene
        )
        mujoco.mjr_render(self._rect, self._scene, self._gl)
        mujoco.mjr_readPixels(self._pixels, None, self._rect, self._gl)
        return np.ascontiguousarray(self._pixels[::-1])

    def upload_textures(self) -> None:
        """Take over what was changed in the model's textures."""
        self._context.make_current()
        for texture in range(self._model.ntex):
            mujoco.mjr_uploadTexture(self._model, self._gl, texture)

    def close(self) -> None:
        """Release the OpenGL memory; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._context.make_current()
        self._gl.free()
        self._context.free()
