"""The progress signal: its fit to held-out pairs, thresholds at a chosen rate, what a watch makes of it, its file."""

import dataclasses
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from crl_learning.goals.reference import FrameName, Reference
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.export import ProgressExport, load_progress, save_progress
from crl_learning.progress.fitting import (
    falling,
    fit_signal,
    held_level,
    longest_stall,
    roc_auc,
    run_thresholds,
    step_curves,
)
from crl_learning.progress.held_out import HeldOut, Tolerance, segments
from crl_learning.progress.watch import ProgressWatch
from crl_robot.errors import CheckpointError, ConfigError, ContractError

CALIBRATION = Calibration(
    weights=(1.0, 0.5),
    offset=0.1,
    signal=(-3.0, -1.0, 0.0),
    expected=(20.0, 5.0, 0.0),
    low=(10.0, 2.0, 0.0),
    high=(40.0, 9.0, 1.0),
    horizon=40,
    rates=(0.05, 0.1),
    thresholds=(-0.5, -0.8),
    hold=2,
    patience=3,
    step=0.01,
    facts={"pairs": 10},
)


def distances_of(signal):
    """Distances with this signal under CALIBRATION."""
    return (math.expm1(-signal - CALIBRATION.offset), 0.0)


def test_a_fit_finds_the_weights_that_made_the_steps():
    rng = np.random.default_rng(0)
    distances = rng.uniform(0, 5, (500, 2))
    steps = np.expm1(0.3 + np.log1p(distances) @ [0.8, 0.4])
    weights, offset = fit_signal(distances, steps)
    assert weights == pytest.approx([0.8, 0.4], abs=1e-3)
    assert offset == pytest.approx(0.3, abs=1e-3)


def test_no_weight_is_below_0_so_that_a_larger_distance_never_means_fewer_steps():
    rng = np.random.default_rng(0)
    distances = rng.uniform(0, 5, (500, 2))
    weights, _ = fit_signal(distances, np.expm1(1.5 + np.log1p(distances) @ [0.8, -0.4]))
    assert weights[1] == 0.0


def test_falling_pools_neighbours_and_keeps_the_mean():
    assert falling(np.array([5.0, 3.0, 4.0, 1.0])).tolist() == [5.0, 3.5, 3.5, 1.0]
    noise = np.random.default_rng(1).normal(size=200)
    pooled = falling(noise)
    assert (np.diff(pooled) <= 0).all()
    assert pooled.mean() == pytest.approx(noise.mean())


def test_step_curves_fall_and_their_interval_holds_the_expectation():
    rng = np.random.default_rng(2)
    steps = rng.integers(0, 40, 4000).astype(float)
    knots, expected, low, high = step_curves(-np.log1p(steps) + rng.normal(0, 0.2, 4000), steps)
    assert (np.diff(knots) > 0).all()
    for curve in (expected, low, high):
        assert (np.diff(curve) <= 1e-9).all()
    assert ((low <= expected) & (expected <= high)).all()


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2])
def test_a_threshold_holds_its_rate_on_new_goals_of_the_same_kind(rate):
    rng = np.random.default_rng(3)
    rates, thresholds = run_thresholds(rng.normal(size=2000))
    fresh = rng.normal(size=20_000)
    assert (fresh >= thresholds[rates.index(rate)]).mean() == pytest.approx(rate, rel=0.3)


def test_rates_that_too_few_goals_stand_for_are_not_offered():
    assert run_thresholds(np.zeros(50))[0] == (0.05, 0.1, 0.2)
    assert run_thresholds([-math.inf] * 400)[1][0] == pytest.approx(0.0, abs=1e-3)


def test_a_level_is_held_only_after_enough_ticks():
    assert held_level(np.array([1.0, 3.0, 2.0]), 2).tolist() == [-math.inf, 1.0, 2.0]
    assert held_level(np.array([1.0]), 2).tolist() == [-math.inf]


def test_a_stall_is_counted_from_the_best_so_far():
    assert longest_stall(np.array([0.0, 1.0, 0.5, 0.9, 1.001, 2.0]), 0.01) == 3


def test_the_auc_of_ranks_knows_ties_and_extremes():
    positive = np.array([True, True, False, False])
    assert roc_auc(np.array([3.0, 2.0, 1.0, 0.0]), positive) == 1.0
    assert roc_auc(np.zeros(4), positive) == 0.5
    assert math.isnan(roc_auc(np.zeros(2), np.array([True, True])))


def test_between_knots_and_rates_there_is_a_straight_line_and_beyond_them_no_guess():
    assert CALIBRATION.steps(-2.0).expected == pytest.approx(12.5)
    assert CALIBRATION.steps(-9.0).expected == 20.0
    assert CALIBRATION.threshold(0.075) == pytest.approx(-0.65)
    with pytest.raises(ConfigError, match=r"reached_rate is 0\.5, the checkpoint was calibrated for 0\.05 to 0\.1"):
        CALIBRATION.threshold(0.5)


def test_distances_of_another_number_are_refused():
    assert math.isnan(CALIBRATION.signal_of(()))
    with pytest.raises(ContractError, match="1 distances"):
        CALIBRATION.signal_of((1.0,))


@pytest.mark.parametrize(
    "change", [{"expected": (1.0,)}, {"signal": (0.0, -1.0, -2.0)}, {"hold": 0}, {"rates": (0.1, 0.05)}]
)
def test_a_calibration_that_makes_no_sense_is_refused(change):
    with pytest.raises(ContractError):
        dataclasses.replace(CALIBRATION, **change)


def test_reached_needs_the_level_for_as_many_ticks_as_it_must_last():
    watch = ProgressWatch(CALIBRATION, 0.05)
    assert [watch.update(distances_of(s)).reached for s in (-2.0, -0.4, -0.4, -0.6, -0.4)] == [0, 0, 1, 0, 0]


def test_patience_runs_out_without_a_better_signal_and_begins_anew_with_one():
    watch = ProgressWatch(CALIBRATION, 0.05)
    signals = (-2.0, -2.0, -2.0, -1.5, -1.6, -1.7, -1.8)
    seen = [watch.update(distances_of(s)) for s in signals]
    assert [one.patience for one in seen] == [3, 2, 1, 3, 2, 1, 0]
    assert [one.improving for one in seen] == [True] * 6 + [False]
    watch.restart()
    assert watch.update(distances_of(-2.0)).improving


def test_small_gains_add_up():
    """Of a policy that is slow, or slowed down, no tick is better than the one before by the step of the signal."""
    watch, slow = ProgressWatch(CALIBRATION, 0.05), 0.4 * CALIBRATION.step
    seen = [watch.update(distances_of(-2.0 + slow * tick)) for tick in range(10 * CALIBRATION.patience)]
    assert all(one.improving for one in seen)
    assert longest_stall(np.array([one.signal for one in seen]), CALIBRATION.step) == 2


def test_an_arm_at_half_the_speed_has_twice_the_time():
    half, full = ProgressWatch(CALIBRATION, 0.05), ProgressWatch(CALIBRATION, 0.05)
    slowed = [half.update(distances_of(-2.0), 0.5) for _ in range(2 * CALIBRATION.patience + 1)]
    assert [one.patience for one in slowed] == [6, 5, 4, 3, 2, 1, 0]
    assert [one.improving for one in slowed] == [True] * 6 + [False]
    assert slowed[0].steps == full.update(distances_of(-2.0)).steps.at(0.5)
    assert half.look(distances_of(-2.0)).patience == 0


def test_a_speed_that_changes_changes_what_is_left():
    watch = ProgressWatch(CALIBRATION, 0.05)
    watch.update(distances_of(-2.0))
    assert watch.update(distances_of(-2.0), 0.5).patience == 5
    assert watch.update(distances_of(-2.0), 1.0).patience == 2


def test_looking_counts_nothing():
    watch = ProgressWatch(CALIBRATION, 0.05)
    for _ in range(10):
        assert not watch.look(distances_of(-0.1)).reached
    assert watch.update(distances_of(-2.0)).patience == 3


def test_a_chosen_patience_wins_over_the_measured_one():
    watch = ProgressWatch(CALIBRATION, 0.05, patience=10)
    watch.update(distances_of(-2.0))
    assert watch.update(distances_of(-2.0)).patience == 9
    assert watch.update(distances_of(-2.0), 0.25).patience == 8


def held_out(steps=60):
    """Two trajectories in which the tool moves along x and, in the second, the object stands elsewhere."""
    tool = np.zeros((2 * steps, 3))
    tool[:, 0] = np.tile(np.linspace(0, 0.3, steps), 2)
    scene = np.repeat([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]], steps, axis=0)
    return HeldOut(np.zeros((2 * steps, 4, 4, 3), np.uint8), np.array([steps, steps]), tool, scene)


def test_states_that_are_almost_there_are_near_misses_of_tool_or_object():
    data = held_out()
    states = data.almost(30, 3, np.random.default_rng(0))
    assert len(states) == 6
    assert not data.near(states, np.full(6, 30)).any()
    own = data.trajectory[states] == 0
    assert (data.tool_apart(states, np.full(6, 30))[own] <= 2).all()
    assert (data.objects_apart(states, np.full(6, 30))[~own] > 1).all()


def test_segments_stay_within_their_trajectory_and_end_at_their_goal():
    data = held_out()
    for run in segments(data, 50, 40, np.random.default_rng(0)):
        assert len(set(data.trajectory[run])) == 1
        assert 3 <= len(run) <= 41
        assert (np.diff(run) == 1).all()


def test_tolerances_of_nothing_are_refused():
    with pytest.raises(ConfigError, match="above 0"):
        Tolerance(0.0, 0.05)


@pytest.fixture
def export():
    images = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), dtype=np.uint8)
    names = tuple(FrameName("episode", i) for i in range(3))
    reference = Reference(images, names, 12.5, 0.4)
    return ProgressExport(CALIBRATION, reference, None, np.zeros(3), np.ones(3))


@pytest.fixture
def checkpoint(tmp_path, untrained):
    return Path(shutil.copytree(untrained, tmp_path / "checkpoint"))


def test_what_is_saved_with_a_checkpoint_is_read_back(checkpoint, export):
    save_progress(checkpoint, export, {"store": "here"})
    loaded = load_progress(checkpoint)
    assert loaded.calibration == CALIBRATION
    assert loaded.reference.names == export.reference.names
    assert np.array_equal(loaded.reference.images, export.reference.images)
    assert (loaded.camera, loaded.tool_high.tolist()) == (None, [1.0, 1.0, 1.0])


def test_a_checkpoint_without_a_calibration_has_none(checkpoint):
    assert load_progress(checkpoint) is None


def test_a_calibration_of_other_networks_is_refused(checkpoint, export):
    save_progress(checkpoint, export, {})
    facts = checkpoint / "checkpoint.json"
    changed = json.loads(facts.read_text())
    changed["sha256"]["policy.safetensors"] = "0" * 64
    facts.write_text(json.dumps(changed))
    with pytest.raises(CheckpointError, match="other networks"):
        load_progress(checkpoint)


def test_a_damaged_calibration_is_refused_with_what_to_do(checkpoint, export):
    folder = save_progress(checkpoint, export, {})
    facts = json.loads((folder / "progress.json").read_text())
    del facts["calibration"]["expected"]
    (folder / "progress.json").write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match="crl-run calibrate"):
        load_progress(checkpoint)
