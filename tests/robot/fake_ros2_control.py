"""An arm behind ros2_control, as its topics show it: a broadcaster of joint states, and controllers that follow."""

import threading
import time

import numpy as np
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from crl_robot.nodes.messages import time_from_ns
from crl_robot.nodes.side_node import SideNode

START = {"pan": 0.1, "lift": -0.2, "bend": 0.3}
FINGER = "finger"
CLOSED, OPEN = 0.8, 0.0
MODEL = """
<mujoco>
  <compiler angle="radian" autolimits="true"/>
  <worldbody>
    <body pos="0 0 .1"><joint name="pan" axis="0 0 1" range="-3 3"/><geom size=".05"/>
      <body pos="0 0 .2"><joint name="lift" axis="0 1 0" range="-2 2"/><geom size=".05"/>
        <body pos=".3 0 0"><joint name="bend" axis="0 1 0" range="-2 2"/><geom size=".05"/>
          <site name="tool" pos=".2 0 0"/>
        </body>
      </body>
    </body>
  </worldbody>
</mujoco>
"""
PERIOD_S = 0.01
HURRY = 5
"""The fake lives so many times faster than the clock on the wall."""


class FakeRos2Control:
    """Moves at 1 rad/s towards what its controllers were told last, and keeps the farthest it was ever told.

    Its faults are attributes: silent, without_velocity, stamp_offset_ns, value (shown in place of what is measured) and
    order (the names shown).

    Args:
        kind: of the controllers, 'trajectory' or 'forward'.
        gripper: 'own' controller, 'joined' as last joint of the arm's controller, or 'none'.
        start: joints by name, in the controller's order.
        states: topic of the joint states.
    """

    def __init__(self, parent, kind="trajectory", gripper="own", start=START, states="/joint_states"):
        self._side = SideNode(parent, "theirs")
        self._lock = threading.Lock()
        self.joint_names = tuple(start)
        self.position = {**start, FINGER: CLOSED}
        self.target = dict(self.position)
        self.farthest = np.zeros((2, len(start)))
        self.order = sorted(self.position if gripper != "none" else start)
        self.ticks = self.received = 0
        self.silent = self.without_velocity = False
        self.stamp_offset_ns, self.value = 0, {}
        node = self._side.node
        self._states = node.create_publisher(JointState, states, QoSProfile(depth=10))
        self.subscriptions = []
        arm = (*start, FINGER) if gripper == "joined" else self.joint_names
        self._listen("/arm_controller/command", kind, arm)
        if gripper == "own":
            self._listen("/gripper_controller/command", kind, (FINGER,))
        node.create_timer(PERIOD_S, self._tick)
        self._side.start()

    def joints(self, of=None):
        with self._lock:
            values = self.target if of == "target" else self.position
            return np.array([values[name] for name in self.joint_names])

    def finger_target(self):
        with self._lock:
            return self.target[FINGER]

    def stop_listening(self):
        for subscription in self.subscriptions:
            self._side.node.destroy_subscription(subscription)

    def push(self, joints):
        """Somebody else moves the arm."""
        with self._lock:
            for name, value in zip(self.joint_names, joints, strict=True):
                self.position[name] = self.target[name] = float(value)

    def close(self):
        self._side.close()

    def _listen(self, topic, kind, names):
        def take(msg):
            if kind == "trajectory":
                assert msg.header.stamp.sec == msg.header.stamp.nanosec == 0
                (point,) = msg.points
                assert point.time_from_start.nanosec > 0
                self._take(dict(zip(msg.joint_names, point.positions, strict=True)), names)
            else:
                self._take(dict(zip(names, msg.data, strict=True)), names)

        message = JointTrajectory if kind == "trajectory" else Float64MultiArray
        self.subscriptions.append(self._side.node.create_subscription(message, topic, take, QoSProfile(depth=10)))

    def _take(self, values, names):
        assert set(values) == set(names)
        with self._lock:
            self.target.update(values)
            told = np.array([self.target[name] for name in self.joint_names])
            self.farthest = np.stack([np.minimum(self.farthest[0], told), np.maximum(self.farthest[1], told)])
            self.received += 1

    def _tick(self):
        with self._lock:
            before = dict(self.position)
            for name, target in self.target.items():
                step = HURRY * PERIOD_S
                self.position[name] += float(np.clip(target - self.position[name], -step, step))
            self.ticks += 1
            if self.silent:
                return
            shown = self.position | self.value
            msg = JointState(name=self.order, position=[shown[name] for name in self.order])
            if not self.without_velocity:
                msg.velocity = [(self.position[name] - before[name]) / (HURRY * PERIOD_S) for name in self.order]
            msg.header.stamp = time_from_ns(max(0, time.time_ns() + self.stamp_offset_ns))
            self._states.publish(msg)
