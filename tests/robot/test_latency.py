import numpy as np
import pytest

from crl_robot.kinematics import HOME_Q
from crl_robot.sim.camera import SimCamera
from crl_robot.sim.env import SimEnv, render_goal
from crl_robot.sim.latency import Delays
from crl_robot.sim.world import INNER_PERIOD_NS, World
from crl_robot.sim.world_options import WorldOptions

TICKS = 3
LATE = WorldOptions(camera_latency_ms=TICKS * 20.0)
FRAMES = 6


def frames(options):
    """One frame after each of some inner ticks of a moving arm."""
    world = World(options=options)
    camera = SimCamera(world)
    world.reset(HOME_Q, (0.3, 0.1))
    read = []
    for _ in range(FRAMES):
        world.command(HOME_Q + 0.5, 0.0)
        world.step_inner()
        world.restore(world.snapshot())  # the bodies' poses are a step older than the joints until they are computed
        read.append(camera.read())
    camera.close()
    return read


def test_a_late_camera_shows_old_pictures_with_the_stamps_of_what_they_show():
    late, live = frames(LATE), frames(WorldOptions())
    for index in range(TICKS, FRAMES):
        assert late[index].stamp_ns == live[index - TICKS].stamp_ns
        assert late[index].receive_stamp_ns == live[index].stamp_ns
        np.testing.assert_array_equal(late[index].image, live[index - TICKS].image)


def test_before_that_it_shows_the_beginning():
    late = frames(LATE)
    assert [frame.stamp_ns for frame in late[:TICKS]] == [0] * TICKS


def test_commands_arrive_in_order_and_each_once():
    delays = Delays(arm_ticks=2)
    obeyed = []
    for tick in range(6):
        delays.give((np.array([tick]), 0.0))
        obeyed.append([int(q[0]) for q, _ in delays.due()])
    assert obeyed == [[], [], [0], [1], [2], [3]]


def test_a_placed_world_forgets_the_commands_that_were_on_their_way():
    world = World(options=WorldOptions(arm_latency_ms=100.0))
    world.command(HOME_Q + 0.5, 1.0)
    world.reset(HOME_Q, (0.3, 0.1))
    for _ in range(20):
        world.step_inner()
    np.testing.assert_allclose(world.joints()[0], HOME_Q, atol=1e-3)


def test_a_late_world_shows_goals_at_once_and_goes_on_as_before():
    def run(look_at_goal):
        with SimEnv("push", options=LATE) as env:
            env.reset(np.random.default_rng(3))
            seen = []
            for tick in range(4):
                if look_at_goal and tick == 2:
                    seen.append(render_goal(env, env.episode))
                observation = env.act(np.array([0.03, 0, 0, 0, 0, 0, 0], dtype=np.float32))
            return observation.frames["over_shoulder"], seen

    frame, (goal,) = run(True)
    same, _ = run(False)
    np.testing.assert_array_equal(frame.image, same.image)
    with SimEnv("push") as env:
        env.reset(np.random.default_rng(3))
        np.testing.assert_array_equal(env.goal_image(), goal)


def test_steps_of_a_late_world_say_how_old_their_pictures_are():
    with SimEnv("push", options=LATE) as env:
        env.reset(np.random.default_rng(0))
        observation = env.act(np.zeros(7, dtype=np.float32))
        assert observation.age_ms("over_shoulder") == pytest.approx(TICKS * INNER_PERIOD_NS / 1e6)
