"""The closed form of waypoints against what it is derived from, and its plans in a small world."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from planning_worlds import frames_at, on_a_line, picture, place

from crl_learning.goals.reference import FrameName
from crl_learning.planning.chain import ChainSettings, train_chain
from crl_learning.planning.interpolation import InterpolationPlanner, waypoint_means
from crl_robot.errors import ConfigError, PlanError, StoreError


def cost(chain, transition, spread):
    """Minus the log probability of a chain (M, K) given its first state, up to a constant."""
    share = spread / (spread + 1)
    return sum(np.square(share * transition @ one - other).sum() / share / 2 for one, other in pairwise(chain))


@pytest.mark.parametrize("seed", range(5))
def test_the_waypoints_are_the_most_likely_chain_between_start_and_goal(seed):
    rng = np.random.default_rng(seed)
    transition, spread = rng.normal(size=(3, 3)), float(rng.uniform(0.5, 20))
    start, goal = rng.normal(size=(2, 3))
    means = waypoint_means(start, goal, transition, spread, 4)
    best = cost([start, *means, goal], transition, spread)
    for _ in range(50):
        other = means + 1e-2 * rng.normal(size=means.shape)
        assert cost([start, *other, goal], transition, spread) > best


def test_one_waypoint_is_the_mean_of_the_joint_gaussian_given_both_ends():
    rng = np.random.default_rng(0)
    transition, spread, size = 0.6 * rng.normal(size=(2, 2)), 5.0, 2
    share = spread / (spread + 1)
    step, noise, prior = share * transition, share * np.eye(size), spread * np.eye(size)
    # of (x0, x1, x2) with x1 = step x0 + noise, x2 = step x1 + noise
    c00, c11 = prior, step @ prior @ step.T + noise
    c22, c10 = step @ c11 @ step.T + noise, step @ prior
    c20, c21 = step @ c10, step @ c11
    ends = np.block([[c00, c20.T], [c20, c22]])
    start, goal = rng.normal(size=(2, size))
    expected = np.hstack([c10, c21.T]) @ np.linalg.solve(ends, np.concatenate([start, goal]))
    assert waypoint_means(start, goal, transition, spread, 1)[0] == pytest.approx(expected)


def test_a_chain_with_little_noise_goes_straight():
    start, goal = np.zeros(2), np.array([4.0, 8.0])
    means = waypoint_means(start, goal, np.eye(2), 1e9, 3)
    assert means == pytest.approx(np.array([[1, 2], [2, 4], [3, 6]]), abs=1e-6)


def on_a_line_planner(places):
    frames = frames_at([(x,) for x in places])

    def psi(images):
        return images[:, 0, 0, :1].astype(float)

    return InterpolationPlanner(frames, psi(frames.images), np.eye(1), 1e9, psi, on_a_line)


def test_waypoints_are_the_nearest_frames_in_order_and_the_goal_is_the_end():
    plan = on_a_line_planner(range(0, 101, 5)).plan(picture(0), picture(100), 3)
    assert [place(image)[0] for image in plan.images] == [25, 50, 75, 100]
    assert plan.ticks == (25, 25, 25, 25)
    assert plan.frames[1] == FrameName("e10", 10)


def test_a_frame_is_taken_once_and_not_where_view_or_goal_are_already():
    plan = on_a_line_planner([0, 50, 100]).plan(picture(0), picture(100), 10)
    assert [place(image)[0] for image in plan.images] == [50, 100]
    assert on_a_line_planner([0, 100]).plan(picture(0), picture(100), 3).frames == ()


def test_frames_to_be_avoided_are_no_waypoints_and_the_same_inputs_give_the_same_plan():
    planner = on_a_line_planner(range(0, 101, 5))
    first = planner.plan(picture(0), picture(100), 3)
    other = planner.plan(picture(0), picture(100), 3, avoid=frozenset(first.frames))
    assert not set(first.frames) & set(other.frames)
    assert planner.plan(picture(0), picture(100), 3).frames == first.frames
    with pytest.raises(PlanError, match="to be avoided"):
        planner.plan(picture(0), picture(100), 3, avoid=frozenset(FrameName(f"e{n}", n) for n in range(21)))


def walks(count=60, steps=30, seed=0):
    """Straight walks on a plane: features (N, 4), of which two are noise, and lengths."""
    rng = np.random.default_rng(seed)
    start, step = rng.uniform(-1, 1, (count, 1, 2)), 0.05 * rng.normal(size=(count, 1, 2))
    at = start + np.arange(steps)[None, :, None] * step
    features = np.concatenate([at, rng.normal(size=(count, steps, 2))], axis=-1)
    return features.reshape(-1, 4).astype(np.float32), np.full(count, steps)


def test_the_chain_learns_what_follows_what_and_keeps_its_spread():
    settings = ChainSettings(size=4, spread=3.0, batch=32, steps=200)
    features, lengths = walks()
    chain, facts = train_chain(features, lengths, settings)
    assert facts["accuracy"] > 4 * facts["chance"]
    assert float(chain(torch.from_numpy(features)).detach().square().mean()) == pytest.approx(3.0, rel=1e-3)


def test_the_same_seed_gives_the_same_chain():
    features, lengths = walks()
    one, other = (train_chain(features, lengths, ChainSettings(batch=16, steps=5))[0] for _ in range(2))
    assert all((a == b).all() for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_trajectories_without_a_second_step_and_settings_without_sense_are_refused():
    with pytest.raises(StoreError, match="two steps"):
        train_chain(np.zeros((3, 4), np.float32), np.ones(3, np.int64), ChainSettings(steps=1))
    with pytest.raises(ConfigError, match="gamma"):
        ChainSettings(gamma=1.0)
