"""A simulated camera behind the `Camera` protocol."""

from __future__ import annotations

import threading
from collections.abc import Callable

import mujoco

from crl_robot.contracts import Frame
from crl_robot.errors import CameraError, nearest
from crl_robot.sim.render import Renderer
from crl_robot.sim.world import World

NATIVE_SIZE = (320, 240)


class SimCamera:
    """Renders a copy of the world's state, so that stepping never waits for drawing.

    The first `read` opens the OpenGL context; that thread alone may read and close. Stamps come from ``clock_ns``,
    by default simulated time: the stamp is the moment that the picture shows, which is that of the copy unless the
    world delays its cameras, and the receive stamp the moment after drawing.
    """

    def __init__(
        self,
        world: World,
        name: str = "over_shoulder",
        size: tuple[int, int] = NATIVE_SIZE,
        clock_ns: Callable[[], int] | None = None,
    ) -> None:
        names = [world.model.camera(i).name for i in range(world.model.ncam)]
        if name not in names:
            raise CameraError(f"no camera is named '{name}'; {nearest(name, names)}")
        self._world = world
        self._name = name
        self._size = size
        self._id = world.model.camera(name).id
        self._clock_ns = clock_ns or (lambda: world.time_ns)
        self._data = mujoco.MjData(world.model)
        self._renderer: Renderer | None = None
        self._looks = 0
        self._thread: int | None = None

    @property
    def name(self) -> str:
        """Name of the camera in the model."""
        return self._name

    @property
    def size(self) -> tuple[int, int]:
        """Native (width, height) in pixels."""
        return self._size

    def read(self) -> Frame:
        """Draw the world as it is now. Raises CameraError on another thread, RenderError without OpenGL."""
        renderer = self._owned_renderer()
        with self._world.lock:
            age_ns = self._world.copy_seen(self._data)
            stamp_ns = self._clock_ns() - age_ns
            looks = self._world.looks
        if looks != self._looks:
            renderer.upload_textures()
            self._looks = looks
        image = renderer.draw(self._data, self._id)
        return Frame(image, stamp_ns, self._clock_ns())

    def close(self) -> None:
        """Release the OpenGL context, on the thread that read."""
        if self._renderer is not None:
            self._owned_renderer().close()
            self._renderer = None

    def _owned_renderer(self) -> Renderer:
        if self._renderer is None:
            self._renderer, self._looks = Renderer(self._world.model, self._size), self._world.looks
            self._thread = threading.get_ident()
        if self._thread != threading.get_ident():
            raise CameraError(f"camera '{self._name}' is used on two threads; read and close it on the same one")
        return self._renderer
