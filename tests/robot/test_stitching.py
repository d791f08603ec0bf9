"""Play in pieces: what one kind of episode lacks, the other has, and nowhere is there both."""

import itertools

import numpy as np
import pytest

from crl_robot.errors import ConfigError
from crl_robot.robots import WIDOWX, robot
from crl_robot.sim.env import SimEnv
from crl_robot.sim.moves import TRAVEL_HEIGHT_M
from crl_robot.sim.pushing import STANDOFF_M
from crl_robot.sim.stitching import PushingOn, TurningAway, pushing_task

MOVED_M = 0.01


def played(env, actor, ticks, seed):
    """Tool (T, 3) and can (T, 2) of an episode."""
    rng = np.random.default_rng(seed)
    env.reset(rng)
    acting, tools, cans = actor(rng), [], []
    for _ in range(ticks):
        tools.append(env.world.tool_pose().position)
        cans.append(env.world.object_pose().position[:2])
        env.act(acting.act(env))
    return np.array(tools), np.array(cans)


@pytest.fixture(scope="module")
def turning():
    with SimEnv("push", cameras=()) as env:
        return [played(env, TurningAway, 40, seed) for seed in range(4)]


@pytest.fixture(scope="module")
def pushing():
    with SimEnv(pushing_task(WIDOWX), cameras=()) as env:
        return [played(env, PushingOn, 20, seed) for seed in range(4)]


def test_who_turns_away_never_moves_the_can(turning):
    for _, can in turning:
        assert np.linalg.norm(can - can[0], axis=1).max() < MOVED_M


def test_who_turns_away_comes_down_where_a_push_could_begin(turning):
    for tool, can in turning:
        low = tool[:, 2] < TRAVEL_HEIGHT_M / 2
        beside = np.abs(np.linalg.norm(tool[:, :2] - can, axis=1) - STANDOFF_M) < 0.02
        assert (low & beside).any()


def test_who_pushes_starts_beside_the_can_and_moves_it_at_once(pushing):
    for tool, can in pushing:
        assert np.linalg.norm(tool[0, :2] - can[0]) == pytest.approx(STANDOFF_M, abs=0.01)
        assert np.linalg.norm(can[8] - can[0]) > 0.03


def test_after_a_tool_has_risen_no_can_moves_any_more(turning, pushing):
    """So nothing recorded comes from far away and then pushes."""
    for tool, can in itertools.chain(turning, pushing):
        risen = np.flatnonzero(tool[:, 2] > TRAVEL_HEIGHT_M)
        assert len(risen)
        rest = can[risen[0] :]
        assert np.linalg.norm(rest - rest[0], axis=1).max() < MOVED_M


def test_a_robot_that_does_not_push_in_play_is_refused():
    with pytest.raises(ConfigError, match="use robot=widowx"):
        pushing_task(robot("sawyer"))
