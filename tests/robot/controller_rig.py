"""A controller over a fake arm whose tool moves along its joints: q = (x, y, z, roll, pitch, yaw)."""

import numpy as np

from crl_robot.arm_model import ArmModel
from crl_robot.contracts import Action, ActionSpec, JointReading, Pose
from crl_robot.control.collision import CollisionError
from crl_robot.control.controller import ArmController
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ArmError
from crl_robot.geometry import matrix_from_quat, matrix_from_rpy, quat_from_matrix, rpy_from_matrix

INNER_NS = 20_000_000
NAMES = ("x", "y", "z", "roll", "pitch", "yaw")
START = np.array([0.30, 0.0, 0.15, 0.0, 0.0, 0.0])
LIMITS = SafetyLimits()


class FakeArm:
    joint_names = NAMES

    def __init__(self, q=START, stiffness=1.0):
        self.q, self.gripper, self.stiffness = np.array(q, dtype=float), 0.0, stiffness
        self.clock_ns = lambda: 0
        self.log = []
        self.broken = False
        self.latched = ""

    def read(self):
        self._require_working()
        return JointReading(self.q, np.zeros(len(self.q)), self.gripper, self.clock_ns())

    def command(self, position, gripper):
        self._require_working()
        self.log.append(("command", np.array(position)))
        self.q += self.stiffness * (position - self.q)
        self.gripper = gripper

    def hold(self):
        self._require_working()
        self.log.append(("hold", self.q.copy()))

    def enable(self):
        self._require_working()
        if self.latched:
            raise ArmError(self.latched)
        self.log.append(("enable", self.q.copy()))

    def reset(self):
        self._require_working()
        if self.latched:
            raise ArmError(self.latched)
        self.log.append(("reset", self.q.copy()))

    def diagnostics(self):
        return {}

    def close(self):
        self.hold()

    def _require_working(self):
        if self.broken:
            raise ArmError("no answer from the fake arm")


class FakeKinematics:
    """``singular_x`` is where a column of the Jacobian vanishes."""

    arm = ArmModel("fake.xml", NAMES, tuple(START.tolist()))
    joint_limits = np.array([[-1.0, 1.0]] * 3 + [[-3.0, 3.0]] * 3)
    singular_x = 9.0

    def __init__(self):
        self.fails = False

    def forward(self, q):
        return Pose(np.array(q[:3]), quat_from_matrix(matrix_from_rpy(q[3:])))

    def jacobian(self, q):
        return np.diag([min(1.0, abs(self.singular_x - q[0])), 1.0, 1.0, 1.0, 1.0, 1.0])

    def solve(self, target, q_seed):
        if self.fails:
            raise ArmError("out of reach")
        return np.append(target.position, rpy_from_matrix(matrix_from_quat(target.quat_wxyz)))


class FakeCollisions:
    """Walls across y: the arm touches itself beyond ``self_y``, and the table beyond ``table_y``."""

    self_y = table_y = 9.0

    def check(self, q, gripper):
        for wall, bodies in ((self.self_y, ("hand", "base")), (self.table_y, ("hand", "table"))):
            if q[1] > wall:
                raise CollisionError(bodies, wall - q[1], 0.005)

    def check_way(self, q_start, q_end, gripper_start, gripper_end):
        self.check(q_end, gripper_end)


class Rig:
    def __init__(self, spec=None, limits=LIMITS, **arm_options):
        self.now = 10**9
        self.arm, self.kinematics, self.collisions = FakeArm(**arm_options), FakeKinematics(), FakeCollisions()
        self.arm.clock_ns = lambda: self.now
        self.controller = ArmController(
            self.arm, self.kinematics, spec or ActionSpec(), limits, self.now, self.collisions
        )

    @property
    def events(self):
        return self.controller.events

    def enabled(self):
        self.controller.enable()
        return self

    def submit(self, *values, age_s=0.0, source=""):
        padded = np.zeros(7, dtype=np.float32)
        padded[: len(values)] = values
        return self.controller.submit(Action(padded, self.now - round(age_s * 1e9)), self.now, source)

    def ticks(self, count=10):
        for _ in range(count):
            self.controller.inner_tick(self.now)
            self.now += INNER_NS

    def mode(self):
        return self.controller.state().mode

    def holds(self):
        """Whether the last thing that the arm was told is to hold."""
        return self.arm.log[-1][0] == "hold"

    def home(self, *q):
        self.controller.home(np.array([*q, *START[len(q) :]]), self.now)
