"""A driver process that is killed or hangs: the servos stop the arm by themselves."""

import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from crl_robot.emulators.servo_bus.arms import simple_bus
from crl_robot.emulators.servo_bus.line import EmulatedBus
from crl_robot.emulators.servo_bus.plant import SimplePlant
from crl_robot.widowx.servo_table import load_servo_table

pytest.importorskip("dynamixel_sdk")

DRIVER = textwrap.dedent(
    """
    import sys, time
    import numpy as np
    from crl_robot.widowx.arm import WidowXArm
    from crl_robot.widowx.servo_table import load_servo_table
    from crl_robot.widowx.settings import ServoArmSettings

    arm = WidowXArm(sys.argv[1], load_servo_table("wx250s"), ServoArmSettings(answer_s=0.08))
    arm.enable()
    position = arm.read().position
    for step in range(10_000):
        arm.command(position + np.array([min(0.012 * step, 2.5), 0, 0, 0, 0, 0]), 0.0)
        arm.read()
        if step == 10:
            print("moving", flush=True)
        time.sleep(0.02)
    """
)


class RecordingPlant(SimplePlant):
    """Keeps when the waist moved, in the time of the emulated bus."""

    def __init__(self, start):
        super().__init__(start)
        self.now = self.last_motion = 0.0

    def advance(self, dt, set_points):
        super().advance(dt, set_points)
        self.now += dt
        if abs(self.joints()[1][0]) > 0.01:
            self.last_motion = self.now


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_the_arm_stands_within_300_ms_of_the_last_command(how):
    table, last_goal = load_servo_table("wx250s"), []
    bus = simple_bus(table, np.zeros(7), on_goal=lambda *_: last_goal.append(plant.now))
    plant = bus.plant = RecordingPlant(np.zeros(7))
    with EmulatedBus(bus) as line:
        driver = subprocess.Popen([sys.executable, "-c", DRIVER, line.path], stdout=subprocess.PIPE, text=True)
        try:
            assert driver.stdout is not None
            assert driver.stdout.readline() == "moving\n"
            driver.send_signal(how)
            _wait_for(line, lambda: bus.servos[1].tripped)
            stopped = plant.joints()[0][0]
            _wait_for(line, lambda: plant.now > plant.last_motion + 0.5)
        finally:
            driver.kill()
            driver.communicate()
    assert stopped > 0.05, "it was moving"
    assert plant.last_motion - last_goal[-1] < 0.3
    assert plant.joints()[0][0] == pytest.approx(stopped, abs=0.05)
    assert all(servo.torque for servo in bus.servos.values()), "it is held, not dropped"


def _wait_for(line, condition):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with line.locked():
            if condition():
                return
        time.sleep(0.01)
    pytest.fail("the emulated bus did not get there within 20 s")
