import dataclasses

import numpy as np
import pytest

from crl_data.recording.matching import StepMatcher, nearest_state
from crl_robot.contracts import Action, Frame
from crl_robot.streams import ObservationBuffer

MS = 1_000_000


class Robot:
    """A camera and an arm that are told what arrives; a stamp arrives 3 ms after it was made."""

    def __init__(self, samples) -> None:
        self._samples = samples
        self.buffer = ObservationBuffer(("over_shoulder",), 0.5, 0.05, keep_s=1.0)
        self.matcher = StepMatcher(self.buffer, 0.02, patience_s=0.5)

    def see(self, ms: int) -> None:
        self.buffer.add_frame("over_shoulder", Frame(self._samples.image(), ms * MS, (ms + 3) * MS))

    def feel(self, ms: int) -> None:
        arm = self._samples.arm(ms * MS)
        joints = dataclasses.replace(arm.joints, receive_stamp_ns=(ms + 3) * MS)
        self.buffer.add_arm(dataclasses.replace(arm, joints=joints))

    def live(self, *instants_ms: int) -> None:
        for ms in instants_ms:
            self.see(ms)
            self.feel(ms)

    def command(self, stamp_ms: int, now_ms: int, first=0.0, gripper=0.5) -> None:
        self.matcher.add_commanded(_action(stamp_ms, first, gripper), now_ms * MS)

    def steps(self, now_ms: int) -> list:
        return self.matcher.take(now_ms * MS)


def _action(stamp_ms, first=0.0, gripper=0.5):
    return Action(np.array([first, 0, 0, 0, 0, 0, gripper], np.float32), stamp_ms * MS)


def _frame_ms(step):
    return step.observation.newest_stamp_ns // MS


@pytest.fixture
def robot(samples):
    return Robot(samples)


def test_an_action_meets_the_observation_whose_frame_it_names(robot):
    robot.live(100, 130, 160)
    robot.matcher.add_requested(_action(130, 0.3))
    robot.command(130, 170, 0.05)
    (step,) = robot.steps(170)
    assert (_frame_ms(step), step.observation.arm.joints.stamp_ns) == (130, 130 * MS)
    assert (step.requested.values[0], step.executed.values[0]) == (np.float32(0.3), np.float32(0.05))
    assert robot.matcher.lost == {"actions": 0, "requests": 0}


def test_the_stamp_of_a_step_is_the_arrival_of_its_last_part(robot):
    robot.see(100)
    robot.feel(110)
    robot.command(100, 120)
    (step,) = robot.steps(120)
    assert step.observation.stamp_ns == 113 * MS


def test_an_action_waits_for_what_comes_after_it_and_later_ones_wait_behind_it(robot):
    robot.command(100, 110)
    robot.command(130, 140)
    assert robot.steps(140) == []
    robot.see(100)
    assert robot.steps(140) == []
    robot.feel(100)
    assert [_frame_ms(step) for step in robot.steps(140)] == [100]
    robot.live(130)
    assert [_frame_ms(step) for step in robot.steps(140)] == [130]


def test_streams_that_arrive_out_of_step_after_a_stall_lose_nothing(robot):
    """After a stall frames were taken in before the arm states of their time, and no step was made of them."""
    for ms in (100, 130, 160, 190):
        robot.see(ms)
        robot.command(ms, 300)
    for ms in range(0, 100, 10):
        robot.feel(ms)
    assert robot.steps(310) == []
    for ms in range(100, 200, 10):
        robot.feel(ms)
    assert [_frame_ms(step) for step in robot.steps(310)] == [100, 130, 160, 190]


def test_an_action_without_a_frame_within_the_tolerance_is_counted_and_never_guessed(robot):
    robot.live(100, 200)
    robot.command(130, 200)
    assert robot.steps(200) == []
    assert robot.matcher.lost["actions"] == 1
    robot.command(230, 240)
    assert robot.steps(739) == []
    assert robot.matcher.lost["actions"] == 1
    assert robot.steps(740) == []
    assert robot.matcher.lost["actions"] == 2


def test_a_frame_that_was_old_when_it_came_makes_no_step(robot):
    robot.live(100)
    robot.buffer.add_frame("over_shoulder", Frame(np.zeros((24, 32, 3), np.uint8), 140 * MS, 700 * MS))
    robot.feel(140)
    robot.command(140, 700)
    assert robot.steps(700) == []
    assert robot.matcher.lost["actions"] == 1


def test_at_the_end_an_action_that_still_waits_is_counted(robot):
    robot.live(100)
    robot.command(100, 110)
    robot.command(130, 140)
    assert len(robot.matcher.end(140 * MS)) == 1
    assert robot.matcher.lost["actions"] == 1


def test_a_new_episode_begins_without_the_actions_of_before_but_knows_the_frames(robot):
    robot.live(100)
    robot.command(200, 210)
    robot.matcher.begin(220 * MS)
    robot.command(100, 230)
    assert [step.executed.stamp_ns for step in robot.steps(230)] == [100 * MS]
    assert robot.matcher.lost == {"actions": 0, "requests": 1}


def test_an_action_nobody_was_heard_to_ask_for_is_recorded_and_counted(robot):
    robot.live(100)
    robot.command(100, 110)
    (step,) = robot.steps(110)
    assert step.requested is step.executed
    assert robot.matcher.lost == {"actions": 0, "requests": 1}


def test_the_gripper_target_of_a_step_is_that_of_the_action_before(robot):
    robot.live(100, 130, 160)
    robot.command(100, 110, gripper=0.25)
    robot.command(130, 140, gripper=0.75)
    robot.command(160, 170, gripper=1.0)
    measured, *targets = (step.observation.arm for step in robot.steps(170))
    assert measured.gripper_target != 0.25
    assert [arm.gripper_target for arm in targets] == [0.25, 0.75]


def test_the_state_after_the_last_step_is_only_taken_near_its_instant(samples):
    states = [samples.arm(tick * 100 * MS) for tick in range(5)]
    assert nearest_state(states, 390 * MS, 100 * MS) is states[4]
    assert nearest_state(states, 510 * MS, 100 * MS) is None


def test_an_action_that_comes_while_the_episode_ends_is_counted_and_not_forgotten(robot):
    """The end was timed before the action arrived: the action waited on, and the next episode dropped it uncounted."""
    robot.live(100)
    robot.command(200, now_ms=210)
    assert robot.matcher.end(205 * MS) == []
    assert robot.matcher.lost["actions"] == 1
