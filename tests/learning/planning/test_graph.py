"""Shortest paths over frames in worlds whose distances are known."""

import itertools

import numpy as np
import pytest
from planning_worlds import beside_a_wall, frames_at, on_a_line, one_way, picture, place

from crl_learning.goals.reference import FrameName
from crl_learning.planning.graph import GraphPlanner, short_edges, spaced
from crl_learning.planning.ticks import all_ticks
from crl_robot.errors import ConfigError, PlanError


def planner(places, ticks, longest):
    frames = frames_at(places)
    return GraphPlanner(frames, short_edges(all_ticks(ticks, frames.images), longest), ticks)


def length_of(view, plan, ticks):
    """The way from the view over all images of a plan."""
    images = np.concatenate([view[None], plan.images])
    return float(ticks(images[:-1], images[1:]).sum())


def test_on_a_line_the_way_is_the_shortest_in_order_and_ends_at_the_goal():
    plan = planner([(x,) for x in range(0, 101, 5)], on_a_line, longest=6).plan(picture(1), picture(98), 20)
    at = [place(image)[0] for image in plan.images]
    assert at == sorted(at)
    assert at[-1] == 98
    assert sum(plan.ticks) == pytest.approx(97)
    assert max(plan.ticks) <= 6


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_so_many_waypoints_cut_the_way_into_legs_of_about_equal_length(count):
    plan = planner([(x,) for x in range(0, 101, 5)], on_a_line, longest=6).plan(picture(0), picture(100), count)
    assert len(plan.frames) == len(plan.waypoints) == count
    assert max(plan.ticks) - min(plan.ticks) <= 10
    assert [name.frame * 5 for name in plan.frames] == [place(image)[0] for image in plan.waypoints]


def test_a_way_leads_around_a_wall():
    places = list(itertools.product(range(0, 21, 4), range(0, 17, 4)))
    plan = planner(places, beside_a_wall, longest=6).plan(picture(2, 2), picture(18, 2), 20)
    at = [place(image) for image in plan.images]
    assert max(y for _, y in at) >= 10
    assert length_of(picture(2, 2), plan, beside_a_wall) < 40


@pytest.mark.parametrize("seed", range(5))
def test_no_other_chain_of_frames_is_shorter(seed):
    """Against all ways over up to three frames of a small world."""
    rng = np.random.default_rng(seed)
    places = [tuple(int(v) for v in rng.integers(0, 60, 2)) for _ in range(7)]
    ticks = beside_a_wall
    view, goal, longest = picture(2, 12), picture(55, 50), 58.0
    plan = planner(places, ticks, longest).plan(view, goal, 20)

    def legs(chain):
        images = np.stack([view, *(picture(*places[i]) for i in chain), goal])
        return ticks(images[:-1], images[1:])

    chains = (chain for n in range(4) for chain in itertools.permutations(range(7), n))
    best = min(float(legs(chain).sum()) for chain in chains if legs(chain).max() <= longest)
    assert sum(plan.ticks) <= best + 1e-6


def test_the_distance_there_need_not_be_the_distance_back():
    places = [(x,) for x in range(0, 41, 4)]
    assert sum(planner(places, one_way, longest=5).plan(picture(0), picture(40), 20).ticks) == pytest.approx(40)
    with pytest.raises(PlanError, match="no way to the goal"):
        planner(places, one_way, longest=5).plan(picture(40), picture(0), 20)


def test_a_near_goal_needs_no_waypoint():
    plan = planner([(x,) for x in range(0, 101, 5)], on_a_line, longest=6).plan(picture(50), picture(54), 3)
    assert plan.frames == ()
    assert [place(image) for image in plan.images] == [(54, 0)]


@pytest.mark.parametrize(
    ("view", "goal", "words"),
    [(0, 90, "no chain"), (45, 0, "the view is 15 ticks or more"), (0, 45, "the goal is 15 ticks or more")],
)
def test_a_goal_that_cannot_be_reached_is_refused_and_says_where_the_way_ends(view, goal, words):
    places = [(x,) for x in (*range(0, 31, 5), *range(60, 101, 5))]
    with pytest.raises(PlanError, match=words):
        planner(places, on_a_line, longest=6).plan(picture(view), picture(goal), 3)


def test_frames_to_be_avoided_are_not_taken():
    places = list(itertools.product(range(0, 41, 5), (0, 3)))
    usual = planner(places, on_a_line, longest=6)
    first = usual.plan(picture(0), picture(40), 3)
    other = usual.plan(picture(0), picture(40), 3, avoid=frozenset(first.frames))
    assert not set(first.frames) & set(other.frames)
    everything = frozenset(FrameName(f"e{n}", n) for n in range(len(places)))
    with pytest.raises(PlanError, match="no way"):
        usual.plan(picture(0), picture(40), 3, avoid=everything)


def test_the_same_inputs_give_the_same_plan_whatever_was_asked_between():
    usual = planner([(x,) for x in range(0, 101, 5)], on_a_line, longest=11)
    first = usual.plan(picture(3), picture(77), 4)
    usual.plan(picture(50), picture(10), 2)
    again = usual.plan(picture(3), picture(77), 4)
    assert again.frames == first.frames
    assert again.ticks == first.ticks
    assert np.array_equal(again.images, first.images)


@pytest.mark.parametrize("count", [0, 21])
def test_a_number_of_waypoints_that_makes_no_sense_is_refused(count):
    with pytest.raises(ConfigError, match="waypoints were asked for"):
        planner([(0,), (5,)], on_a_line, longest=6).plan(picture(0), picture(5), count)


def test_waypoints_stay_in_order_and_apart_where_all_nodes_lie_at_one_end():
    assert spaced(np.array([1.0, 2.0, 3.0, 4.0]), 100.0, 3) == [1, 2, 3]
    assert spaced(np.array([97.0, 98.0, 99.0]), 100.0, 2) == [0, 1]
