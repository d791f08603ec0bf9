import numpy as np
import pytest

from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ArmError, ConfigError
from crl_robot.sim.env import SimEnv
from crl_robot.sim.places import in_can_area, reachable
from crl_robot.sim.tasks import PUSH_DISTANCE_M, get_task, sample_push_goal

N = 300


@pytest.fixture(params=["reach", "push"])
def task(request):
    return get_task(request.param)


def episodes(name, n=N, seed=0):
    rng = np.random.default_rng(seed)
    return [get_task(name).sample(rng) for _ in range(n)]


def test_the_same_seed_draws_the_same_episodes(task):
    assert episodes(task.name, 20) == episodes(task.name, 20)
    assert episodes(task.name, 20) != episodes(task.name, 20, seed=1)


def test_an_unknown_task_is_refused_and_the_nearest_named():
    with pytest.raises(ConfigError, match="did you mean 'reach'"):
        get_task("reech")


def test_tools_and_cans_are_drawn_where_the_arm_gets_to(task):
    for episode in episodes(task.name):
        assert reachable(np.array(episode.start_tool))
        assert reachable(np.array(episode.goal_tool))
        assert in_can_area(np.array(episode.start_object_xy))
        assert in_can_area(np.array(episode.goal_object_xy))


def test_reach_covers_the_workspace_and_leaves_the_can():
    drawn = episodes("reach")
    goals = np.array([e.goal_tool for e in drawn])
    low, high = np.array(SafetyLimits().workspace_low), np.array(SafetyLimits().workspace_high)
    assert np.all(goals.min(axis=0) < low + 0.05 * (high - low))
    assert np.all(goals.max(axis=0) > high - 0.05 * (high - low))
    assert all(e.start_object_xy == e.goal_object_xy for e in drawn)


def test_push_moves_the_can_by_eight_to_sixteen_centimetres():
    for episode in episodes("push"):
        distance = np.linalg.norm(np.subtract(episode.goal_object_xy, episode.start_object_xy))
        assert PUSH_DISTANCE_M[0] <= distance <= PUSH_DISTANCE_M[1]


def test_the_goal_tool_of_push_is_behind_the_can_on_the_line_of_the_push():
    for episode in episodes("push", 50):
        along = np.subtract(episode.goal_object_xy, episode.start_object_xy)
        offset = np.subtract(episode.goal_tool[:2], episode.goal_object_xy)
        cosine = along @ offset / np.linalg.norm(along) / np.linalg.norm(offset)
        assert cosine == pytest.approx(-1.0)


def test_starts_and_goals_touch_nothing(task):
    """The only pair in contact is the can and the table."""
    with SimEnv(task.name, cameras=()) as env:
        for episode in episodes(task.name, 40):
            for tool, can in (
                (episode.start_tool, episode.start_object_xy),
                (episode.goal_tool, episode.goal_object_xy),
            ):
                env.world.reset(env.solve(tool), can)
                table, can_geom = env.world.model.geom("table").id, env.world.model.geom("can").id
                pairs = {tuple(sorted(map(int, c.geom))) for c in env.world.data.contact}
                assert pairs <= {(table, can_geom)}


def test_no_episode_starts_at_its_goal(task):
    with SimEnv(task.name, cameras=()) as env:
        for episode in episodes(task.name, 100):
            env.reset(episode)
            assert env.distance() > 1.5 * task.tolerance_m


def test_reachable_agrees_with_the_kinematics():
    rng = np.random.default_rng(2)
    limits = SafetyLimits()
    with SimEnv("reach", cameras=()) as env:
        for _ in range(200):
            position = rng.uniform(limits.workspace_low, limits.workspace_high)
            if reachable(position):
                env.solve(tuple(position))
        with pytest.raises(ArmError):
            env.solve((0.45, 0.20, 0.25))


def test_a_can_out_of_reach_has_no_push_goal():
    assert sample_push_goal(np.random.default_rng(0), np.array([2.0, 2.0])) is None
