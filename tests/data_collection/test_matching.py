import dataclasses

import numpy as np

from crl_data.matching import StepMatcher
from crl_robot.contracts import Action

MS = 1_000_000


def _action(stamp_ns, first=0.0):
    return Action(np.array([first, 0, 0, 0, 0, 0, 0.5], np.float32), stamp_ns)


def _observation(samples, tick):
    observation = samples.observation(tick)
    return observation, observation.newest_stamp_ns


def test_an_action_meets_the_observation_whose_frame_it_names(samples):
    matcher = StepMatcher(0.02)
    (early, stamp), (late, _) = _observation(samples, 0), _observation(samples, 1)
    matcher.add_observation(early)
    matcher.add_observation(late)
    matcher.add_requested(_action(stamp, 0.3))
    matcher.add_commanded(_action(stamp, 0.05), now_ns=0)
    (step,) = matcher.take(0)
    assert step.observation is early
    assert (step.requested.values[0], step.executed.values[0]) == (np.float32(0.3), np.float32(0.05))


def test_an_action_waits_for_a_frame_that_comes_after_it_and_later_ones_wait_behind_it(samples):
    matcher = StepMatcher(0.02)
    (first, stamp), (second, later) = _observation(samples, 0), _observation(samples, 1)
    matcher.add_commanded(_action(stamp), now_ns=0)
    matcher.add_commanded(_action(later), now_ns=0)
    assert matcher.take(1) == []
    matcher.add_observation(first)
    assert [step.observation for step in matcher.take(2)] == [dataclasses.replace(first, arm=_held(first))]
    matcher.add_observation(second)
    assert len(matcher.take(3)) == 1


def _held(observation):
    return dataclasses.replace(observation.arm, gripper_target=0.5)


def test_an_action_without_a_frame_within_the_tolerance_is_counted_and_never_guessed(samples):
    matcher = StepMatcher(0.02, patience_s=0.5)
    observation, stamp = _observation(samples, 0)
    matcher.add_observation(observation)
    matcher.add_commanded(_action(stamp - 30 * MS), now_ns=0)
    assert matcher.take(1) == []
    matcher.add_commanded(_action(stamp + 30 * MS), now_ns=0)
    assert matcher.take(499 * MS) == []
    assert matcher.unmatched == 1
    assert matcher.take(500 * MS) == []
    assert matcher.unmatched == 2


def test_the_state_after_the_last_step_is_only_taken_near_its_instant(samples):
    matcher = StepMatcher(0.02)
    observation, _ = _observation(samples, 3)
    matcher.add_observation(observation)
    assert matcher.state_at(observation.stamp_ns + 90 * MS, 100 * MS) is observation.arm
    assert matcher.state_at(observation.stamp_ns + 110 * MS, 100 * MS) is None
