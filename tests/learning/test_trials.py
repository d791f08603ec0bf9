import csv
import json

import numpy as np
import pytest

from crl_learning.trials import Trial, summarise, write_summary, write_trials
from crl_robot.errors import ContractError


def trial(index: int = 0, distances_cm=(20.0, 5.0, 1.0), task: str = "reach") -> Trial:
    metres = tuple(d / 100 for d in distances_cm)
    return Trial(task, 7, index, (0.3, 0.0, 0.1), (0.2, 0.1, 0.05), (0.3, 0.1), (0.4, 0.1), 0.015, metres)


def test_success_at_the_end_and_at_any_time_are_told_apart():
    passing_by = trial(distances_cm=(20, 1.0, 9.0))
    assert passing_by.success_any
    assert not passing_by.success_final
    assert passing_by.steps == 2


def test_standing_at_the_goal_before_the_first_action_is_no_success():
    assert not trial(distances_cm=(0.5, 9.0, 9.0)).success_any


def test_the_tolerance_itself_is_a_success():
    assert trial(distances_cm=(20, 1.5)).success_final


@pytest.mark.parametrize("distances_cm", [(), (3.0,), (3.0, float("nan"))])
def test_a_trial_without_measured_steps_is_refused(distances_cm):
    with pytest.raises(ContractError, match="finite value per control tick"):
        trial(distances_cm=distances_cm)


def test_summary_counts_successes_and_puts_the_interval_around_them():
    trials = [trial(i, (20, 1.0, 1.0)) for i in range(3)] + [trial(3, (20, 1.0, 8.0))]
    summary = summarise(trials)
    assert summary["episodes"] == 4
    assert (summary["success_final"], summary["success_any"]) == (0.75, 1.0)
    assert summary["success_final_low"] < 0.75 < summary["success_final_high"]
    assert summary["median_final_distance_cm"] == pytest.approx(1.0)
    assert summary["p90_final_distance_cm"] == pytest.approx(np.quantile([1, 1, 1, 8], 0.9))


def test_trials_of_two_tasks_are_not_summed():
    with pytest.raises(ContractError, match="exactly one task"):
        summarise([trial(), trial(task="push")])


def test_csv_holds_one_row_per_trial_with_its_seed_and_distances(tmp_path):
    write_trials(tmp_path / "trials.csv", [trial(0), trial(1, (20, 9.0))])
    with (tmp_path / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["trial"], row["success_final"]) for row in rows] == [("7", "0", "1"), ("7", "1", "0")]
    assert float(rows[1]["final_distance_cm"]) == 9.0
    assert (float(rows[0]["goal_tool_z"]), float(rows[0]["goal_object_x"])) == (0.05, 0.4)


def test_keys_of_a_single_task_stand_at_the_top_too(tmp_path):
    path = tmp_path / "summary.json"
    one, two = summarise([trial()]), summarise([trial(task="push")])
    write_summary(path, {"reach": one}, {"seed": 7})
    single = json.loads(path.read_text())
    assert single["success_final"] == single["tasks"]["reach"]["success_final"] == 1.0
    assert single["seed"] == 7
    write_summary(path, {"reach": one, "push": two}, {"seed": 7})
    assert "success_final" not in json.loads(path.read_text())
