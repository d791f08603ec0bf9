from dataclasses import replace

import numpy as np
import pytest

from crl_learning.trials import ARM_RIGHT_M, Trial, summarise
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


def test_a_failure_with_the_arm_in_place_is_told_from_others():
    failed = trial(distances_cm=(20, 9.0), task="push")
    near, far = replace(failed, arm_final_m=ARM_RIGHT_M), replace(failed, arm_final_m=ARM_RIGHT_M + 0.001)
    there = replace(trial(distances_cm=(20, 1.0), task="push"), arm_final_m=0.0)
    assert [one.arm_right_object_wrong for one in (near, far, there, failed)] == [True, False, False, False]
    assert summarise([near, far, there])["arm_right_object_wrong"] == 1


def test_where_the_tool_is_the_task_the_arm_cannot_be_right_and_the_object_wrong():
    assert summarise([trial()])["arm_right_object_wrong"] is None


def test_the_summary_says_how_many_trials_got_as_far_as_each_stage():
    stages = ("grasped", "carried", "placed")
    trials = [replace(trial(i), stages=stages, stage_reached=reached) for i, reached in enumerate((0, 1, 1, 3))]
    assert summarise(trials)["stages"] == {"grasped": 0.75, "carried": 0.25, "placed": 0.25}
    assert [one.stage_words for one in (trials[0], trials[3])] == ["no stage reached", "got as far as placed"]
