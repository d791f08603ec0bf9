import numpy as np
import pytest

from crl_robot.sim.env import SimEnv
from crl_robot.sim.kitchen import DRAWER, apart, in_tray
from crl_robot.sim.script import bring
from crl_robot.sim.skills import grasp, place, pull_drawer, push, push_drawer_closed, rise

HOLDABLE = ["spoon", "eggplant", "block"]


@pytest.fixture
def env():
    with SimEnv("drawer", cameras=()) as env:
        env.reset(np.random.default_rng(3))
        yield env


def run(env, skill):
    """Do a skill to its end; returns what it returns."""
    while True:
        try:
            env.act(next(skill))
        except StopIteration as stop:
            return stop.value


@pytest.mark.parametrize("name", HOLDABLE)
def test_a_grasp_lifts_and_holds_while_the_arm_moves(env, name):
    assert run(env, grasp(env, name))
    run(env, rise(env, 0.0, 0.2))
    held = env.world.object_pose(name).position - env.world.tool_pose().position
    for tick in range(12):
        env.act(np.array([0.04 * (-1) ** (tick // 2), 0.04 * (-1) ** (tick // 3), 0, 0, 0, 0, 0], dtype=np.float32))
    assert np.linalg.norm(env.world.object_pose(name).position - env.world.tool_pose().position - held) < 0.01


@pytest.mark.parametrize("name", HOLDABLE)
def test_without_friction_nothing_can_be_lifted(env, name):
    """Grasps hold by contact and friction alone."""
    env.world.model.pair_friction[:] = 1e-6
    env.world.model.geom_friction[:] = 1e-6
    env.world.model.dof_damping[-24:] = 1e-3  # or what is touched would slide away for ever
    assert not run(env, grasp(env, name))


def test_nothing_but_the_fingers_joins_bodies(env):
    model = env.world.model
    assert model.neq == 1
    assert {model.joint(model.eq_obj1id[0]).name, model.joint(model.eq_obj2id[0]).name} == {
        "left_finger",
        "right_finger",
    }
    assert model.nmocap == 0
    assert not model.actuator_trntype.any()


def test_a_refused_action_does_not_make_the_arm_drop_what_it_holds(env):
    assert run(env, grasp(env, "block"))
    env.controller.hold("a test asks for it", "silence")
    for _ in range(50):
        env.world.step_inner()
    assert env.world.object_pose("block").position[2] > 0.08


def test_a_thing_is_put_where_it_shall_be(env):
    assert run(env, grasp(env, "eggplant"))
    goal = in_tray()
    assert run(env, place(env, "eggplant", np.array(goal[:3])))
    assert apart(env.world, "eggplant", goal) < 0.02


def test_a_missed_grasp_is_tried_again(env):
    tried, away = bring(env, "spoon", (0.24, 0.0, 0.007, 0.0)), False
    for action in tried:
        env.act(action)
        if not away and env.world.joints()[2] < 0.5 and env.world.tool_pose().position[2] < 0.03:
            env.world.data.joint("spoon").qpos[:3] = (0.28, -0.06, 0.007)  # slipped out of the closing fingers
            away = True
    assert away
    assert apart(env.world, "spoon", (0.24, 0.0, 0.007, 0.0)) < 0.025


@pytest.mark.parametrize("goal", [(0.28, -0.15), (0.26, -0.11), (0.36, -0.07)])
def test_a_block_is_pushed_along_the_table(env, goal):
    env.world.data.joint("block").qpos[:2] = (0.35, -0.13)
    assert run(env, push(env, "block", np.array(goal)))
    np.testing.assert_allclose(env.world.object_pose("block").position[:2], goal, atol=0.025)


def test_a_push_without_room_behind_is_given_up_at_once(env):
    env.world.data.joint("block").qpos[:2] = (0.35, -0.18)
    assert next(push(env, "block", np.array([0.35, -0.08])), None) is None


def test_the_drawer_opens_halfway_and_closes(env):
    assert run(env, pull_drawer(env, 0.05))
    assert env.world.slide(DRAWER) == pytest.approx(0.05, abs=0.015)
    assert run(env, push_drawer_closed(env))
    assert env.world.slide(DRAWER) < 0.005


def test_skills_bear_noise_on_their_actions(env):
    rng, skill = np.random.default_rng(0), bring(env, "eggplant", in_tray())
    for action in skill:
        env.act(action + np.append(rng.normal(0.0, 0.005, 3), np.zeros(4)).astype(np.float32))
    assert apart(env.world, "eggplant", in_tray()) < 0.04
