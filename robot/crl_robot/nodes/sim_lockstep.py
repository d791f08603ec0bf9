"""The simulated arm on a clock of its own, which goes on by one control period for each Action and else stands still.

The world is never ahead of its policy nor behind it: frame, arm state and ground truth of an instant are published,
the Action that is stamped with that instant is taken, the period runs, and so on. So nodes over DDS see and do to the
bit what `crl_robot.sim.env.SimEnv` does in one process, however fast the machine is. The other nodes of the graph take
their time from /clock (``use_sim_time``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger

from crl_robot.contracts import Action, ActionSpec
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import CrlError
from crl_robot.kinematics import Kinematics
from crl_robot.nodes.arm_topics import ArmTopics
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import LATCHED_QOS, time_from_ns
from crl_robot.nodes.sim_hardware import ArmInThisProcess, Health
from crl_robot.nodes.worker import Worker
from crl_robot.schedule import OnDemand
from crl_robot.sim.arm import SimArm
from crl_robot.sim.world import INNER_PERIOD_NS, World

PATIENCE_S = 0.1
REPEAT_TICKS = 3
"""An instant is published again after so many times the patience without an Action."""
FIRST_NS = 1_000_000_000
"""Where simulated time begins: ROS takes 0 for no time at all."""


class SimClock:
    """The world's time, which goes on over resets of the world; published on /clock."""

    def __init__(self, node: CrlNode, world: World) -> None:
        self._world = world
        self._offset_ns = FIRST_NS - world.time_ns
        self._topic = node.create_publisher(Clock, "/clock", LATCHED_QOS)

    def now_ns(self) -> int:
        return self._offset_ns + self._world.time_ns

    def go_on_from(self, last_ns: int) -> None:
        """After a reset of the world: now is one inner period after ``last_ns``."""
        self._offset_ns = last_ns + INNER_PERIOD_NS - self._world.time_ns

    def publish(self) -> None:
        self._topic.publish(Clock(clock=time_from_ns(self.now_ns())))


class LockstepTopics(ArmTopics):
    """Takes one Action for each instant, and says when it was handled, whether accepted or refused."""

    def __init__(
        self, node: CrlNode, world: World, arm: SimArm, spec: ActionSpec, limits: SafetyLimits, clock: SimClock
    ) -> None:
        self._clock = clock
        self._handled_ns: int | None = None
        self.on_handled: Callable[[], None] = lambda: None
        self.passed_over = 0
        """Actions for another instant than the present one, as from before a reset."""
        model = world.robot.model
        super().__init__(node, arm, Kinematics(model), spec, limits, model, robot=world.robot.data_name)

    @property
    def lock(self) -> threading.RLock:
        """To be held before the world's."""
        return self._lock

    @property
    def handled(self) -> bool:
        """Whether the present instant is over: it had its Action, or goes by without one."""
        return self._handled_ns == self._now_ns()

    def let_pass(self) -> None:
        """End the present instant without an Action."""
        with self._lock:
            self._handled_ns = self._now_ns()
        self.on_handled()

    def _submit(self, action: Action, source: str) -> bool:
        if self._controller.mode == "disabled" or self.handled or action.stamp_ns != self._now_ns():
            self.passed_over += 1
            return False
        accepted = super()._submit(action, source)
        self.let_pass()
        return accepted

    def _now_ns(self) -> int:
        return self._clock.now_ns()


class LockstepArm(ArmInThisProcess):
    """What `OwnArm` is on the wall clock. `step` runs a control period when its Action is there.

    Args:
        on_instant: called on the stepping thread after each period and each reset, to publish what is true then; with
            true after a reset.
    """

    def __init__(
        self, node: CrlNode, world: World, spec: ActionSpec, limits: SafetyLimits, on_instant: Callable[[bool], None]
    ) -> None:
        self.clock = SimClock(node, world)
        self._demand = OnDemand(PATIENCE_S)
        self._world, self._on_instant = world, on_instant
        device = SimArm(world, self.clock.now_ns)
        self._topics: LockstepTopics
        super().__init__(device, LockstepTopics(node, world, device, spec, limits, self.clock))
        self._topics.on_handled = self._demand.ask
        self._inner_ticks = round(spec.period_s * 1e9 / INNER_PERIOD_NS)
        self._at_start = True
        self._idle = REPEAT_TICKS
        node.create_service(Trigger, "sim/step", self._on_step)

    def worker(self, on_failure: Callable[[CrlError], None], finish: Callable[[], None]) -> Worker:
        """The thread that steps and draws."""
        return Worker("lock step", 1.0, self._step_or_repeat, on_failure, finish, self._demand)

    def step(self) -> None:
        """One control period when the Action for it was handled, else nothing."""
        with self._topics.lock, self._world.lock:
            if not self._topics.handled:
                return
            for _ in range(self._inner_ticks):
                self._topics.control()
                self._world.step_inner()
            self._at_start, self._idle = False, REPEAT_TICKS

    def _step_or_repeat(self) -> None:
        """Step, then publish the new instant; now and then the old one again, for those who came late."""
        self.step()
        self._idle += 1
        if self._idle > REPEAT_TICKS:
            self._idle = 0
            self.clock.publish()
            self._topics.tell()
            self._on_instant(self._at_start)

    @contextmanager
    def placed(self) -> Iterator[None]:
        """The arm keeps its mode; one that moves holds after it. The next step publishes the new instant."""
        with self._topics.lock, self._world.lock:
            self._topics.control()  # one inner period before the instant that comes, as ever
            last_ns = self.clock.now_ns()
            with self._topics.taken_over():
                yield
                self.clock.go_on_from(last_ns)
            # SimEnv poses the goal to draw it and comes back before the first Action, which the solver's warm start
            # remembers; without the same here the trajectories would differ in their last bits.
            self._world.restore(self._world.snapshot())
            self._at_start, self._idle = True, REPEAT_TICKS
        self._demand.ask()

    def health(self) -> Health:
        """Mode of the arm and what it counted."""
        well, line, values = super().health()
        return well, line, values | {"passed_over": self._topics.passed_over}

    def _on_step(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """One control period without an Action: an arm that moves goes on, as one that homes."""
        self._topics.let_pass()
        response.success, response.message = True, "one control period without an action"
        return response
