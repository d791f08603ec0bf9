import numpy as np
import pytest

from crl_robot.control.safety import SafetyLimits
from crl_robot.sim.env import SimEnv
from crl_robot.sim.play import PlayPolicy

EPISODES, TICKS = 20, 60


@pytest.fixture(scope="module")
def played():
    """Actions (E, T, 7), tool (E, T, 3), can (E, T, 3) and share of ticks spent pushing, of twenty episodes."""
    actions, tools, cans, pushing = [], [], [], 0
    with SimEnv("push", cameras=()) as env:
        for seed in range(EPISODES):
            rng = np.random.default_rng([5, seed])
            env.reset(rng)
            policy = PlayPolicy(rng)
            for _ in range(TICKS):
                cans.append(env.world.object_pose().position)
                tools.append(env.world.tool_pose().position)
                actions.append(policy.act(env))
                env.act(actions[-1])
                pushing += policy.pushing
    shape = (EPISODES, TICKS, -1)
    arrays = [np.array(values).reshape(shape) for values in (actions, tools, cans)]
    return (*arrays, pushing / EPISODES / TICKS)


def test_the_can_moves_often(played):
    can = played[2][..., :2]
    path = np.linalg.norm(np.diff(can, axis=1), axis=2).sum(axis=1)
    assert path.mean() >= 0.25
    assert np.mean(path > 0.05) > 0.9


def test_the_can_stays_on_the_reachable_table(played):
    x, y = played[2][..., 0], played[2][..., 1]
    inside = (x > 0.1) & (x < 0.5) & (np.abs(y) < 0.3)
    assert inside.mean() > 0.95


def test_the_can_mostly_stays_upright(played):
    assert np.mean(played[2][..., 2] < 0.03) > 0.95


def test_most_of_the_time_is_spent_pushing_and_the_rest_reaching(played):
    assert 0.5 < played[3] < 0.85


def test_the_tool_visits_the_whole_workspace(played):
    tools = played[1].reshape(-1, 3)
    limits = SafetyLimits()
    for axis in range(3):
        low, high = limits.workspace_low[axis], limits.workspace_high[axis]
        counts, _ = np.histogram(tools[:, axis], 4, (low, high))
        assert counts.min() > 0.01 * len(tools)


def test_actions_stay_in_the_step_limit_and_turn_nothing(played):
    actions = played[0]
    assert np.abs(actions[..., :3]).max() <= SafetyLimits().max_step_m + 1e-6
    assert np.all(actions[..., 3:] == 0)


def test_play_is_not_a_clean_demonstration(played):
    """Noise is in every action: next to none stands still."""
    speed = np.linalg.norm(played[0][..., :3], axis=2)
    assert np.mean(speed < 1e-3) < 0.05


def test_the_same_seed_plays_the_same():
    def actions():
        with SimEnv("push", cameras=()) as env:
            rng = np.random.default_rng(9)
            env.reset(rng)
            policy = PlayPolicy(rng)
            out = []
            for _ in range(20):
                out.append(policy.act(env))
                env.act(out[-1])
            return np.array(out)

    np.testing.assert_array_equal(actions(), actions())
