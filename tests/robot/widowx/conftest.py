"""An emulated arm for the tests of the driver: time passes by hand, so nothing has to wait."""

import numpy as np
import pytest

from crl_robot.emulators.servo_bus.arms import simple_bus, world_bus
from crl_robot.emulators.servo_bus.line import EmulatedBus, ManualClock
from crl_robot.kinematics import HOME_Q, JOINT_NAMES
from crl_robot.widowx.arm import WidowXArm
from crl_robot.widowx.servo_table import load_servo_table
from crl_robot.widowx.settings import ServoArmSettings
from crl_robot.widowx.units import RAD_PER_TICK

START = np.array([0.1, -0.5, 0.6, 0.2, 0.7, -0.3])
FALL_RAD_S = 1.0
PATIENT = ServoArmSettings(answer_s=0.1)
"""Waits long enough for an answer on a machine that is busy with other tests."""


class ServoBench:
    """The emulated arm, drivers connected to it, and its time. Joints without torque fall."""

    start = START
    other = START + np.array([0.2, 0.25, -0.3, 0.2, -0.25, 0.3])
    tolerance_rad = 4 * RAD_PER_TICK
    quantum_rad = RAD_PER_TICK
    gripper_tolerance = 0.02
    exclusive = True
    always_on = False

    def __init__(self, table=None, torque=True, world=None, **options):
        self.table = table or load_servo_table("wx250s")
        self.goals = []
        if world is None:
            self.bus = self._simple(options)
        else:
            self.start, self.other = HOME_Q, HOME_Q + 0.1
            self.bus = world_bus(self.table, world, on_goal=self._note_goal, **options)
        self.line = EmulatedBus(self.bus, clock=ManualClock())
        self.arms = []
        if torque:
            self.set_registers(torque_enable=1)

    def _simple(self, options):
        angles = dict(zip(JOINT_NAMES, START, strict=True))
        start = [*(angles[name] for name in self.table.joint_names), 0.3]
        return simple_bus(self.table, start, fall_rad_s=FALL_RAD_S, on_goal=self._note_goal, **options)

    def _note_goal(self, servo_id, ticks):
        self.goals.append((servo_id, ticks))

    def open(self, settings=PATIENT):
        """Connect only."""
        arm = WidowXArm(self.line.path, self.table, settings)
        self.arms.append(arm)
        return arm

    def connect(self, settings=PATIENT):
        arm = self.open(settings)
        arm.enable()
        return arm

    def connect_powered(self):
        self.set_registers(torque_enable=1)
        return self.open()

    def told(self):
        return len(self.goals)

    def settle(self, seconds):
        for _ in range(round(seconds / 0.02)):
            self.line.advance(0.02)
            self.feed()

    def feed(self):
        """Read every enabled arm; what was sent to the bus before has arrived when this returns."""
        for arm in self.arms:
            if arm.enabled:
                arm.read()

    def sent(self):
        self.feed()
        with self.line.locked() as bus:
            ticks = [bus.servos[s.servo_id].memory["goal_position"] for s in self.table.joints]
            gripper = bus.servos[self.table.gripper.servo.servo_id].memory["goal_position"]
        joints = (np.array(ticks) - 2048) * RAD_PER_TICK
        return joints, self.table.gripper.linkage.opening_from_ticks(gripper)

    def joints(self):
        """Where the joints really are."""
        with self.line.locked() as bus:
            return bus.plant.joints()[0][: len(START)]

    def registers(self, name):
        with self.line.locked() as bus:
            return {i: s.memory[name] for i, s in bus.servos.items()}

    def set_registers(self, ids=None, **values):
        with self.line.locked() as bus:
            for servo_id, servo in bus.servos.items():
                for name, value in values.items():
                    if ids is None or servo_id in ids:
                        servo.memory[name] = value

    def close(self):
        for arm in self.arms:
            arm.close()
        self.line.close()


@pytest.fixture
def make_bench():
    """Makes benches that are closed after the test."""
    pytest.importorskip("dynamixel_sdk")
    made = []

    def make(**options):
        made.append(ServoBench(**options))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make_bench):
    return make_bench()
