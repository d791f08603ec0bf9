"""An emulated servo arm for a node in another process, with an adapter that can be pulled out and plugged in."""

import numpy as np

from crl_robot.emulators.servo_bus.arms import simple_bus
from crl_robot.emulators.servo_bus.line import EmulatedBus
from crl_robot.kinematics import HOME_Q
from crl_robot.widowx.servo_table import load_servo_table

TABLE = load_servo_table("wx250s")
START = np.append(HOME_Q, 0.3)


class ServoHardware:
    """An emulated arm whose adapter can be pulled out and plugged in at the same path."""

    def __init__(self, link):
        self.link, self.goals = link, []
        self.bus = simple_bus(TABLE, START, on_goal=lambda servo, ticks: self.goals.append((servo, ticks)))
        self.plug_in()

    def plug_in(self):
        self.line = EmulatedBus(self.bus)
        self.line.link(self.link)

    def unplug(self):
        self.line.unplug()
        self.link.unlink()

    def joints(self):
        with self.line.locked() as bus:
            return bus.plant.joints()[0][:6].copy()

    def torque(self):
        with self.line.locked() as bus:
            return {servo.torque for servo in bus.servos.values()}

    def all_tripped(self):
        with self.line.locked() as bus:
            return all(servo.tripped for servo in bus.servos.values())
