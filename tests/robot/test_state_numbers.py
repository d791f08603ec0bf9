import numpy as np
import pytest

from crl_robot.sim.env import SimEnv
from crl_robot.sim.state import Episode
from crl_robot.sim.state_numbers import UNIT_M, goal_numbers, middle, state_names, state_numbers


@pytest.fixture(params=["push", "drawer"])
def env(request):
    with SimEnv(request.param, cameras=()) as env:
        env.reset(np.random.default_rng(0))
        yield env


def test_every_number_has_a_name(env):
    assert state_numbers(env).shape == (len(state_names(env.world)),)
    assert state_numbers(env).dtype == np.float32


def test_positions_are_told_from_the_middle_of_the_workspace(env):
    tool = UNIT_M * state_numbers(env)[:3] + middle(env.robot)
    np.testing.assert_allclose(tool, env.world.tool_pose().position, atol=1e-6)


def test_a_goal_is_the_state_of_a_world_that_stands_there(env):
    goal = goal_numbers(env)
    env.reset(Episode(env.episode.goal, env.episode.goal))
    np.testing.assert_allclose(state_numbers(env), goal, atol=0.02)


def test_asking_for_the_goal_changes_nothing(env):
    before = env.world.snapshot()
    goal_numbers(env)
    np.testing.assert_array_equal(env.world.snapshot(), before)
