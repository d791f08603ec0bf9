import numpy as np
import pytest
from arm_suite import ArmSuite

from crl_robot.contracts import Arm
from crl_robot.errors import ArmError
from crl_robot.gripper import opening_from_finger
from crl_robot.kinematics import HOME_Q, N_JOINTS
from crl_robot.sim.arm import SimArm
from crl_robot.sim.world import World


@pytest.fixture
def world():
    return World()


@pytest.fixture
def arm(world):
    return SimArm(world)


def run(world, ticks):
    for _ in range(ticks):
        world.step_inner()


def test_it_is_an_arm(arm):
    assert isinstance(arm, Arm)
    assert len(arm.joint_names) == 6


def test_connecting_never_moves_it(world, arm):
    run(world, 20)
    np.testing.assert_allclose(arm.read().position, HOME_Q, atol=1e-4)


def test_a_reading_carries_the_stamp_of_the_clock_it_was_given(world):
    assert SimArm(world, clock_ns=lambda: 1234).read().stamp_ns == 1234
    run(world, 1)
    assert SimArm(world).read().stamp_ns == 20_000_000


def test_it_goes_where_it_is_commanded(world, arm):
    arm.command(HOME_Q + 0.1, 1.0)
    run(world, 60)
    reading = arm.read()
    np.testing.assert_allclose(reading.position, HOME_Q + 0.1, atol=5e-3)
    assert reading.gripper > 0.9


def test_hold_stops_a_motion_where_it_is(world, arm):
    arm.command(HOME_Q + 0.5, 0.0)
    run(world, 5)
    arm.hold()
    held = arm.read().position
    run(world, 60)
    np.testing.assert_allclose(arm.read().position, held, atol=0.01)


def test_hold_leaves_the_gripper_squeezing(world, arm):
    """It once took the measured opening for its new command, and what the fingers held fell."""
    arm.command(HOME_Q, 0.0)
    world.data.qpos[N_JOINTS : N_JOINTS + 2] = 0.03  # as if something were between the fingers
    squeezing = world.data.ctrl[N_JOINTS]
    arm.hold()
    assert world.data.ctrl[N_JOINTS] == squeezing


@pytest.mark.parametrize(("position", "gripper"), [(np.zeros(5), 0.0), (np.full(6, np.nan), 0.0), (HOME_Q, np.nan)])
def test_commands_that_are_not_joints_are_refused_and_do_not_move_it(world, arm, position, gripper):
    before = world.data.ctrl.copy()
    with pytest.raises(ArmError, match="expected 6 finite"):
        arm.command(position, gripper)
    np.testing.assert_array_equal(world.data.ctrl, before)


def test_a_closed_arm_refuses_everything_but_hold(arm):
    arm.close()
    arm.close()
    arm.hold()
    with pytest.raises(ArmError, match="closed"):
        arm.read()
    with pytest.raises(ArmError, match="closed"):
        arm.command(HOME_Q, 0.0)


class SimBench:
    """One world as the suite's device."""

    start = HOME_Q
    other = HOME_Q + 0.1
    tolerance_rad = 5e-3
    quantum_rad = 1e-9
    gripper_tolerance = 0.1
    exclusive = False
    always_on = True

    def __init__(self):
        self.world = World()

    def connect(self):
        return SimArm(self.world)

    def settle(self, seconds):
        run(self.world, round(seconds / 0.02))

    def sent(self):
        return self.world.data.ctrl[:6].copy(), opening_from_finger(float(self.world.data.ctrl[6]))


class TestSimArm(ArmSuite):
    @pytest.fixture
    def bench(self):
        return SimBench()
