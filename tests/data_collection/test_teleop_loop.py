"""The teleoperation loop: when it acts, and what it says when it does not. And the scripted operator in it."""

import re

import numpy as np
import pytest

from crl_data.teleop.command import Command
from crl_data.teleop.inputs import JoyInput
from crl_data.teleop.layout import load_layout
from crl_data.teleop.loop import LoopSettings, TeleopLoop
from crl_data.teleop.mapper import TeleopMapper, TeleopSettings
from crl_data.teleop.scripted import ScriptedReacher, ScriptedSettings
from crl_robot.contracts import ActionSpec, Pose
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ConfigError
from crl_robot.geometry import GRIPPER_DOWN, matrix_from_rpy, quat_from_matrix
from crl_robot.sim.places import reachable

DT = 0.2
DOWN = quat_from_matrix(GRIPPER_DOWN)


class Bench:
    """A loop with everything in order at time ``now``; moves time on by ticks."""

    def __init__(self, source=None, settings=None, **speeds):
        mapper = TeleopMapper(
            ActionSpec(), SafetyLimits(), TeleopSettings(start_scale=1.0, acceleration=100.0, **speeds)
        )
        self.loop = TeleopLoop(source or JoyInput(load_layout("plain")), mapper, settings or LoopSettings())
        self.now = 100.0
        self.tool = Pose(np.array([0.3, 0.0, 0.1]), DOWN)
        self.others = []
        self.frames = self.arm = self.joy = True
        self.mode, self.reason = "holding", ""
        self.opening = 0.0
        self.command = Command()

    def tick(self, command=None, ticks=1):
        action = None
        for _ in range(ticks):
            self.now += DT
            self.command = command or self.command
            if self.frames:
                self.loop.on_frame("over_shoulder", self.now_ns - 20_000_000)
            if self.arm:
                self.loop.on_arm(self.mode, self.reason, self.now)
                self.loop.on_tool(self.tool)
                self.loop.on_opening(self.opening)
            if self.joy:
                self.loop.on_joy(*self.command.to_plain(), self.now)
            action = self.loop.tick(DT, self.now, self.now_ns, self.others)
        return action

    @property
    def now_ns(self):
        return round(self.now * 1e9)


def held(x=1.0, *pressed):
    return Command(np.array([x, 0, 0, 0, 0, 0]), frozenset({"deadman", *pressed}))


@pytest.fixture
def bench():
    bench = Bench()
    bench.tick(Command())
    return bench


def test_a_held_dead_man_gives_an_action_with_the_stamp_of_the_newest_frame(bench):
    action = bench.tick(held())
    assert action.values.tolist() == pytest.approx([0.04, 0, 0, 0, 0, 0, 0])
    assert action.stamp_ns == bench.now_ns - 20_000_000
    assert bench.loop.reason == ""
    assert bench.loop.counters == {"silent": 1, "actions": 1}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"others": ["policy"]}, "policy publishes on /arm/action as well"),
        ({"mode": "estopped", "reason": "arm fault"}, r"the arm is estopped \(arm fault\)"),
        ({"mode": "disabled"}, "the arm is disabled"),
        ({"mode": "moving", "reason": "homing"}, "the arm is homing"),
        ({"frames": False}, "newest frame of camera 'over_shoulder' is"),
        ({"joy": False}, "no message on /joy for"),
        ({"arm": False}, "the arm has said nothing for"),
        ({"command": Command()}, "dead-man released"),
    ],
)
def test_whatever_is_not_in_order_silences_it_and_is_said(bench, change, reason):
    assert bench.tick(held()) is not None
    for name, value in change.items():
        setattr(bench, name, value)
    assert bench.tick(ticks=16 if not bench.arm else 2) is None
    assert re.search(reason, bench.loop.reason)


def test_without_a_frame_or_an_arm_there_is_no_action():
    bench = Bench()
    bench.frames = False
    bench.tick(Command())
    assert bench.tick(held()) is None
    assert bench.loop.reason == "no frame from camera 'over_shoulder' yet"
    bench = Bench()
    bench.arm = False
    assert bench.tick(held(), ticks=2) is None
    assert bench.loop.reason == "no arm state yet"


def test_a_tap_between_two_ticks_is_not_lost(bench):
    bench.tick(held(0.0))
    bench.loop.on_joy(*held(0.0, "open", "slower").to_plain(), bench.now + 0.05)
    bench.loop.on_joy(*held(0.0).to_plain(), bench.now + 0.1)
    assert bench.tick(held(0.0)).values[6] == 1.0
    assert bench.loop.scale == pytest.approx(0.8)


def test_the_gripper_starts_from_what_was_commanded_not_from_what_an_object_left_of_it(bench):
    bench.opening = 0.4
    assert bench.tick(held()).values[6] == pytest.approx(0.4)
    bench.loop.on_commanded(0.0)
    bench.tick(Command())
    assert bench.tick(held()).values[6] == 0.0


def test_after_a_reset_of_the_scene_the_measured_opening_counts_again(bench):
    bench.loop.on_commanded(1.0)
    bench.loop.on_session("resetting", bench.now)
    assert bench.tick(held()).values[6] == 0.0


@pytest.mark.parametrize("state", ["done", "failed"])
def test_after_the_session_nothing_moves(bench, state):
    bench.loop.on_session(state, bench.now)
    assert bench.tick(held()) is None
    assert state in bench.loop.reason


def test_the_tools_frame_is_taken_from_the_measured_pose():
    bench = Bench(frame="tool_yaw")
    bench.tool = Pose(np.array([0.3, 0, 0.1]), quat_from_matrix(matrix_from_rpy([0, 0, np.pi / 2]) @ GRIPPER_DOWN))
    bench.tick(Command())
    assert bench.tick(held()).values[:3].tolist() == pytest.approx([0, 0.04, 0], abs=1e-6)


# --- scripted


def reach(seed, ticks=400, **settings):
    """Positions and actions of scripted reaching with an arm that follows perfectly."""
    source = ScriptedReacher(ScriptedSettings(seed=seed, **settings), SafetyLimits(), reachable)
    bench = Bench(source, LoopSettings(only_while_recording=True))
    bench.joy = False
    positions, actions = [], []
    for _ in range(ticks):
        bench.loop.on_session("recording", bench.now)
        action = bench.tick()
        actions.append(action.values)
        bench.tool = Pose(bench.tool.position + action.values[:3], DOWN)
        positions.append(bench.tool.position)
    return np.array(positions), np.array(actions)


def test_scripted_reaching_covers_the_workspace_and_stays_inside():
    positions, actions = reach(0)
    limits = SafetyLimits()
    assert (positions > np.array(limits.workspace_low)).all()
    assert (positions < np.array(limits.workspace_high)).all()
    share = np.ptp(positions, axis=0) / np.subtract(limits.workspace_high, limits.workspace_low)
    assert (share > 0.5).all()
    assert not actions[:, 3:6].any()
    assert set(actions[:, 6]) == {0.0, 1.0}


def test_the_same_seed_reaches_the_same_way_and_another_one_differently():
    one, again, other = (reach(seed, 50)[1] for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_goal_that_the_arm_does_not_get_to_is_given_up():
    source = ScriptedReacher(ScriptedSettings(noise=0.0), SafetyLimits())
    stuck = Pose(np.array([0.3, 0.0, 0.1]), DOWN)
    first = source.command(stuck, 0.0).twist
    np.testing.assert_array_equal(source.command(stuck, 5.9).twist, first)
    assert not np.array_equal(source.command(stuck, 6.0).twist, first)


def test_scripted_motion_waits_for_the_session_to_record():
    bench = Bench(ScriptedReacher(ScriptedSettings(), SafetyLimits()), LoopSettings(only_while_recording=True))
    bench.joy = False
    assert bench.tick() is None
    assert bench.loop.reason == "waiting for the session to record"
    bench.loop.on_session("recording", bench.now)
    assert bench.tick() is not None
    assert bench.tick(ticks=16) is None
    assert "the session has said nothing" in bench.loop.reason
    bench.loop.on_session("stopping", bench.now)
    assert bench.tick() is None


def test_a_workspace_without_a_reachable_point_is_refused():
    source = ScriptedReacher(ScriptedSettings(), SafetyLimits(), lambda _: False)
    with pytest.raises(ConfigError, match="no reachable goal"):
        source.command(Pose(np.zeros(3), DOWN), 0.0)
