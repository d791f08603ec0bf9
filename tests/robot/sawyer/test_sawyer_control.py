"""The controller of every arm, Sawyer's kinematics and driver, and the emulated robot that moves the MuJoCo Sawyer."""

import time
from dataclasses import replace

import numpy as np
import pytest

from crl_robot.contracts import Action, ActionSpec
from crl_robot.control.controller import ArmController
from crl_robot.control.safety import SafetyLimits
from crl_robot.emulators.rosbridge.plant import MujocoPlant, ServoPlant
from crl_robot.emulators.rosbridge.sawyer import EmulatedSawyer
from crl_robot.kinematics import Kinematics
from crl_robot.sawyer.model import JOINT_SPEEDS, NEUTRAL_Q, SAWYER
from crl_robot.schedule import Schedule

LIMITS = SafetyLimits((0.3, -0.1, 0.0), (0.6, 0.4, 0.3), joint_speed=0.3 * float(JOINT_SPEEDS.min()))


@pytest.mark.parametrize("plant", [ServoPlant, MujocoPlant])
def test_a_plant_follows_its_set_points_and_stays_without_new_ones(plant):
    body = plant()
    for _ in range(50):
        body.step(0.01)
    np.testing.assert_allclose(body.joints()[0], NEUTRAL_Q, atol=1e-3)
    body.follow(NEUTRAL_Q + 0.1, 0.01)
    for _ in range(150):
        body.step(0.01)
    np.testing.assert_allclose(body.joints()[0], NEUTRAL_Q + 0.1, atol=1e-3)
    assert body.gap() == pytest.approx(0.01, abs=5e-4)


def test_actions_move_the_mujoco_sawyer_through_rosbridge(server, connect):
    server.robot = robot = EmulatedSawyer(MujocoPlant())
    arm = connect()
    arm.enable()
    controller = ArmController(arm, Kinematics(SAWYER), ActionSpec(), LIMITS, time.time_ns())
    controller.enable()
    start = controller.state().measured
    schedule = Schedule(1 / LIMITS.inner_rate_hz)
    for tick in range(60):
        if tick % 10 == 0 and tick < 40:
            controller.submit(
                Action(np.array([0.005, 0.0, 0.01, 0, 0, 0, 0.5], np.float32), time.time_ns()), time.time_ns()
            )
        controller.inner_tick(time.time_ns())
        arm.read()
        schedule.wait()
    moved = controller.state().measured.position - start.position
    np.testing.assert_allclose(moved, [0.02, 0.0, 0.04], atol=5e-3)
    assert not robot.refusals
    assert controller.mode == "holding"
    hand = Kinematics(replace(SAWYER, tool="right_hand")).forward(arm.read().position)
    np.testing.assert_allclose(arm.endpoint.position, hand.position, atol=5e-3)
