"""The simulated Sawyer: the same world, arm, tasks and play as the WidowX's, with other data."""

import numpy as np
import pytest
from arm_suite import ArmSuite

from crl_robot.errors import ArmError, ConfigError
from crl_robot.kinematics import Kinematics
from crl_robot.robots import SAWYER_ROBOT as SAWYER
from crl_robot.sim.arm import SimArm
from crl_robot.sim.camera import SimCamera
from crl_robot.sim.env import SimEnv
from crl_robot.sim.play import PlayPolicy
from crl_robot.sim.tasks import get_task
from crl_robot.sim.world import World

TRIALS = 20


@pytest.fixture
def world():
    return World(robot=SAWYER)


def run(world, ticks):
    for _ in range(ticks):
        world.step_inner()


def test_the_tool_site_agrees_with_the_kinematics(world):
    q = SAWYER.home + 0.1
    world.reset(q, (0.6, 0.15))
    np.testing.assert_allclose(world.tool_pose().position, Kinematics(SAWYER.model).forward(q).position, atol=1e-12)


def test_the_arm_holds_its_pose_against_gravity(world):
    run(world, 100)
    position, velocity, _ = world.joints()
    np.testing.assert_allclose(position, SAWYER.home, atol=1e-4)
    np.testing.assert_allclose(velocity, 0.0, atol=1e-4)


def test_a_can_left_alone_stays_where_it_is(world):
    before = world.object_pose().position
    run(world, 100)
    np.testing.assert_allclose(world.object_pose().position, before, atol=5e-4)


def test_both_fingers_move_together_over_the_whole_opening(world):
    world.command(SAWYER.home, 1.0)
    run(world, 100)
    left, right = world.data.qpos[SAWYER.n_joints : SAWYER.n_joints + 2]
    assert right == pytest.approx(left, abs=5e-4)
    assert world.joints()[2] == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("camera", ["over_shoulder", "wrist"])
def test_each_camera_sees_the_can(world, camera):
    eye = SimCamera(world, camera)
    seen = []
    for x in (0.60, 0.65):
        world.reset(SAWYER.home, (x, 0.05))
        seen.append(eye.read().image.astype(int))
    eye.close()
    changed = np.abs(seen[1] - seen[0]).max(axis=2) > 30
    assert 100 < changed.sum() < 0.5 * changed.size


def test_the_over_shoulder_camera_sees_the_tool_wherever_it_may_be(world):
    camera = world.model.camera("over_shoulder").id
    focal = 120 / np.tan(np.radians(world.model.cam_fovy[camera]) / 2)
    corners = np.stack([SAWYER.limits.workspace_low, SAWYER.limits.workspace_high])
    for point in np.stack(np.meshgrid(*corners.T), axis=-1).reshape(-1, 3):
        local = (point - world.data.cam_xpos[camera]) @ world.data.cam_xmat[camera].reshape(3, 3)
        assert np.abs(focal * local[:2] / local[2]).max() < 115


def test_it_has_three_tasks_and_no_pick_place():
    assert [get_task(name, SAWYER).name for name in SAWYER.tick_limits] == ["reach", "push", "drawer"]
    with pytest.raises(ConfigError, match="no task of robot 'sawyer' is named 'pick_place'"):
        get_task("pick_place", SAWYER)


def test_starts_and_goals_touch_nothing():
    rng = np.random.default_rng(0)
    with SimEnv("reach", cameras=(), robot=SAWYER) as env:
        table, can = env.world.model.geom("table").id, env.world.model.geom("can").id
        for _ in range(40):
            episode = env.task.sample(rng)
            for state in (episode.start, episode.goal):
                env.place(state)
                assert {tuple(sorted(map(int, c.geom))) for c in env.world.data.contact} <= {(table, can)}


def test_play_covers_the_workspace_within_the_limits_and_is_never_refused():
    limits = SAWYER.limits
    tools, actions, refused = [], [], 0
    with SimEnv("reach", cameras=(), robot=SAWYER) as env:
        for seed in range(15):
            rng = np.random.default_rng([5, seed])
            env.reset(rng)
            policy = PlayPolicy(rng, robot=SAWYER)
            for _ in range(60):
                actions.append(policy.act(env))
                env.act(actions[-1])
                tools.append(env.world.tool_pose().position)
                refused += env.controller.mode != "moving"
    assert refused == 0
    assert np.abs(np.array(actions)[:, :3]).max() <= limits.max_step_m + 1e-6
    for axis, (low, high) in enumerate(zip(limits.workspace_low, limits.workspace_high, strict=True)):
        counts, _ = np.histogram(np.array(tools)[:, axis], 4, (low, high))
        assert counts.min() > 0.05 * len(tools)


def test_joints_turn_no_faster_than_the_limit_and_the_elbow_stays_up():
    """Seven joints leave one free: the elbow may not wander off while the tool goes to and fro."""
    rng = np.random.default_rng(1)
    commanded, elbow = [], []
    with SimEnv("reach", cameras=(), robot=SAWYER) as env:
        env.reset(rng)
        policy = PlayPolicy(rng, robot=SAWYER)
        for _ in range(600):
            env.act(policy.act(env))
            commanded.append(env.world.data.ctrl[: SAWYER.n_joints].copy())
            elbow.append(commanded[-1][2])
    speed = np.abs(np.diff(commanded, axis=0)).max() / env.spec.period_s
    assert speed <= SAWYER.limits.joint_speed + 1e-6
    assert np.abs(elbow).max() < 0.8


def test_a_closed_arm_refuses_commands(world):
    arm = SimArm(world)
    arm.close()
    with pytest.raises(ArmError, match="closed"):
        arm.command(SAWYER.home, 0.0)


class SawyerBench:
    """One world as the suite's device."""

    start = SAWYER.home
    other = SAWYER.home + 0.1
    tolerance_rad = 5e-3
    quantum_rad = 1e-9
    gripper_tolerance = 0.1
    exclusive = False
    always_on = True

    def __init__(self):
        self.world = World(robot=SAWYER)

    def connect(self):
        return SimArm(self.world)

    def settle(self, seconds):
        run(self.world, round(seconds / 0.02))

    def sent(self):
        ctrl = self.world.data.ctrl
        return ctrl[:7].copy(), SAWYER.fingers.opening(float(ctrl[7]))


class TestSimulatedSawyer(ArmSuite):
    @pytest.fixture
    def bench(self):
        return SawyerBench()
