"""The walk through trials on a robot, with a rig of which a test knows what it was asked."""

import csv
import json

import numpy as np
import pytest

from crl_learning.eval_folders import read_results
from crl_learning.real_eval.log import RealLog, RealTrial
from crl_learning.real_eval.overlay import scene_overlay
from crl_learning.real_eval.scenes import Scenes
from crl_learning.real_eval.walk import AGAIN, BEGIN, NO, PHOTOGRAPH, YES, OperatorStage, Opinion, Plan, walk
from crl_learning.trials import episode_seed
from crl_robot.errors import ConfigError, GoalImageError
from crl_robot.graph import GraphError

REACHED = Opinion(True, True, 0.9, "ticks", 50, "run-1")
FIRST = (PHOTOGRAPH, BEGIN, BEGIN)
"""What is pressed for a scene of which there is no picture yet; later the goal is not photographed."""


def picture(value: int) -> np.ndarray:
    return np.full((24, 32, 3), value, np.uint8)


def rows(folder):
    with (folder / "trials.csv").open() as file:
        return list(csv.DictReader(file))


class FakeRig:
    """Answers with the given keys; the camera sees a new brightness at every look, and is gone after ``runs``."""

    def __init__(self, keys, opinion=REACHED, runs=99):
        self.keys, self.opinion, self.runs = list(keys), opinion, runs
        self.did: list[str] = []
        self.said: list[str] = []
        self.shown: list[np.ndarray] = []
        self.goals: list[int] = []
        self.verdicts: list[bool] = []
        self.looks = 0

    def view(self):
        self.looks += 1
        return picture(10 * self.looks)

    def say(self, words):
        self.said.append(words)

    def ask(self, words, keys, draw=None):
        key = self.keys.pop(0)
        assert key in keys, words
        self.did.append(key)
        if draw is not None:
            self.shown.append(draw(picture(0)))
        return key

    def home(self):
        self.did.append("home")

    def record_verdict(self, success):
        self.verdicts.append(success)

    def run(self, goal, ticks):
        self.did.append(f"run {ticks}")
        self.goals.append(int(goal.mean()))
        if len(self.goals) > self.runs:
            raise GraphError("the camera is gone")
        return self.opinion


def plan(trials=1, policy="models/a", seeded=False):
    return Plan("push", policy, trials, 50, 7, seeded)


@pytest.fixture
def go(tmp_path):
    def walk_with(keys, trials=1, policy="models/a", **options):
        rig = FakeRig(keys, **options)
        walk(rig, OperatorStage(rig, Scenes(tmp_path / "scenes")), plan(trials, policy), RealLog(tmp_path / "out"))
        return rig

    return walk_with


def test_the_operator_is_led_from_goal_to_start_to_run_to_verdict(go, tmp_path):
    rig = go([*FIRST, YES])
    assert rig.did == [PHOTOGRAPH, BEGIN, "home", BEGIN, "run 50", YES]
    (row,) = rows(tmp_path / "out")
    assert (row["success_final"], row["signal_reached"], row["run"], row["judge"]) == ("1", "1", "run-1", "operator")
    assert rig.verdicts == [True]


def test_the_signals_opinion_is_told_only_after_the_verdict(go):
    rig = go([*FIRST, NO])
    told = [line for line in rig.said if "learned signal" in line]
    assert told == ["[1 of 1]: you say failure; the learned signal says reached (score 0.90)"]
    assert rig.did[-1] == NO


def test_a_second_policy_meets_the_same_goal_and_the_start_as_an_overlay(go, tmp_path):
    first = go([*FIRST, YES])
    second = go([BEGIN, BEGIN, NO], policy="models/b")
    assert first.goals == second.goals
    assert first.shown[-1].shape[1] < second.shown[-1].shape[1]
    mine, theirs = rows(tmp_path / "out")
    assert [row["start_difference"] for row in (mine, theirs)] == ["", "10.0"]
    assert mine["episode_seed"] == theirs["episode_seed"]


def test_after_a_break_it_goes_on_with_the_first_trial_that_is_missing(go, tmp_path):
    with pytest.raises(GraphError):
        go([*FIRST, YES, *FIRST], trials=3, runs=1)
    rig = go([BEGIN, BEGIN, NO, *FIRST, YES], trials=3)
    assert "2 of 3 trials to go" in rig.said[0]
    assert [(row["trial"], row["success_final"]) for row in rows(tmp_path / "out")] == [
        ("0", "1"),
        ("1", "0"),
        ("2", "1"),
    ]
    assert "all 3 trials are done: 66.7 %" in go([], trials=3).said[-1]


def test_a_trial_that_is_thrown_away_is_tried_again_and_leaves_no_row(go, tmp_path):
    rig = go([*FIRST, AGAIN, BEGIN, BEGIN, YES])
    assert rig.did.count("run 50") == 2
    assert rig.verdicts == [True]
    assert len(rows(tmp_path / "out")) == 1


def test_a_run_without_a_signal_leaves_its_columns_empty(go, tmp_path):
    go([*FIRST, YES], opinion=Opinion(None, None, None, "ticks", 50, ""))
    (row,) = rows(tmp_path / "out")
    assert (row["signal_reached"], row["signal_any"], row["signal_score"]) == ("", "", "")


def test_the_summary_counts_the_judge_beside_the_signal(go, tmp_path):
    go([*FIRST, YES, *FIRST, NO], trials=2)
    task = json.loads((tmp_path / "out" / "summary.json").read_text())["policies"]["models/a"]["tasks"]["push"]
    assert (task["episodes"], task["success_final"]) == (2, 0.5)
    assert task["signal"] == {"trials": 2, "both": 1, "only_judge": 0, "only_signal": 1, "neither": 0}


def test_the_summary_says_what_policies_were_trained_by_earlier_ones_too(tmp_path):
    for name in ("a", "b"):
        log = RealLog(tmp_path)
        log.trained[name] = {"algorithm": "stable_crl", "objective": "nce", "critic_term": name == "a"}
        log.add(RealTrial("push", name, 0, 3, 3, 1, "operator"))
    trained = json.loads((tmp_path / "summary.json").read_text())["trained"]
    assert {name: facts["critic_term"] for name, facts in trained.items()} == {"a": True, "b": False}
    (tmp_path / "summary.json").write_text("[]")  # made anew from trials.csv with the next trial
    assert RealLog(tmp_path).trained == {}
    assert "trained" not in RealLog(tmp_path).summary()


def test_the_log_is_read_as_results_that_can_be_compared(go, tmp_path):
    go([*FIRST, YES, *FIRST, NO], trials=2)
    assert read_results(tmp_path / "out").outcomes == {("push", "models/a"): {0: True, 1: False}}


def test_scenes_that_a_simulation_draws_are_paired_with_its_trials(tmp_path):
    class Truth:
        judge = "truth"

        def prepare(self, scene, name):
            return picture(5), None

        def verdict(self, opinion, name):
            return True

    log = RealLog(tmp_path)
    walk(FakeRig([]), Truth(), plan(trials=2, seeded=True), log)
    (outcomes,) = read_results(tmp_path).outcomes.values()
    assert set(outcomes) == {episode_seed(7, 0), episode_seed(7, 1)}


def test_a_folder_of_another_evaluation_is_not_added_to(tmp_path):
    (tmp_path / "trials.csv").write_text("task,seed\nreach,1\n")
    with pytest.raises(ConfigError, match="not of trials on a robot; choose another folder"):
        RealLog(tmp_path)


def test_a_trial_that_the_disk_refuses_is_not_counted_as_done(tmp_path, monkeypatch):
    log = RealLog(tmp_path)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("crl_learning.real_eval.log.replace_file", refuse)
    with pytest.raises(ConfigError, match="No space left"):
        log.add(RealTrial("push", "a", 0, 3, 3, 1, "operator"))
    assert log.done("push", "a") == set()


def test_scenes_come_back_as_they_were_photographed(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    Scenes(tmp_path / "deep").save(7, "goal", image)
    np.testing.assert_array_equal(Scenes(tmp_path / "deep").load(7, "goal"), image)
    assert Scenes(tmp_path).load(7, "start") is None
    (tmp_path / "001_goal.png").write_text("no picture")
    with pytest.raises(GoalImageError, match="is not a picture"):
        Scenes(tmp_path).load(1, "goal")


def test_the_overlay_is_the_mean_of_live_and_start_beside_start_and_goal():
    overlay = scene_overlay(picture(0), picture(200), picture(50))
    panels = np.array_split(overlay[-10:, :, 0], 3, axis=1)
    assert [int(np.median(panel)) for panel in panels] == [100, 200, 50]
