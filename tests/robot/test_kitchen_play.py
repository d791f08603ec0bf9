import numpy as np
import pytest

from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ConfigError
from crl_robot.robots import SAWYER_ROBOT, WIDOWX
from crl_robot.sim import kitchen_play
from crl_robot.sim.env import SimEnv
from crl_robot.sim.kitchen import DRAWER, THINGS, TRAY
from crl_robot.sim.kitchen_play import KitchenPlay, graspable
from crl_robot.sim.kitchen_starts import kitchen_play_task, table_spot
from crl_robot.sim.object_shifts import ROOM_M, overlap_m

EPISODES, TICKS = 3, 110
LIFTED_M = 0.08


@pytest.fixture(scope="module")
def env():
    with SimEnv(kitchen_play_task(WIDOWX), cameras=()) as made:
        yield made


def play(env, seed, ticks):
    """Actions (T, 7), things (T, K, 3), drawer (T,) and tool (T, 3)."""
    rng = np.random.default_rng(seed)
    env.reset(rng)
    policy = KitchenPlay(rng)
    actions, things, drawer, tool = [], [], [], []
    for _ in range(ticks):
        things.append([env.world.object_pose(name).position for name in env.world.objects])
        drawer.append(env.world.slide(DRAWER))
        tool.append(env.world.tool_pose().position)
        actions.append(policy.act(env))
        env.act(actions[-1])
    return tuple(map(np.array, (actions, things, drawer, tool)))


@pytest.fixture(scope="module")
def played(env):
    """The same of some episodes, (E, ...) each."""
    return tuple(map(np.stack, zip(*(play(env, (5, seed), TICKS) for seed in range(EPISODES)), strict=True)))


def test_things_are_lifted_and_carried(played):
    highest = played[1][..., 2].max(axis=1)
    assert (highest > LIFTED_M).sum() >= EPISODES
    assert np.linalg.norm(np.diff(played[1], axis=1), axis=-1).sum() > 0.5 * EPISODES


def test_the_drawer_is_opened_and_closed(played):
    assert np.abs(np.diff(played[2], axis=1)).sum() > 0.1
    assert np.ptp(played[2]) > 0.07


def test_things_stay_on_the_table(played):
    x, y, z = np.moveaxis(played[1], -1, 0)
    inside = (x > 0.1) & (x < 0.5) & (np.abs(y) < 0.3) & (z > 0)
    assert inside.mean() > 0.97


def test_actions_stay_in_the_limits_and_are_never_clean(played):
    moves = played[0][..., :3]
    assert np.abs(moves).max() <= SafetyLimits().max_step_m + 1e-6
    assert np.mean(np.linalg.norm(moves, axis=-1) < 1e-4) < 0.02
    assert set(np.unique(played[0][..., 6] > 0.5)) == {True, False}


def test_the_hand_goes_up_and_down_all_over_the_table(played):
    tool = played[3].reshape(-1, 3)
    assert np.all(np.ptp(tool, axis=0) > [0.18, 0.25, 0.12])


def test_the_same_seed_plays_the_same(env):
    first, second = (play(env, (9,), 25) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])


def test_a_hand_that_comes_down_beside_its_thing_tries_again(env, monkeypatch):
    """Sloppy every time and never tired of it: the fingers close again and again."""
    monkeypatch.setattr(kitchen_play, "SLOPPY_SHARE", 1.0)
    monkeypatch.setattr(kitchen_play, "SLOPPY_M", (0.04, 0.04))
    monkeypatch.setattr(kitchen_play, "GIVE_UP_SHARE", 0.0)
    monkeypatch.setattr(kitchen_play, "ACTIVITIES", {"fetch": 1.0})
    closing = np.diff((play(env, (3,), 60)[0][:, 6] < 0.5).astype(int)) > 0
    assert closing.sum() >= 2


def test_starts_are_those_of_tasks_and_others_and_nothing_overlaps(env):
    rng = np.random.default_rng(0)
    starts = [env.task.sample(rng).start for _ in range(40)]
    openings = np.array([start.joints[DRAWER] for start in starts])
    heights = np.array([start.objects["eggplant"][2] for start in starts])
    assert (openings == 0).any()
    assert (openings > 0.08).any()
    assert ((openings > 0.01) & (openings < 0.08)).any()
    assert (heights > TRAY[2]).any()
    assert ((heights > THINGS["eggplant"].rest_z + 0.005) & (heights < TRAY[2])).any()
    for start in starts[:15]:
        env.place(start)
        assert overlap_m(env.world) < ROOM_M


def test_spots_on_the_table_are_clear_of_everything(env):
    rng = np.random.default_rng(1)
    env.reset(rng)
    for _ in range(20):
        xy = table_spot(rng, env.world, "eggplant")
        boxes = [THINGS[name].box(*env.world.object_pose(name).position[:2]) for name in THINGS if name != "eggplant"]
        assert all(THINGS["eggplant"].box(*xy).clear_of(box) for box in boxes)


def test_what_lies_in_the_closed_drawer_is_left_alone(env):
    rng = np.random.default_rng(0)
    inside = next(
        start
        for start in (env.task.sample(rng).start for _ in range(100))
        if start.joints[DRAWER] > 0.08 and 0.02 < start.objects["eggplant"][2] < TRAY[2]
    )
    env.place(inside)
    assert graspable(env, "eggplant")
    x, y, z, yaw = inside.objects["eggplant"]
    closed = {"eggplant": (x, y + inside.joints[DRAWER], z, yaw)}
    env.place(type(inside)(inside.tool, 1.0, {**inside.objects, **closed}, {DRAWER: 0.0}))
    assert not graspable(env, "eggplant")


def test_a_robot_without_a_kitchen_says_so():
    with pytest.raises(ConfigError, match="no scene 'kitchen'"):
        kitchen_play_task(SAWYER_ROBOT)


def test_play_in_the_kitchen_has_no_oracle():
    with pytest.raises(ConfigError, match="no oracle"):
        kitchen_play_task(WIDOWX).oracle()
