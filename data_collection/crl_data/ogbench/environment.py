"""One of OGBench's environments, reproducible: the same seed gives the same episode, whoever draws what in between.

The package draws from numpy's global generator and from unseeded ones, so each call into it lends it a state of ours.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.ogbench.names import GOALS, OgbenchName
from crl_data.schema import CameraSpec, Encoding, StoreSpec
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ConfigError, ContractError

CAMERA = "observation"
"""Name under which the images of a visual environment are kept."""


class OgbenchMissingError(ConfigError, ImportError):
    """The package is not installed; says how to install it."""


def load_package() -> Any:
    """The module ogbench. Raises OgbenchMissingError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package and gymnasium speak of their own deprecations
            return importlib.import_module("ogbench")
    except ImportError as error:
        raise OgbenchMissingError(
            f"tasks named ogbench/... need the package ogbench ({error}); install it: pip install ogbench"
        ) from error


class OgbenchEnvironment:
    """An environment with its five goals, or, to make data, one without a goal of its own.

    Args:
        name: the data set whose environment it is.
        collecting: free play, in which the arms' environments set targets for demonstrators.
    """

    def __init__(self, name: OgbenchName, *, collecting: bool = False) -> None:
        load_package()
        self.name = name
        self.goal_picture: NDArray[np.uint8] | None = None
        self._random = np.random.RandomState(0).get_state()
        arm = name.demonstrator == "arm"
        mode = {"mode": "data_collection"} if collecting and arm else {}
        with _quiet():
            if name.visual:
                draw_without_a_screen()
            gymnasium = importlib.import_module("gymnasium")
            made = gymnasium.make(name.environment, disable_env_checker=True, terminate_at_goal=False, **mode)
            self.max_steps = int(made.spec.max_episode_steps)
            self.raw = made.unwrapped
            self.raw.reset(seed=0)
            _keep_action_space(self.raw)

    @property
    def spec(self) -> ActionSpec:
        """What an action means here."""
        period_s = getattr(self.raw, "_control_timestep", None) or self.raw.dt
        names = tuple(f"control_{i}" for i in range(self.raw.action_space.shape[0]))
        return ActionSpec(round(1 / float(period_s), 6), "environment", f"ogbench/{self.name.environment}", names)

    def store_spec(self, encoding: Encoding = "lossless") -> StoreSpec:
        """What a store of its episodes declares."""
        shape = self.raw.observation_space.shape
        cameras = {CAMERA: CameraSpec((shape[1], shape[0]), encoding)} if self.name.visual else {}
        states = () if self.name.visual else tuple(f"state_{i}" for i in range(shape[0]))
        return StoreSpec(self.spec, cameras, self.spec.frame, (), ("commanded",), states)

    def reset(self, goal: int, seed: int, *, draw: bool = False) -> tuple[NDArray[Any], NDArray[Any]]:
        """Start an episode towards a goal, 1 to 5; returns the first observation and the goal's.

        With ``draw``, `goal_picture` shows the goal, as `picture` shows the present.
        """
        if draw:
            draw_without_a_screen()
        if not 1 <= goal <= GOALS:
            raise ContractError(f"goal is {goal}, expected 1 to {GOALS}")
        self.seed(seed)
        with self.lent():
            observation, info = self.raw.reset(seed=seed, options={"task_id": goal, "render_goal": draw})
        self.goal_picture = np.array(info["goal_rendered"], np.uint8) if draw else None
        return self.observed(observation), self.observed(info["goal"])

    def step(self, action: NDArray[np.floating[Any]]) -> tuple[NDArray[Any], bool]:
        """Take one action, clipped to -1..1; returns the observation and whether it is at the goal."""
        with self.lent():
            observation, _, _, _, info = self.raw.step(np.clip(action, -1, 1))
        return self.observed(observation), bool(info["success"])

    def picture(self) -> NDArray[np.uint8]:
        """A view of the environment for people, uint8 (H, W, 3)."""
        with self.lent():
            return np.array(self.raw.render(), np.uint8)

    def seed(self, seed: int) -> None:
        """Of everything that is drawn from now on."""
        self._random = np.random.RandomState(seed).get_state()
        self.raw.action_space.seed(seed)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Calls into the package go in here: they see this environment's random state."""
        before = np.random.get_state()
        np.random.set_state(self._random)
        try:
            with _quiet():
                yield
        finally:
            self._random = np.random.get_state()
            np.random.set_state(before)

    def observed(self, observation: NDArray[Any]) -> NDArray[Any]:
        """As it is learned from: uint8 (H, W, 3), or float32 (D,)."""
        return np.array(observation, np.uint8 if self.name.visual else np.float32)

    def close(self) -> None:
        """Release the renderer, if any."""
        for name in ("_renderer", "custom_renderer"):
            renderer = getattr(self.raw, name, None)
            if renderer is not None:
                renderer.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Third parties' warnings are no concern of ours, and would be errors in tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _keep_action_space(environment: Any) -> None:
    """The arms' environments make a new space, seeded by the clock, each time, and draw from it in every reset."""
    kind = type(environment)
    if isinstance(getattr(kind, "action_space", None), property):
        space = environment.action_space
        environment.__class__ = type(kind.__name__, (kind,), {"action_space": property(lambda self: space)})


@cache
def draw_without_a_screen() -> None:
    """MuJoCo's own renderer opens a window unless MUJOCO_GL was set before it was imported. Raises RenderError."""
    import mujoco

    from crl_robot.sim.render import make_context

    context = make_context(8, 8)
    context.free()
    sys.modules[mujoco.Renderer.__module__].__dict__["gl_context"].GLContext = type(context)
