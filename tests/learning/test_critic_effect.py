"""What a critic's value follows, and how far it moves the actions: crl-bench critic."""

import json

import numpy as np
import pytest

from crl_learning import critic_effect as measured
from crl_learning.bench_cli import main as bench_main
from crl_robot.robots import WIDOWX
from crl_robot.sim.moves import TRAVEL_HEIGHT_M
from crl_robot.sim.places import clear_of_can, reachable
from crl_robot.sim.state_numbers import scene_numbers, state_numbers
from crl_robot.sim.tasks import get_task

TOOL, OBJECT = slice(0, 3), slice(3, 5)


class Knows:
    """Judges states by the nearness of one part of them, and always takes the same step."""

    cameras, robot = (), WIDOWX
    part, step = OBJECT, 0.01

    def __init__(self, name):
        if name == "control":
            self.step = 0.004

    def seen(self, env):
        return state_numbers(env)

    def seen_at(self, env, scene):
        return scene_numbers(env, scene)

    def actions(self, states, goal):
        return np.tile(np.array([self.step, 0, 0, 0, 0, 0, 0], np.float32), (len(states), 1))

    def values(self, states, goal):
        return np.exp(-np.linalg.norm(states[:, self.part] - goal[self.part], axis=1))


def facts_of(monkeypatch, judge):
    monkeypatch.setattr(measured, "SceneJudge", judge)
    monkeypatch.setattr(measured, "PLACES", 30)
    return measured.critic_effect("checkpoint", "control", episodes=2, seed=0)


def test_a_value_that_knows_the_object_alone_follows_it_and_not_the_arm(monkeypatch):
    facts = facts_of(monkeypatch, Knows)
    assert facts["follows_object"]["mean"] == pytest.approx(1)
    assert abs(facts["follows_arm"]["mean"]) < 0.4
    assert facts["object_counts_more"]["mean"] == 1
    assert facts["moved_mm"]["mean"] == pytest.approx(6)
    assert facts["step_mm"]["mean"] == pytest.approx(10)


def test_a_value_that_knows_the_arm_alone_is_told_from_it(monkeypatch):
    facts = facts_of(monkeypatch, type("KnowsArm", (Knows,), {"part": TOOL}))
    assert facts["follows_arm"]["mean"] == pytest.approx(1)
    assert abs(facts["follows_object"]["mean"]) < 0.4
    assert facts["object_counts_more"]["mean"] == 0


def test_other_scenes_differ_in_one_thing_and_can_be_posed():
    rng = np.random.default_rng(0)
    start = get_task("push", WIDOWX).sample(rng).start
    for _ in range(30):
        moved = measured.object_elsewhere(start, rng)
        assert moved.tool == start.tool
        assert moved.objects["can"][2:] == start.objects["can"][2:]
        assert clear_of_can(np.array(moved.tool), np.array(moved.objects["can"][:2]))
        raised = measured.arm_elsewhere(start, rng)
        assert raised.objects == start.objects
        assert raised.tool[2] >= TRAVEL_HEIGHT_M
        assert reachable(np.array(raised.tool))


def test_an_image_checkpoint_is_judged_on_pictures_and_not_moved_from_itself(untrained, tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "PLACES", 4)
    words = ["--checkpoint", str(untrained), "--control", str(untrained), "--episodes", "1"]
    assert bench_main(["critic", *words, "--json", str(tmp_path / "critic.json")]) == 0
    facts = json.loads((tmp_path / "critic.json").read_text())
    assert facts["moved_mm"]["mean"] == 0
    assert facts["step_mm"]["mean"] >= 0
    assert all(-1 <= facts[name]["mean"] <= 1 for name in ("follows_object", "follows_arm"))
