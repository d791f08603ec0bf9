import numpy as np
import pytest

from crl_robot.contracts import Action
from crl_robot.errors import ContractError
from crl_robot.sim.env import SimEnv
from crl_robot.sim.state import Episode
from crl_robot.sim.tasks.table import table_episode

CAN = np.array([0.25, 0.12])
EPISODE = table_episode((0.30, 0.0, 0.12), CAN, (0.35, 0.0, 0.12), CAN)
STEP = np.array([0.03, 0, 0, 0, 0, 0, 0], dtype=np.float32)


@pytest.fixture
def env():
    with SimEnv("reach", cameras=()) as env:
        yield env


@pytest.fixture(scope="module")
def seeing():
    with SimEnv("reach") as env:
        yield env


def test_the_same_seed_gives_the_same_run_bit_for_bit():
    def run():
        with SimEnv("push", cameras=()) as env:
            rng = np.random.default_rng(7)
            env.reset(rng)
            for _ in range(15):
                env.act(np.append(rng.uniform(-0.05, 0.05, 3), np.zeros(4)).astype(np.float32))
            return env.world.snapshot()

    np.testing.assert_array_equal(run(), run())


def test_the_tool_starts_where_the_episode_says(env):
    env.reset(EPISODE)
    np.testing.assert_allclose(env.world.tool_pose().position, EPISODE.start.tool, atol=1e-3)
    np.testing.assert_allclose(env.world.object_pose().position[:2], CAN)


def test_a_step_is_one_control_tick_and_moves_the_tool_by_the_action(env):
    env.reset(EPISODE)
    start = env.world.tool_pose().position
    env.act(STEP)
    assert env.world.time_ns == 200_000_000
    for _ in range(2):
        env.act(np.zeros(7, dtype=np.float32))
    np.testing.assert_allclose(env.world.tool_pose().position - start, STEP[:3], atol=2e-3)
    assert env.success() is False


def test_executed_is_what_the_controller_commanded(env):
    env.reset(EPISODE)
    env.act(np.array([0.2, 0, 0, 0, 0, 0, 0], dtype=np.float32))
    np.testing.assert_allclose(env.executed.values[:3], [0.05, 0, 0], atol=1e-6)


def test_a_refused_action_holds_the_arm_for_the_tick(env):
    env.reset(EPISODE)
    before = env.world.tool_pose().position
    env.step(Action(STEP, stamp_ns=10**12))
    np.testing.assert_array_equal(env.executed.values[:6], 0)
    np.testing.assert_allclose(env.world.tool_pose().position, before, atol=1e-3)


def test_reaching_the_goal_is_success(env):
    env.reset(EPISODE)
    assert env.distance() == pytest.approx(0.05, abs=2e-3)
    for values in (STEP, STEP * (2 / 3), STEP * 0, STEP * 0):
        env.act(values)
    assert env.success()


def test_an_environment_that_was_never_reset_says_so(env):
    with pytest.raises(ContractError, match="call reset first"):
        env.act(STEP)


def test_observations_carry_fresh_frames_and_the_arm_state(seeing):
    observation = seeing.reset(EPISODE)
    assert observation.frames["over_shoulder"].image.shape == (240, 320, 3)
    later = seeing.act(STEP)
    assert later.newest_stamp_ns == seeing.world.time_ns == 200_000_000
    assert later.age_ms("over_shoulder") == 0
    assert later.arm.mode == "moving"


def test_the_goal_image_shows_the_goal_and_leaves_the_world_alone(seeing):
    first = seeing.reset(EPISODE).frames["over_shoulder"].image
    before = seeing.world.snapshot()
    goal = seeing.goal_image()
    np.testing.assert_array_equal(seeing.world.snapshot(), before)
    assert np.any(goal != first)
    at_goal = Episode(EPISODE.goal, EPISODE.goal)
    np.testing.assert_array_equal(seeing.reset(at_goal).frames["over_shoulder"].image, goal)


def test_asking_a_goal_image_of_a_missing_camera_is_refused(env):
    env.reset(EPISODE)
    with pytest.raises(ContractError, match="no camera 'over_shoulder'"):
        env.goal_image()
