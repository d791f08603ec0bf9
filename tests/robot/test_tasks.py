import numpy as np
import pytest

from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ArmError, ConfigError
from crl_robot.robots import robot
from crl_robot.sim.env import SimEnv
from crl_robot.sim.places import in_can_area, reachable
from crl_robot.sim.pushing import PUSH_DISTANCE_M, sample_push_goal
from crl_robot.sim.tasks import get_task

N = 300


@pytest.fixture(params=["reach", "push"])
def task(request):
    return get_task(request.param)


def episodes(name, n=N, seed=0):
    rng = np.random.default_rng(seed)
    return [get_task(name).sample(rng) for _ in range(n)]


def can(state):
    return np.array(state.objects["can"][:2])


def test_the_same_seed_draws_the_same_episodes(task):
    assert episodes(task.name, 20) == episodes(task.name, 20)
    assert episodes(task.name, 20) != episodes(task.name, 20, seed=1)


@pytest.mark.parametrize(
    ("robot_name", "name", "start_tool", "start_can", "goal_tool", "goal_can"),
    [
        (
            *("widowx", "reach"),
            (0.3827057070735581, -0.10991712400376326, 0.08553907695413797),
            (0.32251718398884005, 0.11916414029087266),
            (0.3891208286256139, -0.012826018862511696, 0.08621262030253868),
            (0.32251718398884005, 0.11916414029087266),
        ),
        (
            *("widowx", "push"),
            (0.15157959136967242, 0.1284913673531065, 0.20231131575673084),
            (0.32251718398884005, 0.11916414029087266),
            (0.35245238963338393, 0.02735953035474962, 0.025),
            (0.36898288147258695, -0.023335807214340892),
        ),
        (
            *("sawyer", "reach"),
            (0.682705707073558, -0.10991712400376326, 0.08553907695413797),
            (0.62251718398884, 0.11916414029087266),
            (0.7120660336188785, -0.19789387817377013, 0.20798867831995005),
            (0.62251718398884, 0.11916414029087266),
        ),
    ],
)
def test_draws_are_those_that_committed_results_were_made_with(
    robot_name, name, start_tool, start_can, goal_tool, goal_can
):
    episode = get_task(name, robot(robot_name)).sample(np.random.default_rng(7))
    assert (episode.start.tool, episode.goal.tool) == (start_tool, goal_tool)
    assert (episode.start.objects["can"], episode.goal.objects["can"]) == (
        (*start_can, 0.025, 0.0),
        (*goal_can, 0.025, 0.0),
    )


def test_an_unknown_task_is_refused_and_the_nearest_named():
    with pytest.raises(ConfigError, match="did you mean 'reach'"):
        get_task("reech")


def test_tools_and_cans_are_drawn_where_the_arm_gets_to(task):
    for episode in episodes(task.name):
        for state in (episode.start, episode.goal):
            assert reachable(np.array(state.tool))
            assert in_can_area(can(state))


def test_reach_covers_the_workspace_and_leaves_the_can():
    drawn = episodes("reach")
    goals = np.array([e.goal.tool for e in drawn])
    low, high = np.array(SafetyLimits().workspace_low), np.array(SafetyLimits().workspace_high)
    assert np.all(goals.min(axis=0) < low + 0.05 * (high - low))
    assert np.all(goals.max(axis=0) > high - 0.05 * (high - low))
    assert all(e.start.objects == e.goal.objects for e in drawn)


def test_push_moves_the_can_by_eight_to_sixteen_centimetres():
    for episode in episodes("push"):
        distance = np.linalg.norm(can(episode.goal) - can(episode.start))
        assert PUSH_DISTANCE_M[0] <= distance <= PUSH_DISTANCE_M[1]


def test_the_goal_tool_of_push_is_behind_the_can_on_the_line_of_the_push():
    for episode in episodes("push", 50):
        along = can(episode.goal) - can(episode.start)
        offset = np.array(episode.goal.tool[:2]) - can(episode.goal)
        cosine = along @ offset / np.linalg.norm(along) / np.linalg.norm(offset)
        assert cosine == pytest.approx(-1.0)


def test_starts_and_goals_touch_nothing(task):
    """The only pair in contact is the can and the table."""
    with SimEnv(task.name, cameras=()) as env:
        for episode in episodes(task.name, 40):
            for state in (episode.start, episode.goal):
                env.place(state)
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
