"""The safety layer over the real driver over the emulated bus over the simulated arm."""

import numpy as np
import pytest

from crl_robot.contracts import Action, ActionSpec
from crl_robot.control.controller import ArmController
from crl_robot.control.safety import SafetyLimits
from crl_robot.kinematics import Kinematics
from crl_robot.sim.world import World

TICK_NS = 20_000_000


class Loop:
    def __init__(self, bench):
        self.bench, self.now_ns = bench, 0
        self.arm = bench.connect()
        self.controller = ArmController(self.arm, Kinematics(), ActionSpec(), SafetyLimits(), 0)
        self.controller.enable()

    def run(self, ticks):
        for _ in range(ticks):
            self.now_ns += TICK_NS
            self.controller.inner_tick(self.now_ns)
            self.bench.line.advance(0.02)

    def act(self, *values):
        self.controller.submit(Action(np.array([*values, 0, 0, 0, 0], dtype=np.float32), self.now_ns), self.now_ns)
        self.run(10)


@pytest.fixture
def loop(make_bench):
    return Loop(make_bench(world=World()))


def test_actions_move_the_tool_by_what_they_say(loop):
    before = loop.controller.state().measured.position
    for _ in range(4):
        loop.act(0.0, 0.02, 0.0)
    loop.run(20)
    moved = loop.controller.state().measured.position - before
    np.testing.assert_allclose(moved, [0, 0.08, 0], atol=4e-3)


def test_a_servo_that_fails_latches_the_estop_and_the_others_are_held(loop):
    loop.act(0.0, 0.02, 0.0)
    with loop.bench.line.locked() as bus:
        bus.servos[8].fail(1 << 5)
    loop.controller.state()
    loop.act(0.0, 0.02, 0.0)
    assert loop.controller.mode == "estopped"
    assert "wrist_rotate (ID 8) overloaded" in loop.controller.reason
    held = loop.bench.sent()[0]
    loop.run(25)
    np.testing.assert_array_equal(loop.bench.sent()[0], held)


def test_a_pulled_cable_latches_the_estop_and_the_arm_holds_when_it_is_back(loop):
    loop.act(0.0, 0.02, 0.0)
    with loop.bench.line.locked() as bus:
        bus.faults.pulled = True
    loop.run(1)
    with pytest.raises(RuntimeError):
        loop.controller.state()
    assert loop.controller.mode == "estopped"
    with loop.bench.line.locked() as bus:
        bus.faults.pulled = False
    loop.run(2)
    still = loop.bench.joints()
    loop.run(25)
    np.testing.assert_allclose(loop.bench.joints(), still, atol=5e-3)
