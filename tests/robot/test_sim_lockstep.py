"""The simulated arm in lock step, in this process: an Action is a period, and nothing else is."""

import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy

from crl_robot.contracts import Action, ActionSpec
from crl_robot.control.safety import SafetyLimits
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import msg_from_action
from crl_robot.nodes.sim_lockstep import FIRST_NS, REPEAT_TICKS, LockstepArm
from crl_robot.sim.env import SimEnv
from crl_robot.sim.world import INNER_PERIOD_NS, World

pytestmark = pytest.mark.ros
PERIOD_NS = 200_000_000


class Rig:
    def __init__(self):
        self.node = CrlNode("sim")
        self.node.trigger_configure()
        self.world = World()
        self.instants: list[tuple[int, bool]] = []
        self.arm = LockstepArm(self.node, self.world, ActionSpec(), SafetyLimits(), self.note)
        self.node.trigger_activate()
        self.arm.enable()

    def note(self, at_start):
        self.instants.append((self.arm.clock.now_ns(), at_start))

    def act(self, *delta, stamp_ns=None, seen=True):
        """Send an Action as the policy does, and let the stepping thread's work be done here."""
        values = np.array([*delta, *[0.0] * (6 - len(delta)), 1.0], dtype=np.float32)
        msg = msg_from_action(Action(values, self.arm.clock.now_ns() if stamp_ns is None else stamp_ns), "policy")
        self.arm._topics._on_action(msg, {})
        if seen:
            self.arm._step_or_repeat()

    def reset(self, env):
        with self.arm.placed():
            self.world.place(env.solve(env.episode.start.tool), env.episode.start)


@pytest.fixture
def rig():
    rclpy.init()
    rig = Rig()
    yield rig
    rig.node.destroy_node()
    rclpy.try_shutdown()


def test_time_stands_still_without_an_action(rig):
    for _ in range(20):
        rig.arm._step_or_repeat()
    assert rig.arm.clock.now_ns() == FIRST_NS
    assert rig.world.time_ns == 0


def test_an_action_is_one_control_period(rig):
    rig.act(0.02)
    rig.act(0.02)
    assert rig.instants == [(FIRST_NS + PERIOD_NS, False), (FIRST_NS + 2 * PERIOD_NS, False)]


def test_an_action_of_another_instant_is_passed_over(rig):
    rig.act(0.02)
    rig.act(0.02, stamp_ns=FIRST_NS)
    assert rig.arm.clock.now_ns() == FIRST_NS + PERIOD_NS
    assert rig.arm.health()[2]["passed_over"] == 1


def test_a_second_action_for_one_instant_is_passed_over(rig):
    rig.act(0.02, seen=False)
    rig.act(0.02)
    assert rig.arm.clock.now_ns() == FIRST_NS + PERIOD_NS
    assert rig.arm.health()[2]["passed_over"] == 1


def test_a_refused_action_takes_its_period_like_any_other(rig):
    rig.arm._topics._controller.estop("pressed")
    rig.act(0.02)
    assert rig.arm.health()[2].get("count_accepted", 0) == 0
    assert rig.arm.clock.now_ns() == FIRST_NS + PERIOD_NS


def test_an_action_for_a_disabled_arm_is_passed_over(rig):
    rig.arm.disable()
    rig.act(0.02)
    assert rig.arm.clock.now_ns() == FIRST_NS


def test_time_goes_on_over_a_reset_and_the_new_instant_is_told_as_a_start(rig):
    env = SimEnv("reach", ())
    env.reset(np.random.default_rng(0))
    rig.act(0.02)
    rig.reset(env)
    rig.arm._step_or_repeat()
    assert rig.instants[-1] == (FIRST_NS + PERIOD_NS + INNER_PERIOD_NS, True)
    env.close()


def test_an_instant_is_told_again_for_those_who_come_late(rig):
    rig.act(0.02)
    for _ in range(REPEAT_TICKS + 1):
        rig.arm._step_or_repeat()
    assert rig.instants == [(FIRST_NS + PERIOD_NS, False)] * 2


def test_the_same_actions_lead_to_the_same_state_to_the_bit_as_in_one_process(rig):
    env = SimEnv("push", ("over_shoulder",))
    rng = np.random.default_rng(4)
    actions = [rng.uniform(-0.05, 0.05, 3) for _ in range(12)]
    env.reset(np.random.default_rng(0))
    for _ in range(2):  # the second time after a reset out of a motion
        env.reset(env.episode)
        env.goal_image()
        rig.reset(env)
        for delta in actions:
            env.act(np.array([*delta, 0, 0, 0, 1.0], dtype=np.float32))
            rig.act(*delta)
        np.testing.assert_array_equal(rig.world.data.qpos, env.world.data.qpos)
        np.testing.assert_array_equal(rig.world.data.qvel, env.world.data.qvel)
    env.close()
