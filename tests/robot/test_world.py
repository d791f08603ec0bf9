import threading

import numpy as np
import pytest

from crl_robot.errors import ContractError
from crl_robot.kinematics import HOME_Q, N_JOINTS, Kinematics
from crl_robot.sim.world import INNER_PERIOD_NS, World, WorldOptions


@pytest.fixture
def world():
    return World()


def run(world, ticks):
    for _ in range(ticks):
        world.step_inner()


def test_the_same_commands_give_bit_equal_states():
    def states():
        world = World(seed=3)
        world.reset(HOME_Q, (0.30, 0.02))
        for tick in range(50):
            world.command(HOME_Q + 0.4 * np.sin(tick / 10), tick / 50)
            world.step_inner()
            yield world.snapshot()

    for a, b in zip(states(), states(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_reset_forgets_what_happened_before(world):
    world.reset(HOME_Q, (0.3, 0.1))
    fresh = world.snapshot()
    world.command(HOME_Q + 0.5, 1.0)
    run(world, 20)
    world.reset(HOME_Q, (0.3, 0.1))
    np.testing.assert_array_equal(world.snapshot(), fresh)


def test_an_inner_tick_is_twenty_milliseconds(world):
    run(world, 3)
    assert world.time_ns == 3 * INNER_PERIOD_NS


def test_a_restored_snapshot_has_the_same_future(world):
    world.command(HOME_Q + 0.2, 0.0)
    run(world, 5)
    before = world.snapshot()
    run(world, 5)
    after = world.snapshot()
    world.restore(before)
    run(world, 5)
    np.testing.assert_array_equal(world.snapshot(), after)


def test_the_tool_site_agrees_with_the_kinematics(world):
    q = HOME_Q + 0.1
    world.reset(q, (0.3, 0.15))
    np.testing.assert_allclose(world.tool_pose().position, Kinematics().forward(q).position, atol=1e-12)


def test_the_arm_holds_its_pose_against_gravity(world):
    run(world, 100)
    position, velocity, _ = world.joints()
    np.testing.assert_allclose(position, HOME_Q, atol=1e-4)
    np.testing.assert_allclose(velocity, 0.0, atol=1e-4)


def test_the_servos_reach_a_commanded_pose_within_a_second(world):
    target = HOME_Q + np.array([0.3, -0.2, 0.2, 0.1, -0.2, 0.3])
    world.command(target, 0.0)
    run(world, 50)
    np.testing.assert_allclose(world.joints()[0], target, atol=5e-3)


def test_a_can_left_alone_stays_upright_where_it_is(world):
    before = world.object_pose()
    run(world, 100)
    np.testing.assert_allclose(world.object_pose().position, before.position, atol=5e-4)


def test_a_can_that_was_hit_stops(world):
    world.data.qvel[world.model.joint("can").dofadr[0]] = 0.3
    run(world, 50)
    moved = world.object_pose().position[0] - 0.30
    assert 0.0 < moved < 0.02
    assert np.abs(world.data.qvel[N_JOINTS + 2 :]).max() < 1e-2


def test_both_fingers_move_together_over_the_whole_opening(world):
    world.command(HOME_Q, 1.0)
    run(world, 100)
    left, right = world.data.qpos[N_JOINTS : N_JOINTS + 2]
    assert left == pytest.approx(0.037, abs=5e-4)
    assert right == pytest.approx(left, abs=5e-4)
    assert world.joints()[2] == pytest.approx(1.0, abs=0.03)


def test_the_model_has_the_published_masses_and_effort_limits(world):
    model = world.model
    assert model.body("base_link").mass[0] == pytest.approx(0.5387)
    assert model.body("gripper_link").mass[0] == pytest.approx(0.0729 + 0.0342 + 0.0043, abs=2e-4)
    np.testing.assert_allclose(model.actuator_forcerange[:N_JOINTS, 1], [10, 20, 15, 2, 5, 1])


def test_options_change_light_table_and_camera():
    plain = World().model
    changed = World(options=WorldOptions(light=0.5, table_rgb=(0.1, 0.2, 0.3), camera_offset=(0.0, 0.02, 0.0))).model
    np.testing.assert_allclose(changed.light_diffuse, 0.5 * plain.light_diffuse)
    np.testing.assert_allclose(changed.geom("table").rgba[:3], [0.1, 0.2, 0.3], atol=1e-6)
    moved = changed.camera("over_shoulder").pos - plain.camera("over_shoulder").pos
    np.testing.assert_allclose(moved, [0.0, 0.02, 0.0])


def test_measurement_noise_follows_the_seed():
    def reading(seed):
        return World(seed=seed, options=WorldOptions(joint_noise_rad=0.01)).joints()[0]

    np.testing.assert_array_equal(reading(1), reading(1))
    assert np.any(reading(1) != reading(2))


@pytest.mark.parametrize("options", [{"light": -1.0}, {"table_rgb": (2.0, 0.0, 0.0)}, {"joint_noise_rad": -1.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ContractError, match="expected"):
        WorldOptions(**options)


def test_looking_waits_for_the_lock(world):
    seen = []
    with world.lock:
        thread = threading.Thread(target=lambda: seen.append(world.time_ns))
        thread.start()
        thread.join(0.05)
        assert seen == []
    thread.join(5)
    assert seen == [0]
