"""What machines read after an evaluation."""

import csv
import json

import numpy as np
import pytest

from crl_learning.eval_comparison import Group, compare_all
from crl_learning.eval_config import EvalConfig
from crl_learning.eval_files import (
    summary_of,
    training_facts,
    training_words,
    write_summary,
    write_trajectories,
    write_trials,
)
from crl_learning.settings import load_settings
from crl_learning.trials import Trial, episode_seed
from crl_robot.errors import CheckpointError
from crl_robot.resources import config_file


def trial(index: int = 0, distances_cm=(20.0, 5.0, 1.0), task: str = "reach") -> Trial:
    metres = tuple(d / 100 for d in distances_cm)
    path = tuple((0.1 * k, 0.0, 1 / 3) for k in range(len(metres)))
    where = (0.3, 0.0, 0.1), (0.2, 0.1, 0.05), (0.3, 0.1), (0.4, 0.1)
    return Trial(task, 7, index, *where, 0.015, metres, tool_path=path)


def group(task: str = "reach", subject: str = "models/a", distances_cm=(20.0, 5.0, 1.0)) -> Group:
    return Group(subject, task, tuple(trial(i, distances_cm, task) for i in range(2)))


def test_csv_holds_one_row_per_trial_with_its_seed_distances_and_policy(tmp_path):
    one = Group("models/a", "reach", (trial(0), trial(1, (20, 9.0))))
    write_trials(tmp_path / "trials.csv", [one])
    with (tmp_path / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["trial"], row["success_final"]) for row in rows] == [("7", "0", "1"), ("7", "1", "0")]
    assert float(rows[1]["final_distance_cm"]) == 9.0
    assert (float(rows[0]["goal_tool_z"]), float(rows[0]["goal_object_x"])) == (0.05, 0.4)
    assert rows[0]["policy"] == "models/a"


def test_keys_of_a_single_task_stand_at_the_top_too(tmp_path):
    path = tmp_path / "summary.json"
    write_summary(path, [group()], [], {"seed": 7})
    single = json.loads(path.read_text())
    assert single["success_final"] == single["tasks"]["reach"]["success_final"] == 1.0
    assert single["seed"] == 7
    write_summary(path, [group(), group("push")], [], {"seed": 7})
    both = json.loads(path.read_text())
    assert "success_final" not in both
    assert set(both["tasks"]) == {"reach", "push"}


def test_several_policies_stand_beside_each_other_with_their_comparison():
    groups = [group(), group(subject="models/b", distances_cm=(20.0, 5.0, 9.0))]
    summary = summary_of(groups, compare_all(groups), {})
    assert [summary["policies"][name]["tasks"]["reach"]["success_final"] for name in ("models/a", "models/b")] == [1, 0]
    (compared,) = summary["comparisons"]
    assert (compared["first"], compared["second"], compared["only_first"]) == ("models/a", "models/b", 2)
    assert json.loads(json.dumps(summary)) == summary


def test_trajectories_are_kept_to_the_bit_and_shorter_ones_end_with_nan(tmp_path):
    short = Group("models/a", "push", (trial(3, (1 / 7, 1 / 9), "push"),))
    write_trajectories(tmp_path / "trajectories.npz", [group(), short])
    with np.load(tmp_path / "trajectories.npz") as held:
        assert held["distance_m"].shape == (3, 3)
        assert held["distance_m"][2, :2].tolist() == list(short.trials[0].distances_m)
        assert np.isnan(held["distance_m"][2, 2])
        np.testing.assert_array_equal(held["tool_m"][0], np.array(trial().tool_path))
        assert held["episode_seed"].tolist() == [episode_seed(7, index) for index in (0, 1, 3)]
        assert held["task"].tolist() == ["reach", "reach", "push"]


def facts_of(*words):
    return training_facts(load_settings(EvalConfig, config_file("eval.yaml"), list(words)).checkpoints)


def test_the_summary_names_algorithm_and_objective_of_every_checkpoint():
    """A result did not tell what it was trained by."""
    facts = facts_of("checkpoint=[models/reach,models/push]", "policy=still")
    by_nce = {"algorithm": "stable_crl", "objective": "nce", "critic_term": True}
    assert facts == {"trained": {"models/reach": by_nce, "models/push": by_nce}}
    assert summary_of([group()], [], facts)["trained"] == facts["trained"]


@pytest.mark.parametrize(
    ("algorithm", "objective", "critic_term", "words"),
    [
        ("stable_crl", "nce", True, "stable_crl, objective nce"),
        ("stable_crl", "nce", False, "stable_crl without the critic's term, objective nce"),
        ("hiql", None, False, "hiql without the critic's term"),
        ("gcbc", None, False, "gcbc"),
    ],
)
def test_a_control_without_the_critics_term_is_not_called_like_the_run_with_it(
    algorithm, objective, critic_term, words
):
    one = {"algorithm": algorithm, "objective": objective, "critic_term": critic_term}
    assert training_words(one) == words


def test_baselines_were_not_trained_and_a_missing_checkpoint_is_noticed_before_the_trials():
    assert facts_of("policy=still") == {}
    with pytest.raises(CheckpointError, match="/nowhere does not exist"):
        facts_of("checkpoint=/nowhere")
