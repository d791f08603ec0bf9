"""The command source of a fault campaign: sends Actions at the control rate, and does what operators do."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import TwistStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.client import Client
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool
from std_srvs.srv import SetBool, Trigger

from crl_robot.bench.known_arm import tool_position
from crl_robot.bench.nodes.arm_listener import ArmListener
from crl_robot.bench.outgoing import Outgoing, Shape, unchanged
from crl_robot.nodes.messages import (
    ACTION_QOS,
    BASE_FRAME,
    LATCHED_QOS,
    STATE_QOS,
    time_from_ns,
)

PERIOD_S = 0.2
CLOCK_PERIOD_S = 0.01
_STEP_M = 0.025
WAY_POINTS = ((0.22, -0.12, 0.09), (0.38, 0.12, 0.20))
"""Corners of the box, m, from which way points are drawn unless `FaultClient.way_points` says another."""


@dataclass(frozen=True)
class Sent:
    """An Action that went out at (monotonic s), and its stamp."""

    at_s: float
    stamp_ns: int


class FaultClient(ArmListener):
    """A context manager around one node that commands the arm while it is spun by `run`.

    ``sending`` False makes it silent; ``shape`` changes a message before it goes out; ``stamp_ns`` set to a number is
    put on every Action in place of the time. With ``own_clock`` it publishes /clock as well, ``clock_shift_s`` ahead
    of the time of day.
    """

    def __init__(self, env: Mapping[str, str], rng: np.random.Generator) -> None:
        super().__init__("fault_campaign", env)
        self._rng = rng
        self.sending, self.pressed = False, False
        self.clock_shift_s = 0.0
        self.shape: Shape = unchanged
        self.stamp_ns: int | None = None
        self.sent: deque[Sent] = deque(maxlen=200)
        self.way_points = WAY_POINTS
        self._way_point = np.mean(WAY_POINTS, axis=0)
        self._next_action_s = self._next_clock_s = time.monotonic()
        self._make_entities()

    def _make_entities(self) -> None:
        node = self.node
        self._actions = node.create_publisher(JointState, "arm/action", ACTION_QOS)
        self._second = node.create_publisher(JointState, "arm/action", ACTION_QOS)
        self._twists = node.create_publisher(TwistStamped, "arm/twist", STATE_QOS)
        self._deadman = node.create_publisher(Bool, "arm/deadman", STATE_QOS)
        self._estop = node.create_publisher(Bool, "arm/estop_input", LATCHED_QOS)
        self._clock = node.create_publisher(Clock, "/clock", 10)
        names = ("estop", "reset", "home")
        self._triggers: dict[str, Client] = {n: node.create_client(Trigger, f"arm/{n}") for n in names}
        self._enable = node.create_client(SetBool, "arm/enable")
        self._change = node.create_client(ChangeState, "arm/change_state")

    def run(self, seconds: float) -> None:
        """Command and listen for a while."""
        self.until(lambda: False, seconds)

    def until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Command and listen until ``condition()``; returns whether that came about in time."""
        end = time.monotonic() + timeout_s
        while not condition():
            self._publish_due()
            left = min(end, self._next_due()) - time.monotonic()
            self._executor.spin_once(timeout_sec=max(0.0, left))
            if time.monotonic() >= end:
                return condition()
        return True

    def send_action(self) -> float:
        """Send one Action now, and the next a period later; returns when it was sent."""
        at_s = time.monotonic()
        self._next_action_s = at_s + PERIOD_S
        self._publish(self.shape(self._next_action()))
        return at_s

    def send_second(self, action: Outgoing) -> float:
        """Send one Action as another command source; returns when."""
        msg = _msg_from(action)
        msg.header.frame_id = "somebody_else"
        at_s = time.monotonic()
        self._second.publish(msg)
        return at_s

    def send_twist(self, vy: float, frame: str) -> float:
        """Send a velocity of ``vy`` m/s along y; returns when."""
        msg = TwistStamped()
        msg.header.frame_id, msg.header.stamp = frame, time_from_ns(self.now_ns())
        msg.twist.linear.y = vy
        at_s = time.monotonic()
        self._twists.publish(msg)
        return at_s

    def now_ns(self) -> int:
        """The clock that the arm's node has."""
        return time.time_ns() + round(self.clock_shift_s * 1e9)

    def press(self, pressed: bool) -> None:
        """Hold the dead-man switch, or let it go: then that is said once."""
        self.pressed = pressed
        self._deadman.publish(Bool(data=pressed))

    def input_estop(self, stopped: bool) -> None:
        """Publish on the latched e-stop topic."""
        self._estop.publish(Bool(data=stopped))

    def publishers_matched(self) -> bool:
        """Whether an arm hears what is sent."""
        return all(p.get_subscription_count() > 0 for p in (self._actions, self._second, self._twists))

    def trigger(self, name: str, timeout_s: float = 5.0) -> tuple[bool, str]:
        """Call a service; (False, why) when it refuses or does not answer."""
        return self._call(self._triggers[name], Trigger.Request(), timeout_s)

    def enable(self, on: bool, timeout_s: float = 5.0) -> tuple[bool, str]:
        """Call arm/enable."""
        return self._call(self._enable, SetBool.Request(data=on), timeout_s)

    def change_state(self, activate: bool, timeout_s: float = 5.0) -> bool:
        """Activate or deactivate the node."""
        wanted = Transition.TRANSITION_ACTIVATE if activate else Transition.TRANSITION_DEACTIVATE
        request = ChangeState.Request(transition=Transition(id=wanted))
        future = self._change.call_async(request)
        self.until(future.done, timeout_s)
        answer = future.result() if future.done() else None
        return bool(answer and answer.success)

    def _call(self, client: Client, request: Any, timeout_s: float) -> tuple[bool, str]:
        if not self.until(client.service_is_ready, timeout_s):
            return False, "no such service"
        future = client.call_async(request)
        if not self.until(future.done, timeout_s):
            client.remove_pending_request(future)
            return False, "no answer"
        answer: Any = future.result()
        return bool(answer.success), str(answer.message)

    def _publish_due(self) -> None:
        now = time.monotonic()
        if self.own_clock and now >= self._next_clock_s:
            self._next_clock_s = now + CLOCK_PERIOD_S
            self._clock.publish(Clock(clock=time_from_ns(self.now_ns())))
        if now >= self._next_action_s:
            self._next_action_s = max(self._next_action_s + PERIOD_S, now)
            if self.pressed:
                self._deadman.publish(Bool(data=True))
            if self.sending:
                self._publish(self.shape(self._next_action()))

    def _publish(self, action: Outgoing) -> None:
        self.sent.append(Sent(time.monotonic(), action.stamp_ns))
        self._actions.publish(_msg_from(action))

    def _next_due(self) -> float:
        return min(self._next_action_s, self._next_clock_s) if self.own_clock else self._next_action_s

    def _next_action(self) -> Outgoing:
        """A step towards the way point; a new one is drawn when it is near."""
        stamp_ns = self.now_ns() if self.stamp_ns is None else self.stamp_ns
        if self.joints is None:
            return Outgoing((0.0,) * 6 + (0.5,), stamp_ns)
        tool = tool_position(self.joints)
        while np.abs(self._way_point - tool).max() < 1.5 * _STEP_M:
            self._way_point = self._rng.uniform(*self.way_points)
        step = np.clip(self._way_point - tool, -_STEP_M, _STEP_M)
        return Outgoing((*step.tolist(), 0.0, 0.0, 0.0, 0.5), stamp_ns)


def _msg_from(action: Outgoing) -> JointState:
    msg = JointState(name=list(action.names), position=list(action.values))
    msg.header.stamp = time_from_ns(action.stamp_ns)
    msg.header.frame_id = BASE_FRAME
    return msg
