"""The simulated robot without ROS and without a clock: world, arm, controller and cameras in lock-step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import Action, ActionSpec, ArmState, Observation, Pose
from crl_robot.control.controller import ArmController
from crl_robot.errors import ArmError, ContractError
from crl_robot.geometry import GRIPPER_DOWN, quat_from_matrix
from crl_robot.kinematics import Kinematics
from crl_robot.robots import WIDOWX, Robot
from crl_robot.sim.arm import SimArm
from crl_robot.sim.camera import SimCamera
from crl_robot.sim.object_shifts import ROOM_M, candidates, overlap_m
from crl_robot.sim.randomisation import Draw
from crl_robot.sim.randomisation_motion import Shift
from crl_robot.sim.state import Episode, SceneState
from crl_robot.sim.task import Task
from crl_robot.sim.tasks import get_task
from crl_robot.sim.world import INNER_PERIOD_NS, World, WorldOptions

T = TypeVar("T")


class SimEnv:
    """One task of one robot in one world; the same seed gives the same run.

    Rendering belongs to the thread that first resets it. Use it as a context manager, or call `close`.
    """

    def __init__(
        self,
        task: str | Task,
        cameras: tuple[str, ...] = ("over_shoulder",),
        options: WorldOptions | None = None,
        spec: ActionSpec | None = None,
        robot: Robot = WIDOWX,
        decorated: bool = False,
    ) -> None:
        self.robot = robot
        self.task = get_task(task, robot) if isinstance(task, str) else task
        self.spec = spec or ActionSpec()
        self.world = World(options=options, robot=robot, scene=self.task.scene, decorated=decorated)
        self.arm = SimArm(self.world)
        self.kinematics = Kinematics(robot.model)
        self.cameras = {name: SimCamera(self.world, name) for name in cameras}
        self._inner_ticks = round(self.spec.period_s * 1e9 / INNER_PERIOD_NS)
        self._controller: ArmController | None = None
        self._episode: Episode | None = None
        self._executed: Action | None = None
        self._stage = 0
        self._observation: Observation | None = None

    def reset(self, start: np.random.Generator | Episode, draw: Draw | None = None) -> Observation:
        """Begin an episode: the given one, or one drawn with the given generator; in the world of ``draw`` if any.

        Raises ContractError when ``draw`` has a table cover or distractors and the environment is not decorated.
        """
        episode = start if isinstance(start, Episode) else self.task.sample(start)
        if draw is not None:
            self.world.change(draw.world)
        self._episode = self._begin(episode, draw.object_shifts if draw else ())
        self._controller = ArmController(self.arm, self.kinematics, self.spec, self.robot.limits, self.world.time_ns)
        self._controller.enable()
        self._executed, self._stage = None, 0
        return self._observe()

    def step(self, action: Action, look: bool = True) -> Observation:
        """Run one control tick with ``action`` and observe, without frames unless ``look``.

        A refused action makes the arm hold for this tick.
        """
        controller = self.controller
        try:
            self._executed = controller.submit(action, self.world.time_ns)
        except ArmError:
            gripper = controller.state().gripper_target
            self._executed = Action(np.array([0, 0, 0, 0, 0, 0, gripper], dtype=np.float32), action.stamp_ns)
        for _ in range(self._inner_ticks):
            controller.inner_tick(self.world.time_ns)
            self.world.step_inner()
        self._stage = self.task.stage(self.world, self.episode, self._stage)
        return self._observe(look)

    def act(self, values: NDArray[np.float32], look: bool = True) -> Observation:
        """`step` with bare action values (7,), stamped with the newest observation."""
        seen = self.observation
        return self.step(Action(values, seen.newest_stamp_ns if seen.frames else self.world.time_ns), look)

    @property
    def controller(self) -> ArmController:
        """The controller of the running episode; raises ContractError before the first reset."""
        return _begun(self._controller)

    @property
    def episode(self) -> Episode:
        """The running episode; raises ContractError before the first reset."""
        return _begun(self._episode)

    @property
    def observation(self) -> Observation:
        """The newest observation."""
        return _begun(self._observation)

    @property
    def executed(self) -> Action:
        """The Action that the controller really commanded in the last step."""
        return _begun(self._executed)

    def arm_state(self) -> ArmState:
        """What is measured and commanded now."""
        return self.controller.state()

    def distance(self) -> float:
        """What is left to the goal, m."""
        return self.task.distance(self.world, self.episode)

    def success(self) -> bool:
        """Whether the world is at the goal now."""
        return self.task.success(self.world, self.episode)

    @property
    def stage(self) -> int:
        """How many of the task's stages this episode has reached, one after the other."""
        return self._stage

    def arm_distance(self) -> float:
        """What is left from the tool to where the goal image shows it, m."""
        return self.task.arm_distance(self.world, self.episode)

    def goal_image(self, camera: str = "over_shoulder") -> NDArray[np.uint8]:
        """The native image of the world at the running episode's goal."""
        return render_goal(self, self.episode, camera)

    def place(self, state: SceneState) -> None:
        """Put arm and scene at ``state``, at rest; the controller is not told."""
        self.world.place(self.solve(state.tool), state)

    def solve(self, tool: tuple[float, float, float]) -> NDArray[np.float64]:
        """Joints (N,) rad with the tool at ``tool`` (3,) m, gripper down. Raises ArmError when out of reach."""
        return self.kinematics.solve(Pose(np.array(tool), quat_from_matrix(GRIPPER_DOWN)), self.robot.home)

    def close(self) -> None:
        """Release the cameras and the arm."""
        for camera in self.cameras.values():
            camera.close()
        self.arm.close()

    def __enter__(self) -> SimEnv:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, episode: Episode, shifts: Sequence[Shift]) -> Episode:
        """Place the start of an episode, its objects shifted as far as there is room; returns what it became."""
        for candidate in candidates(episode, self.world.objects, shifts) if shifts else ():
            self.place(candidate.start)
            if overlap_m(self.world) < ROOM_M:
                return candidate
        self.place(episode.start)
        return episode

    def _observe(self, look: bool = True) -> Observation:
        frames = {name: camera.read() for name, camera in self.cameras.items()} if look else {}
        self._observation = Observation(frames, self.arm_state(), self.world.time_ns)
        return self._observation


def render_goal(env: SimEnv, episode: Episode, camera: str = "over_shoulder") -> NDArray[np.uint8]:
    """The native image uint8 (H, W, 3) of the world posed at the goal of ``episode``; the run goes on unchanged."""
    if camera not in env.cameras:
        raise ContractError(f"no camera '{camera}' in this environment, it has {sorted(env.cameras)}")
    with env.world.aside():
        env.place(episode.goal)
        return env.cameras[camera].read().image


def _begun(value: T | None) -> T:
    if value is None:
        raise ContractError("the environment has no episode or step yet; call reset first")
    return value
