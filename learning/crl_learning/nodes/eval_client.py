"""The ROS node of evaluation and benches: resets the simulation, gives the policy goals, and listens to both.

Everything happens inside `wait`, on the caller's thread; while it waits it watches that the graph's processes live.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray, String
from std_srvs.srv import SetBool, Trigger

from crl_learning.nodes.goal_sender import GoalSender
from crl_learning.nodes.instants import Instants
from crl_learning.trials import Moment
from crl_robot.contracts import Frame
from crl_robot.graph import GraphError
from crl_robot.nodes.graph_client import GraphClient
from crl_robot.nodes.messages import IMAGE_QOS, LATCHED_QOS, STATE_QOS, frame_from_msg, ns_from_time

READY_TIMEOUT_S = 90.0
ANSWER_TIMEOUT_S = 10.0
SETTLED_NS = 150_000_000
"""After a reset, until the driver of emulated hardware has heard that its motors were switched off."""


@dataclass(frozen=True)
class Truth:
    """What the simulation knows, and when (ns)."""

    moment: Moment
    stamp_ns: int


@dataclass(frozen=True)
class Timing:
    """One control tick of the policy, and when it was heard of (monotonic s); NaN where it did not act."""

    heard_s: float
    lateness_ms: float
    age_ms: float
    inference_ms: float


class EvalClient(GraphClient):
    """A context manager around one node of the graph.

    Args:
        env: what this process must add to its environment to join the graph; undone at the end.
        camera: whose images are kept; None subscribes to none, which spares the processor.
        check: raises when a process of the graph has ended.
        lockstep: the simulation waits for actions; what it tells since the last reset is kept as ``instants``, which
            needs a camera.
    """

    check_every_s = 0.5

    def __init__(
        self, env: Mapping[str, str], camera: str | None, check: Callable[[], None], lockstep: bool = False
    ) -> None:
        super().__init__("eval", env, check)
        self._lockstep = lockstep
        self.instants = Instants()
        self._truth: Truth | None = None
        self.frame: Frame | None = None
        self.timing: list[Timing] = []
        self.policy_status: dict[str, Any] = {}
        self.arm_status: dict[str, Any] = {}
        self.estops: list[str] = []
        """Why the arm was found e-stopped at a reset."""
        self._goals_taken = 0
        subscribe = self.node.create_subscription
        subscribe(JointState, "sim/ground_truth", self._on_truth, STATE_QOS)
        subscribe(Float64MultiArray, "policy/timing", self._on_timing, STATE_QOS)
        subscribe(String, "policy/status", self._on_policy_status, LATCHED_QOS)
        subscribe(String, "arm/status", self._on_arm_status, LATCHED_QOS)
        subscribe(Image, "policy/goal", self._on_goal_taken, LATCHED_QOS)
        if camera is not None:
            subscribe(Image, f"{camera}/image_raw", self._on_image, IMAGE_QOS)
        self.goals = GoalSender(self.node)
        client = self.node.create_client
        self._set_parameters = client(SetParameters, "sim/set_parameters")
        self._reset = client(Trigger, "sim/reset")
        self._enable = client(SetBool, "arm/enable")
        self._arm_reset = client(Trigger, "arm/reset")
        self._start = client(Trigger, "policy/start")
        self._stop = client(Trigger, "policy/stop")

    def wait_for_simulation(self) -> None:
        """Wait until the simulation serves and reports. Raises GraphError when it does not come."""
        services = (self._set_parameters, self._reset, self._enable, self._arm_reset)

        def ready() -> bool:
            served = all(service.service_is_ready() for service in services)
            return served and self._truth is not None and bool(self.arm_status)

        self.wait(ready, READY_TIMEOUT_S, "simulation that is ready")

    def wait_for_policy(self) -> None:
        """Wait until the policy serves, takes goals and may be started. Raises GraphError when it does not come."""

        def ready() -> bool:
            served = self._start.service_is_ready() and self._stop.service_is_ready()
            return served and self.goals.heard and self.policy_status.get("state") in ("ready", "ended")

        self.wait(ready, READY_TIMEOUT_S, "policy that is ready")

    def newest_truth(self) -> Truth:
        """The newest state of the simulation. Raises GraphError before the first."""
        if self._truth is None:
            raise GraphError("the simulation has not reported its state yet; wait until it is ready")
        return self._truth

    def reset(self, task: str, episode_seed: int) -> dict[str, Any]:
        """Put the world at the start of that episode, the arm enabled; returns what the simulation says of it.

        The arm is disabled meanwhile: to a driver of emulated hardware a reset is a person who switches the motors off
        and carries the arm.
        """
        parameters = [Parameter("task", value=task), Parameter("episode_seed", value=episode_seed)]
        request = SetParameters.Request(parameters=[parameter.to_parameter_msg() for parameter in parameters])
        for result in self.call(self._set_parameters, request).results:
            if not result.successful:
                raise GraphError(f"the simulation refused task={task} episode_seed={episode_seed}: {result.reason}")
        self.disable_arm()
        self.instants.clear()
        episode = json.loads(self.succeed(self._reset))
        settled_ns = episode["stamp_ns"] + (0 if self._lockstep else SETTLED_NS)
        self.wait(lambda: self.newest_truth().stamp_ns >= settled_ns, ANSWER_TIMEOUT_S, "state after the reset")
        self.enable_arm()
        return episode

    def set_goal(self, image: NDArray[np.uint8]) -> None:
        """Give the policy a goal uint8 (H, W, 3 * cameras), wait until it can act on it. Raises GraphError if not."""
        before = self._goals_taken
        self.goals.send(image, self.now_ns())

        def answered() -> bool:
            return self._goals_taken > before or bool(self.policy_status["goal_refused"])

        self.wait(answered, ANSWER_TIMEOUT_S, "answer of the policy to the goal image")
        if self.policy_status["goal_refused"]:
            raise GraphError(f"the policy refused the goal image: {self.policy_status['goal_refused']}")
        if not self._lockstep:  # where the policy's clock, and with it its status, stands still until it acts
            self.wait(lambda: not self.policy_status["reason"], ANSWER_TIMEOUT_S, "policy that lacks nothing")

    def start_policy(self) -> None:
        """The policy acts from now on; forgets the timing of earlier ticks."""
        self.timing.clear()
        self.succeed(self._start)

    def stop_policy(self) -> None:
        """The policy falls silent, and the arm holds by itself."""
        self.succeed(self._stop)

    def disable_arm(self) -> None:
        """The arm holds and takes no actions."""
        self.succeed(self._enable, SetBool.Request(data=False))

    def enable_arm(self) -> None:
        """Enable, after a reset of the e-stop where it is latched. Raises GraphError when the arm refuses."""
        if self.arm_status["mode"] == "estopped":
            self.estops.append(self.arm_status["reason"])
            self.succeed(self._arm_reset)
        self.succeed(self._enable, SetBool.Request(data=True))

    def _on_truth(self, msg: JointState) -> None:
        values = dict(zip(msg.name, msg.position, strict=True))
        tool = values["tool_x"], values["tool_y"], values["tool_z"]
        moment = Moment(values["distance"], values["arm_distance"], round(values["stage"]), tool)
        self._truth = Truth(moment, ns_from_time(msg.header.stamp))
        if self._lockstep:
            self.instants.add_moment(self._truth.stamp_ns, moment)

    def _on_timing(self, msg: Float64MultiArray) -> None:
        self.timing.append(Timing(time.monotonic(), *msg.data))

    def _on_policy_status(self, msg: String) -> None:
        self.policy_status = json.loads(msg.data)
        self.goals.know(self.policy_status["cameras"])

    def _on_arm_status(self, msg: String) -> None:
        self.arm_status = json.loads(msg.data)

    def _on_goal_taken(self, msg: Image) -> None:
        self._goals_taken += 1

    def _on_image(self, msg: Image) -> None:
        self.frame = frame_from_msg(msg, self.now_ns())
        if self._lockstep:
            self.instants.add_image(self.frame.stamp_ns, self.frame.image)
