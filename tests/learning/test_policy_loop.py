import math

import numpy as np
import pytest

from crl_learning.policy_loop import PolicyLoop
from crl_learning.views import Views
from crl_robot.contracts import ActionSpec, ArmState, Frame, JointReading, Observation, Pose
from crl_robot.errors import ContractError
from crl_robot.image_spec import ImageSpec

MS = 1_000_000


class BrightnessPolicy:
    """Moves along x by the brightness of goal minus image."""

    image_spec = ImageSpec()
    views = Views(image_spec)
    action_spec = ActionSpec()

    distances = (1.0, 2.0)

    def __init__(self) -> None:
        self.goal = 0.0
        self.interrupted = 0

    def interrupt(self):
        self.interrupted += 1

    def set_goal(self, native_image):
        self.goal = float(native_image.mean())
        return self.image_spec.apply(native_image)

    def act(self, native_image, joints=None):
        dx = (self.goal - float(native_image.mean())) / 255
        return np.array([dx, 0, 0, 0, 0, 0, 1], np.float32), -abs(dx)


REST = Pose(np.zeros(3), np.array([1.0, 0, 0, 0]))
ARM = ArmState(JointReading(np.zeros(6), np.zeros(6), 1.0, 0), REST, REST, 1.0, "holding")


def seen(frame_ms: float, now_ms: float, value: int = 0) -> Observation:
    """What is known at ``now_ms``: a frame of one brightness, taken at ``frame_ms``."""
    image = np.full((240, 320, 3), value, np.uint8)
    frame = Frame(image, int(frame_ms * MS), int((frame_ms + 2) * MS))
    return Observation({"over_shoulder": frame}, ARM, int(now_ms * MS))


@pytest.fixture
def loop():
    loop = PolicyLoop(BrightnessPolicy())
    loop.set_goal(np.full((240, 320, 3), 255, np.uint8))
    return loop


def test_an_action_carries_the_stamp_of_its_frame_and_the_tick_its_age(loop):
    tick = loop.tick(seen(1000, 1040), lateness_ms=0.5)
    assert tick.action.stamp_ns == 1000 * MS
    assert tick.action.values[0] == pytest.approx(1.0)
    assert (tick.age_ms, tick.lateness_ms, tick.estimate) == (40.0, 0.5, -1.0)
    assert tick.inference_ms >= 0


def test_without_a_fresh_observation_there_is_no_action_and_it_is_counted(loop):
    tick = loop.tick(None, 0.0)
    assert tick.action is None
    assert math.isnan(tick.estimate)
    assert loop.counters == {"skipped": 1}


def test_without_a_goal_there_is_no_action():
    loop = PolicyLoop(BrightnessPolicy())
    assert loop.tick(seen(0, 10), 0.0).action is None


def test_the_next_tick_acts_towards_a_new_goal(loop):
    shown = loop.set_goal(np.zeros((240, 320, 3), np.uint8))
    assert shown.shape == (64, 64, 3)
    assert loop.tick(seen(0, 10), 0.0).action.values[0] == 0.0


def test_acting_twice_on_one_frame_is_counted(loop):
    for now_ms in (1010, 1020):
        loop.tick(seen(1000, now_ms), 0.0)
    assert loop.counters == {"actions": 2, "repeated": 1}


def test_values_that_are_no_action_never_leave_the_loop(loop, monkeypatch):
    monkeypatch.setattr(BrightnessPolicy, "act", lambda self, image, joints: (np.full(7, np.nan, np.float32), 0.0))
    with pytest.raises(ContractError, match="not finite"):
        loop.tick(seen(0, 10), 0.0)


def test_a_result_that_comes_after_its_period_is_dropped_and_counted(loop):
    tick = loop.tick(seen(1000, 1040), lateness_ms=201.0)
    assert tick.action is None
    assert tick.late
    assert loop.counters == {"late": 1}


def test_the_speed_scales_the_deltas_and_leaves_the_gripper(loop):
    values = loop.tick(seen(1000, 1040), 0.0, speed=0.5).action.values
    assert values[0] == pytest.approx(0.5)
    assert values[6] == 1.0


def test_what_was_planned_ahead_is_forgotten_when_nothing_is_seen():
    policy = BrightnessPolicy()
    PolicyLoop(policy).tick(None, 0.0)
    assert policy.interrupted == 1


def test_a_tick_tells_which_goal_it_acted_towards_and_how_far_the_view_is(loop):
    tick = loop.tick(seen(0, 10), 0.0)
    assert (tick.goal, tick.distances, tick.stamp_ns) == (1, (1.0, 2.0), 0)
