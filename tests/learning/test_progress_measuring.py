"""What crl-bench progress makes of recorded episodes."""

from typing import Any

import numpy as np
import pytest

from crl_learning.bench_progress import task_facts
from crl_learning.bench_progress_held_out import compared, pixel_signal
from crl_learning.bench_progress_report import progress_table, roc_curve, write_report
from crl_learning.progress import measuring
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.held_out import HeldOut
from crl_learning.progress.measuring import Watched, bootstrap, differences, signal_facts, stop_facts

CALIBRATION = Calibration(
    weights=(1.0,),
    offset=0.0,
    signal=(-20.0, 0.0),
    expected=(20.0, 0.0),
    low=(18.0, -1.0),
    high=(22.0, 2.0),
    horizon=40,
    rates=(0.05, 0.1),
    thresholds=(-0.5, -2.5),
    hold=2,
    patience=5,
    step=0.01,
    facts={},
)
TICKS = 20


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch):
    monkeypatch.setattr(measuring, "RESAMPLES", 60)


def episode(rng, noise=0.0, arm_only=False):
    """A run that is there after 12 ticks; with ``arm_only`` the arm is, and the object never."""
    left = np.maximum(12 - np.arange(TICKS), 0).astype(float)
    good = -left + rng.normal(0, noise, TICKS)
    arm_right = left <= 2
    success = np.zeros(TICKS, bool) if arm_only else left == 0
    return Watched({"critic": good - 6.0 * arm_only, "pixels": rng.normal(size=TICKS)}, success, arm_right)


@pytest.fixture
def episodes():
    rng = np.random.default_rng(0)
    return [episode(rng, 0.1, arm_only=i % 5 == 0) for i in range(30)]


def test_ticks_left_count_down_to_each_success_and_are_unknown_without_one():
    left = measuring.ticks_left(np.array([0, 0, 1, 0, 1, 0], bool))
    assert left[:5].tolist() == [2, 1, 0, 1, 0]
    assert np.isnan(left[5])


def test_a_signal_that_follows_the_truth_beats_noise_with_intervals_apart(episodes):
    rng = np.random.default_rng(1)
    critic, pixels = (signal_facts(episodes, name, rng) for name in ("critic", "pixels"))
    assert critic["auc_low"] > pixels["auc_high"]
    assert critic["rank_correlation"] > 0.95
    assert pixels["auc_low"] < 0.5 < pixels["auc_high"]
    difference = differences(episodes, "critic", ["pixels"], rng)["auc_critic_less_pixels"]
    assert difference["low"] > 0


def test_a_signal_is_fooled_as_often_as_a_wrong_object_looks_right_to_it(episodes):
    rng = np.random.default_rng(1)
    facts = signal_facts(episodes, "critic", rng)
    assert facts["arm_right_object_wrong"] > 0
    assert facts["fooled"] == 0


def test_a_run_stops_at_the_goal_after_the_ticks_that_it_must_last(episodes):
    facts = stop_facts(episodes, "critic", CALIBRATION, 0.05, 0.2)
    assert facts["stopped_early"] == 0
    assert facts["stopped_at_goal"] == facts["succeeded"] == 24
    assert facts["stop_after_s"]["p50"] == pytest.approx(0.2)
    assert facts["stopped_in_time"] == 24
    assert stop_facts(episodes, "critic", CALIBRATION, 0.05, 5.0)["stopped_in_time"] < 24
    assert facts["stalled_before_success"] == 0
    assert facts["steps_within_interval"] > 0.9


def test_runs_that_the_goal_image_never_fits_are_told_apart():
    done = np.arange(TICKS) >= 4
    signal = np.where(np.arange(TICKS) >= 14, 0.0, -9.0)
    late = Watched({"critic": signal}, done, np.arange(TICKS) >= 13)
    elsewhere = Watched({"critic": np.full(TICKS, -9.0)}, done, np.zeros(TICKS, bool))
    facts = stop_facts([late, elsewhere, late], "critic", CALIBRATION, 0.05, 0.2)
    assert facts["succeeded"] == 3
    assert facts["stopped_in_time"] == 0
    assert facts["as_shown"] == {"runs": 2, "stopped_at_goal": 2, "stopped_in_time": 2}


def test_a_threshold_that_is_too_low_stops_runs_too_early(episodes):
    assert stop_facts(episodes, "critic", CALIBRATION, 0.1, 0.2)["stopped_early"] > 0.3


def test_an_interval_holds_the_value_and_shrinks_with_more_episodes():
    rng = np.random.default_rng(2)
    few, many = ([episode(rng, 3.0) for _ in range(n)] for n in (5, 80))
    widths = []
    for chosen in (few, many):
        value, low, high = bootstrap(chosen, lambda e: float(np.mean([one.signals["critic"][0] for one in e])), rng)
        assert low <= value <= high
        widths.append(high - low)
    assert widths[1] < widths[0]


def test_what_has_no_value_is_none():
    never = [Watched({"critic": np.zeros(5)}, np.zeros(5, bool), np.zeros(5, bool))] * 2
    facts = signal_facts(never, "critic", np.random.default_rng(0))
    assert facts["auc"] is None
    assert stop_facts(never, "critic", CALIBRATION, 0.05, 0.2)["stop_after_s"] is None


def test_pairs_of_held_out_views_are_judged_by_trajectory():
    rng = np.random.default_rng(3)
    lengths = np.array([30, 40, 20])
    place = np.concatenate([np.linspace(0, 0.4, n) for n in lengths])
    images = np.zeros((len(place), 4, 4, 3), np.uint8) + np.round(600 * place).astype(np.uint8)[:, None, None, None]
    tool = np.stack([place, 0 * place, 0 * place], axis=1)
    data = HeldOut(images, lengths, tool, np.zeros((len(place), 0)))

    class Sees:
        def compare(self, states, goals):
            return np.abs(states.astype(float) - goals).mean((1, 2, 3))[:, None]

    policy: Any = Sees()
    groups = compared(policy, None, CALIBRATION, data, rng)
    assert len(groups) == 3
    assert sum(len(group.success) for group in groups) > 2000
    facts = signal_facts(groups, "critic", rng)
    assert facts["auc"] == signal_facts(groups, "pixels", rng)["auc"] > 0.99
    assert 0.1 < np.mean(np.isnan(np.concatenate([group.steps for group in groups]))) < 0.3


def test_identical_views_are_nearest_in_pixels():
    grey = np.full((2, 2, 3), 90, np.uint8)
    assert pixel_signal(grey, grey) == 0.0
    assert pixel_signal(grey, grey + 3) == -3.0


def test_a_roc_curve_goes_from_none_to_all_and_takes_equal_scores_together():
    elsewhere, there = roc_curve(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False]))
    assert elsewhere.tolist() == [0.0, 0.0, 0.5, 1.0]
    assert there.tolist() == [0.0, 0.5, 1.0, 1.0]


def test_the_report_keeps_every_tick_and_draws_the_curves(episodes, tmp_path):
    write_report(tmp_path, {"reach": episodes, "push": episodes})
    lines = (tmp_path / "ticks_push.csv").read_text().splitlines()
    assert lines[0] == "episode,tick,success,arm_right,critic,pixels"
    assert len(lines) == 1 + 30 * TICKS
    assert (tmp_path / "roc.png").stat().st_size > 1000


def test_the_table_has_a_row_for_each_task_and_signal(episodes):
    facts = {"checkpoint": "it", "episodes": 30, "tasks": {"reach": task_facts(episodes, CALIBRATION, 0.05, 0.2, 0)}}
    assert progress_table(facts).row_count == 2
