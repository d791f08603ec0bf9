import json

import numpy as np
import pytest

from crl_robot.errors import ContractError
from crl_robot.sim.env import SimEnv
from crl_robot.sim.state import Episode, SceneState
from crl_robot.sim.task import Part, Stage, Task
from crl_robot.sim.tasks import get_task
from crl_robot.sim.tasks.reach import ReachOracle

STATE = SceneState((0.3, 0.0, 0.1), 0.0, {"can": (0.3, 0.1, 0.025, 0.0)})
EPISODE = Episode(STATE, STATE)


def task(distances=(0.0,), tolerances=(0.04,), reached=()):
    """A task whose parts are at the given distances and whose stages are reached as given."""
    parts = tuple(
        Part(str(i), t, lambda *_, d=d: d) for i, (d, t) in enumerate(zip(distances, tolerances, strict=True))
    )
    stages = tuple(Stage(str(i), lambda *_, yes=yes: yes) for i, yes in enumerate(reached))
    return Task("t", "table", 10, "can", parts, stages, lambda _: EPISODE, ReachOracle)


@pytest.fixture(scope="module")
def world():
    with SimEnv("reach", cameras=()) as env:
        yield env.world


def test_the_distance_is_the_worst_part_scaled_to_the_tolerance_of_the_task(world):
    both = task((0.01, 0.015), (0.04, 0.02))
    assert both.distance(world, EPISODE) == pytest.approx(0.03)
    assert both.distances(world, EPISODE) == {"0": 0.01, "1": 0.015}


@pytest.mark.parametrize(("distances", "success"), [((0.04, 0.02), True), ((0.03, 0.021), False), ((0.05, 0), False)])
def test_success_is_every_part_within_its_tolerance(world, distances, success):
    assert task(distances, (0.04, 0.02)).success(world, EPISODE) is success


def test_the_distance_of_a_single_part_is_not_rounded(world):
    assert task((0.1 / 3,), (0.7 / 3,)).distance(world, EPISODE) == 0.1 / 3


@pytest.mark.parametrize(
    ("reached", "before", "stage"),
    [((True, False, True), 0, 1), ((False, True), 1, 2), ((False, True), 0, 0), ((), 0, 0)],
)
def test_stages_are_reached_one_after_the_other_and_never_lost(world, reached, before, stage):
    assert task(reached=reached).stage(world, EPISODE, before) == stage


def test_the_arm_distance_looks_at_the_tool_alone(world):
    world.reset(world.robot.home, (0.3, 0.12))
    tool = world.tool_pose().position
    there = Episode(STATE, SceneState((tool[0], tool[1] + 0.03, tool[2])))
    assert get_task("push").arm_distance(world, there) == pytest.approx(0.03)


@pytest.mark.parametrize("name", ["push", "pick_place_drawer"])
def test_the_facts_of_an_episode_survive_json(name):
    one = get_task(name)
    episode = one.sample(np.random.default_rng(0))
    facts = one.facts(episode)
    assert json.loads(json.dumps(facts)) == facts
    assert facts["goal_tool"] == list(episode.goal.tool)
    assert facts["start_object_xy"] == list(episode.start.objects[one.object][:2])
    assert facts["goal"]["joints"] == episode.goal.joints


def test_a_state_with_an_impossible_gripper_is_refused():
    with pytest.raises(ContractError, match="expected an opening of 0"):
        SceneState((0.3, 0.0, 0.1), 1.5)
