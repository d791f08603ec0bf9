"""What plans are made of and what they need of a policy: frames, stages, and goals that are seen already."""

import numpy as np
import pytest
from planning_worlds import frames_at

from crl_learning.goal_policy import GoalPolicy
from crl_learning.goals.check import CheckedGoal
from crl_learning.goals.reference import FrameName
from crl_learning.goals.stages import Stages
from crl_learning.planning.frames import MAX_BYTES, frame_count, spread_out
from crl_learning.planning.plan import Plan, plan_words
from crl_learning.runtime.far_run import as_goal
from crl_learning.views import Views
from crl_robot.errors import ConfigError, ContractError
from crl_robot.goal_image import GoalImage
from crl_robot.image_spec import ImageSpec


def goal(name):
    return CheckedGoal(GoalImage(np.zeros((240, 320, 3), np.uint8), (), name))


def waypoint(number):
    return as_goal(number, FrameName("e", number), np.full((64, 64, 3), number, np.uint8), Views(ImageSpec()))


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_frames_that_are_chosen_are_far_from_each_other_and_fit_beside_a_checkpoint():
    points = np.concatenate([np.zeros((50, 2)), [[9, 0]], [[0, 9]], np.full((50, 2), 9.0)])
    chosen = {tuple(point) for point in points[spread_out(points, 4)]}
    assert chosen == {(0, 0), (9, 0), (0, 9), (9, 9)}
    assert frame_count(300, (64, 64, 3)) == 300
    assert frame_count(300, (128, 128, 3)) * 128 * 128 * 3 <= MAX_BYTES
    with pytest.raises(ConfigError, match="7 frames"):
        frame_count(7, (64, 64, 3))
    assert list(frames_at([(1,), (2,), (3,)]).free_of(frozenset({FrameName("e1", 1)}))) == [0, 2]


def test_waypoints_stand_before_the_goal_they_lead_to_and_give_way_to_others():
    stages = Stages((goal("a"), goal("b")))
    stages.lead_by([waypoint(1), waypoint(2)])
    assert stages.present.waypoint.frame == FrameName("e", 1)
    assert stages.aim.goal.source == "a"
    stages.go_to(1)
    stages.reached = {0}
    stages.lead_by([waypoint(3)])
    assert [one.goal.source for one in stages.goals] == ["waypoint 2: e:1", "waypoint 4: e:3", "a", "b"]
    assert stages.reached == {0}
    stages.restart()
    assert [one.goal.source for one in stages.goals] == ["a", "b"]
    assert stages.index == 0


def test_a_waypoint_is_drawn_for_people_about_as_the_network_sees_it():
    spec = ImageSpec()
    seen = spec.apply(noise((240, 320, 3)))
    drawn = spec.unapply(seen)
    assert drawn.shape == (240, 320, 3)
    assert np.abs(spec.apply(drawn).astype(int) - seen).mean() < 4
    assert not drawn[:, :40].any()


def test_a_goal_that_is_seen_already_gives_the_same_actions(untrained):
    policy = GoalPolicy.load(untrained)
    view, native = noise((240, 320, 3), 1), noise((240, 320, 3), 2)
    seen = policy.set_goal(native)
    values, estimate = policy.act(view)
    policy.set_goal(view)
    policy.set_seen_goal(seen)
    again, same = policy.act(view)
    assert np.array_equal(again, values)
    assert same == estimate


def test_distances_from_one_goal_are_those_from_as_many_copies_of_it(untrained):
    policy = GoalPolicy.load(untrained)
    states, one = noise((5, 64, 64, 3), 1), noise((1, 64, 64, 3), 2)
    many = policy.compare(states, np.repeat(one, 5, axis=0))
    assert policy.compare(states, one) == pytest.approx(many, abs=1e-4)


def test_a_plan_without_an_image_for_each_frame_is_no_plan_and_a_plan_is_told_in_a_line():
    images = np.zeros((2, 4, 4, 3), np.uint8)
    with pytest.raises(ContractError, match="a plan of"):
        Plan(images, (), (1.0, 2.0))
    plan = Plan(images, (FrameName("e", 7),), (3.0, 4.4))
    assert plan_words({"state": "followed", "reason": "", **plan.facts()}) == "e:7; 7 ticks expected"
    assert plan_words({"state": "planning", "reason": ""}) == "planning"
    assert plan_words({"state": "failed", "reason": "no way"}) == "failed: no way"
