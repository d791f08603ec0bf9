"""The simulated arm and cameras as one ROS node around one MuJoCo world that runs on the wall clock, or in lock step.

Three threads: one steps arm and world, one draws, and the process's own delivers messages. Drawing works on a copy of
the state, so it never makes a step wait. In lock step one thread does both, see `crl_robot.nodes.sim_lockstep`. With
``emulate`` the arm's topics are not here: an emulator of the robot's own interface moves the world, and the ordinary
arm node connects to it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from std_srvs.srv import Trigger

from crl_robot.contracts import Pose
from crl_robot.errors import ConfigError, CrlError
from crl_robot.geometry import GRIPPER_DOWN, quat_from_matrix
from crl_robot.kinematics import Kinematics
from crl_robot.nodes.arm_settings import action_spec_setting, limits_setting
from crl_robot.nodes.camera_topics import CameraTopics
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import camera_info
from crl_robot.nodes.sim_emulators import EmulatedRosbridge, EmulatedServoBus
from crl_robot.nodes.sim_hardware import OwnArm, SimHardware
from crl_robot.nodes.sim_lockstep import LockstepArm
from crl_robot.nodes.sim_truth import TruthTopic
from crl_robot.nodes.worker import NEWEST_TICKS, Worker
from crl_robot.robot_commands import EMULATORS
from crl_robot.robots import robot
from crl_robot.sim.camera import SimCamera
from crl_robot.sim.state import Episode
from crl_robot.sim.task import Task
from crl_robot.sim.tasks import get_task
from crl_robot.sim.world import INNER_PERIOD_NS, World
from crl_robot.sim.world_json import world_from_json

INNER_RATE_HZ = 1e9 / INNER_PERIOD_NS
TRUTH_EVERY = 5
# Measured on two cores: the process takes about a tenth of one core, and each 30 Hz camera that someone listens to
# about 5 % more. A camera nobody listens to is not drawn, so both are offered.
DEFAULT_CAMERAS = ["over_shoulder", "wrist"]
DEFAULT_CAMERA_RATE_HZ = 30.0


class SimNode(CrlNode):
    """Serves /sim/reset and /sim/ground_truth beside the topics of arm and cameras."""

    def __init__(self) -> None:
        super().__init__("sim")
        self._robot = robot(self.setting("robot", "widowx", "which robot stands in the world: widowx or sawyer"))
        self._camera_names = self.setting("cameras", DEFAULT_CAMERAS, "names of the cameras to draw and publish")
        self._camera_rate = self.setting("camera_rate", DEFAULT_CAMERA_RATE_HZ, "frames a second of each", 0.1, 60.0)
        self._enable_on_start = self.setting(
            "enable_on_start", True, "enable the arm on activation; only ever true for this simulated arm"
        )
        self._emulate = self.setting(
            "emulate", "", "no arm topics, but an emulator of the hardware for the arm node: servo_bus, rosbridge or ''"
        )
        self._emulate_link = self.setting("emulate_link", "", "servo_bus: path that becomes a link to the serial port")
        self._emulate_port = self.setting("emulate_port", 9090, "rosbridge: TCP port, 0 takes a free one", 0, 65535)
        self._lockstep = self.setting(
            "lockstep", False, "the world stands still until an Action comes; others need use_sim_time"
        )
        world = self.setting("world", "", "JSON of what differs from the world as modelled, as crl-eval's world.* does")
        self._options = world_from_json(world)
        self.setting("task", "reach", "task whose episodes /sim/reset draws", read_only=False)
        self.setting("episode_seed", 0, "seed of the episode that /sim/reset draws", 0, 2**31 - 1, read_only=False)
        self._spec = action_spec_setting(self)
        self._limits = limits_setting(self, self._robot.limits)
        if self._limits.inner_rate_hz != INNER_RATE_HZ:
            raise ConfigError(
                f"parameter 'limits.inner_rate_hz' is {self._limits.inner_rate_hz}, the simulated arm's own loop runs "
                f"at {INNER_RATE_HZ} Hz; leave it out"
            )
        if self._emulate not in ("", EMULATORS[self._robot.name]):
            raise ConfigError(
                f"parameter 'emulate' is '{self._emulate}', expected '{EMULATORS[self._robot.name]}' or '' with robot "
                f"'{self._robot.name}'"
            )
        if self._lockstep and (self._emulate or any(self._options.latencies_ms)):
            raise ConfigError(
                f"parameter 'lockstep' is true with emulate:='{self._emulate}' and world:='{world}'; emulated hardware "
                "and latencies need the wall clock"
            )
        self._now_ns: Callable[[], int] = self.now_ns
        self._workers: list[Worker] = []

    def open_all(self) -> None:
        """Make the world, pose it for the first episode and let it run; the arm is not enabled yet."""
        self._ticks = 0
        self._kinematics = Kinematics(self._robot.model)
        task, episode, _ = self._drawn_episode()
        self._world = World(options=self._options, robot=self._robot, scene=task.scene)
        lockstep = self._open_lockstep() if self._lockstep else None
        self._truth = TruthTopic(self, self._world, self._now_ns)
        self._pose(task, episode)
        self._devices = [SimCamera(self._world, name, clock_ns=self._now_ns) for name in self._camera_names]
        self._cameras = [
            CameraTopics(self, camera, camera_info(*camera.size, self._fovy(camera.name))) for camera in self._devices
        ]
        # after all that may fail, for it is closed only with the workers
        self._hardware = lockstep or self._open_hardware()
        self._reset_service = self.create_service(Trigger, "sim/reset", self._on_reset)
        self._workers = [
            Worker("stepping", INNER_PERIOD_NS / 1e9, self._step_world, self._fail),
            Worker("drawing", 1.0 / self._camera_rate, self._draw, self._fail, self._close_cameras),
        ]
        if lockstep is not None:
            self._workers = [lockstep.worker(self._fail, self._close_cameras)]
        for worker in self._workers:
            worker.start()

    def start(self) -> None:
        """Allow commands; a simulated arm needs no operator who enables it, emulated hardware does."""
        if self._enable_on_start:
            self._hardware.enable()

    def pause(self) -> None:
        """Make the arm hold."""
        self._hardware.disable()

    def close_all(self) -> None:
        """Stop the threads and close the arm, which holds."""
        if not self._workers:
            return
        for worker in self._workers:
            worker.stop()
        self._hardware.close()
        self._workers = []

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """Mode of the arm, lateness of stepping and drawing, frames published."""
        if not self._workers:
            return True, "not configured", {}
        well, message, values = self._hardware.health()
        for worker, name in zip(self._workers, ("stepping", "drawing"), strict=False):
            values |= {
                f"{name}_lateness_{key}_ms": round(v, 2) for key, v in worker.stats.summary(NEWEST_TICKS).items()
            }
            values[f"{name}_missed"] = worker.stats.missed
        values |= {f"{name}_published": c.published for name, c in zip(self._camera_names, self._cameras, strict=True)}
        return well, message, values

    def _open_lockstep(self) -> LockstepArm:
        arm = LockstepArm(self, self._world, self._spec, self._limits, self._publish_instant)
        self._now_ns = arm.clock.now_ns
        return arm

    def _open_hardware(self) -> SimHardware:
        if not self._emulate:
            return OwnArm(self, self._world, self._spec, self._limits, self._now_ns)
        hardware: SimHardware
        if self._emulate == "servo_bus":
            hardware = EmulatedServoBus(self._world, self._emulate_link)
        else:
            hardware = EmulatedRosbridge(self._world, self._emulate_port)
        self.get_logger().info(hardware.health()[1])
        return hardware

    def _step_world(self) -> None:
        self._hardware.step()
        self._ticks += 1
        if self._ticks % TRUTH_EVERY == 0:
            self._truth.publish()

    def _publish_instant(self, at_start: bool) -> None:
        """In lock step: what is true now, the pictures last, for the policy acts on them."""
        self._truth.publish(at_start)
        self._draw()

    def _draw(self) -> None:
        for camera in self._cameras:
            camera.publish()

    def _close_cameras(self) -> None:
        for device in self._devices:
            device.close()

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            task, episode, seed = self._drawn_episode()
            with self._hardware.placed():
                self._pose(task, episode)
            facts = task.facts(episode) | {"task": task.name, "seed": seed, "stamp_ns": self._now_ns()}
            response.success, response.message = True, json.dumps(facts)
        except CrlError as error:
            response.success, response.message = False, str(error)
        return response

    def _drawn_episode(self) -> tuple[Task, Episode, int]:
        """The task and the episode that the parameters name, and its seed. Raises ConfigError for an unknown task."""
        name, seed = (self.get_parameter(key).value for key in ("task", "episode_seed"))
        task, seed = get_task(str(name), self._robot), int(seed or 0)
        return task, task.sample(np.random.default_rng(seed)), seed

    def _pose(self, task: Task, episode: Episode) -> None:
        """Put the world at the start of an episode."""
        if task.scene != self._world.scene:
            raise ConfigError(
                f"task '{task.name}' takes place in the scene '{task.scene}', this node has '{self._world.scene}'; "
                f"start it with task:={task.name}"
            )
        start = Pose(np.array(episode.start.tool), quat_from_matrix(GRIPPER_DOWN))
        joints = self._kinematics.solve(start, self._robot.home)
        with self._world.lock:
            self._world.place(joints, episode.start)
            self._truth.begin(task, episode)

    def _fovy(self, camera: str) -> float:
        return math.radians(float(self._world.model.camera(camera).fovy[0]))

    def _fail(self, error: CrlError) -> None:
        self.get_logger().error(str(error))
        self.failure = error
