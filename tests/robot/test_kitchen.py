import numpy as np
import pytest

from crl_robot.errors import ConfigError, ContractError
from crl_robot.robots import SAWYER_ROBOT, WIDOWX
from crl_robot.sim.env import SimEnv
from crl_robot.sim.kitchen import DRAWER, THINGS, Box, in_drawer, in_tray, on_table, strew
from crl_robot.sim.places import reachable
from crl_robot.sim.state import SceneState
from crl_robot.sim.tasks import get_task
from crl_robot.sim.world import World

KITCHEN_TASKS = [name for name in WIDOWX.tick_limits if get_task(name).scene == "kitchen"]
ALL = [(WIDOWX, name) for name in KITCHEN_TASKS] + [(SAWYER_ROBOT, "drawer")]
TABLE_AND_THINGS = {"world", "cabinet", "drawer", *THINGS}
SECOND = 50


@pytest.fixture(params=ALL, ids=lambda pair: f"{pair[0].name}-{pair[1]}", scope="module")
def env(request):
    robot, name = request.param
    with SimEnv(name, cameras=(), robot=robot) as env:
        yield env


def episodes(env, n):
    rng = np.random.default_rng(0)
    return [env.task.sample(rng) for _ in range(n)]


def placements(world):
    return {name: world.object_pose(name).position for name in world.objects} | {
        name: np.array([world.slide(name)]) for name in world.slides
    }


def test_starts_and_goals_stay_as_they_are(env):
    """What a goal image shows must not fall, roll or slide away."""
    for episode in episodes(env, 4):
        for state in (episode.start, episode.goal):
            env.place(state)
            before = placements(env.world)
            for _ in range(SECOND):
                env.world.step_inner()
            for name, position in placements(env.world).items():
                np.testing.assert_allclose(position, before[name], atol=2e-3, err_msg=name)


def test_the_arm_touches_nothing_at_starts_and_goals(env):
    model = env.world.model
    for episode in episodes(env, 30):
        for state in (episode.start, episode.goal):
            env.place(state)
            touching = {model.body(model.geom_bodyid[g]).name for c in env.world.data.contact for g in c.geom}
            assert touching <= TABLE_AND_THINGS
            assert min((c.dist for c in env.world.data.contact), default=0.0) > -1e-3


def test_tools_are_within_reach_and_no_episode_starts_at_its_goal(env):
    for episode in episodes(env, 60):
        for state in (episode.start, episode.goal):
            assert reachable(np.array(state.tool), env.robot)
        env.place(episode.start)
        assert env.task.distance(env.world, episode) > 1.5 * env.task.tolerance_m


def test_the_same_seed_draws_the_same_episodes(env):
    assert episodes(env, 3) == episodes(env, 3)


def test_strewn_things_leave_room_for_fingers_and_for_what_is_kept_free():
    rng, free = np.random.default_rng(1), Box(0.25, 0.15, 0.02, 0.02)
    for _ in range(100):
        placed = strew(rng, {"block": on_table("block", 0.36, -0.05)}, [free])
        boxes = [THINGS[name].box(*placed[name][:2]) for name in THINGS]
        assert all(a.clear_of(b) for i, a in enumerate(boxes) for b in [*boxes[:i], free])


def test_a_table_without_room_is_refused():
    with pytest.raises(ConfigError, match="no room on the table"):
        strew(np.random.default_rng(0), {}, [Box(0.3, 0.0, 0.3, 0.3)])


@pytest.mark.parametrize("placement", [in_tray(0.02, -0.02), in_drawer(0.09)], ids=["tray", "drawer"])
def test_an_eggplant_lies_in_the_tray_and_in_the_drawer(placement):
    world = World(scene="kitchen")
    world.place(WIDOWX.home, SceneState((0.3, 0.0, 0.15), 1.0, {"eggplant": placement}, {DRAWER: 0.09}))
    for _ in range(SECOND):
        world.step_inner()
    np.testing.assert_allclose(world.object_pose("eggplant").position, placement[:3], atol=1e-3)


def test_an_unknown_scene_object_or_drawer_is_refused_and_the_nearest_named():
    with pytest.raises(ConfigError, match="did you mean 'kitchen'"):
        World(scene="kitchn")
    world = World(scene="kitchen")
    with pytest.raises(ContractError, match="did you mean 'spoon'"):
        world.object_pose("spon")
    with pytest.raises(ContractError, match="known: drawer"):
        world.place(WIDOWX.home, SceneState((0.3, 0.0, 0.15), joints={"door": 0.1}))
