"""The simulated world: one MuJoCo model and its state, stepped by whoever owns the clock.

It knows nothing of controllers, cameras or tasks. Threads that share it hold `World.lock` while they look or step.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_robot.contracts import Pose
from crl_robot.errors import ConfigError, nearest
from crl_robot.geometry import quat_from_matrix
from crl_robot.kinematics import ASSETS
from crl_robot.robots import WIDOWX, Robot
from crl_robot.sim.decor import decorated_model, plain_model
from crl_robot.sim.latency import Delays
from crl_robot.sim.state import Placement, SceneState
from crl_robot.sim.things import Things
from crl_robot.sim.world_changes import WorldChanges
from crl_robot.sim.world_options import WorldOptions

STEPS_PER_INNER_TICK = 5
INNER_PERIOD_NS = 20_000_000
CAN_RADIUS_M, CAN_HEIGHT_M = 0.035, 0.05

_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


class World:
    """One robot's arm (N joints) in one of its scenes, with free objects and drawers.

    ``seed`` draws the measurement noise; the physics has none. A ``decorated`` one can show table covers and
    distractors. ``objects`` names the free objects, the main one first, ``slides`` the drawers. Raises ConfigError for
    a scene that the robot lacks.
    """

    def __init__(
        self,
        seed: int = 0,
        options: WorldOptions | None = None,
        robot: Robot = WIDOWX,
        scene: str = "table",
        decorated: bool = False,
    ) -> None:
        if scene not in robot.scenes:
            raise ConfigError(f"robot '{robot.name}' has no scene '{scene}'; {nearest(scene, robot.scenes)}")
        self.robot, self.scene = robot, scene
        self.options = options or WorldOptions()
        make = decorated_model if decorated or self.options.decorated else plain_model
        self.model = make(ASSETS / robot.scenes[scene])
        self.data = mujoco.MjData(self.model)
        self.lock = threading.RLock()
        self._rng = np.random.default_rng(seed)
        self._n = robot.n_joints
        self._tool = self.model.site(robot.model.tool).id
        self._things = Things(self.model, self._n + 2)
        self.objects, self.slides = tuple(self._things.objects), tuple(self._things.slides)
        self._changes = WorldChanges(self.model, robot.limits)
        self.looks = 0
        self.change(self.options)
        self.reset(robot.home, robot.can_xy if scene == "table" else None)

    @property
    def time_ns(self) -> int:
        """Simulated time since the last reset."""
        with self.lock:
            return round(self.data.time * 1e9)

    def reset(self, q: ArrayLike, object_xy: ArrayLike | None = None, object_yaw: float = 0.0) -> None:
        """Put the arm at joints ``q`` (N,) rad, gripper closed, and the main object at ``object_xy`` (2,) m; at rest.

        All else stands where the scene's file puts it.
        """
        self._place(q, 0.0, self._things.main_at(object_xy, object_yaw), {})

    def place(self, q: ArrayLike, state: SceneState) -> None:
        """Put the arm at joints ``q`` (N,) rad, and gripper, objects and drawers where ``state`` has them; at rest.

        Whether ``q`` has the tool at ``state.tool`` is the caller's business. Raises ContractError for an unknown name.
        """
        self._place(q, state.gripper, state.objects, state.joints)

    def _place(
        self, q: ArrayLike, gripper: float, objects: Mapping[str, Placement], joints: Mapping[str, float]
    ) -> None:
        arm = np.asarray(q, dtype=np.float64)
        with self.lock:
            mujoco.mj_resetData(self.model, self.data)
            self.data.qpos[: self._n] = arm
            self.data.qpos[self._n : self._n + 2] = self.robot.fingers.at(gripper)
            self._things.put(self.data.qpos, objects, joints)
            self._drive(arm, gripper)
            mujoco.mj_forward(self.model, self.data)
            self._delays.begin(self.snapshot)

    def change(self, options: WorldOptions) -> None:
        """Make the world what ``options`` say; nothing in it moves, and delays begin anew.

        Raises ContractError when they ask for a table cover or distractors and the world was not made to show any.
        """
        with self.lock:
            self._changes.apply(options)
            mujoco.mj_kinematics(self.model, self.data)
            mujoco.mj_camlight(self.model, self.data)
            self.options = options
            self.looks += 1
            self._delays = Delays(*(round(ms * 1e6 / INNER_PERIOD_NS) for ms in options.latencies_ms))
            self._delays.begin(self.snapshot)

    def step_inner(self) -> None:
        """Advance by one inner tick, 0.02 s."""
        with self.lock:
            for q, gripper in self._delays.due():
                self._drive(q, gripper)
            mujoco.mj_step(self.model, self.data, nstep=STEPS_PER_INNER_TICK)
            self._delays.remember(self.snapshot)

    def command(self, q: ArrayLike, gripper: float) -> None:
        """Set the targets of the servos, after the arm's delay if any: joints (N,) rad and gripper opening 0..1."""
        with self.lock:
            if self._delays.delays_commands:
                self._delays.give((np.array(q, dtype=np.float64), gripper))
            else:
                self._drive(q, gripper)

    def _drive(self, q: ArrayLike, gripper: float) -> None:
        self.data.ctrl[: self._n] = q
        self.data.ctrl[self._n] = self.robot.fingers.at(gripper)

    def joints(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Measured joint angles (N,) rad, velocities (N,) rad/s and gripper opening 0..1."""
        with self.lock:
            noise = self._rng.normal(0.0, self.options.joint_noise_rad, self._n) if self.options.joint_noise_rad else 0
            position = self.data.qpos[: self._n] + noise
            opening = self.robot.fingers.opening(float(self.data.qpos[self._n]))
            return position, self.data.qvel[: self._n].copy(), opening

    @property
    def gripper_target(self) -> float:
        """The opening 0..1 that the gripper was told last."""
        with self.lock:
            return self.robot.fingers.opening(float(self.data.ctrl[self._n]))

    def tool_pose(self) -> Pose:
        """True pose of the tool point in the base frame."""
        with self.lock:
            position, matrix = self.data.site_xpos[self._tool], self.data.site_xmat[self._tool]
            return Pose(position.copy(), quat_from_matrix(matrix))

    def object_pose(self, name: str | None = None) -> Pose:
        """True pose of an object's frame in the base frame, by default of the main one."""
        with self.lock:
            return self._things.pose(self.data.qpos, name or self.objects[0])

    def slide(self, name: str) -> float:
        """True position of a drawer or the like, m."""
        with self.lock:
            return self._things.slide(self.data.qpos, name)

    def snapshot(self) -> NDArray[np.float64]:
        """Everything that decides what happens next, as one flat vector; equal vectors have equal futures."""
        state = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        with self.lock:
            mujoco.mj_getState(self.model, self.data, state, _STATE)
        return state

    def restore(self, state: NDArray[np.float64]) -> None:
        """Go back to a `snapshot`."""
        with self.lock:
            mujoco.mj_setState(self.model, self.data, state, _STATE)
            mujoco.mj_forward(self.model, self.data)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Whatever is placed within is seen at once, and undone at the end."""
        with self.lock:
            before, delays = self.snapshot(), self._delays
            self._delays = Delays()
            try:
                yield
            finally:
                self._delays = delays
                self.restore(before)

    def copy_seen(self, data: mujoco.MjData) -> int:
        """Copy what cameras see into another MjData of this model; returns its age in ns, 0 without a delay."""
        with self.lock:
            seen = self._delays.seen()
            if seen is None:
                mujoco.mj_copyData(data, self.model, self.data)
                return 0
            state, age = seen
            mujoco.mj_setState(self.model, data, state, _STATE)
            mujoco.mj_kinematics(self.model, data)
            mujoco.mj_camlight(self.model, data)
            return age * INNER_PERIOD_NS
