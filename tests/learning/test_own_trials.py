"""`crl-run calibrate --task`: steps left, patience and 'reached' from the policy's own trials, judged by the truth."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from crl_learning.progress import own_trials
from crl_learning.progress.calibrate import CalibrationSettings
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.export import load_progress
from crl_learning.progress.fitting import held_level, stop_thresholds
from crl_learning.progress.own_trials import JudgedRun, calibrate_on_trials, of_trials
from crl_learning.run_cli import main
from crl_robot.errors import CheckpointError, ConfigError

ROOT = Path(__file__).parents[2]
RATE_HZ = 5.0
OF_PLAY = Calibration(
    weights=(1.0, 1.0),
    offset=0.0,
    signal=(-30.0, 0.0),
    expected=(90.0, 0.0),
    low=(60.0, 0.0),
    high=(120.0, 9.0),
    horizon=120,
    rates=(0.05, 0.1),
    thresholds=(-0.01, -0.02),
    hold=2,
    patience=60,
    step=0.01,
    facts={"pairs": 10},
)


def judged_run(rng, ticks=60, fooled=False):
    """A run that is at its goal from some tick on; the signal is minus the ticks left, with noise. With ``fooled`` it
    looks to be there long before."""
    there = int(rng.integers(10, 30))
    left = np.maximum(there - np.arange(ticks), 0).astype(float)
    signal = -left + rng.normal(0, 1.0, ticks)
    if fooled:
        signal[3:6] = 3.0
    return JudgedRun(signal, left == 0)


def stopped_early(runs, threshold, hold):
    early = 0
    for run in runs:
        stops = np.flatnonzero(held_level(run.signal, hold) >= threshold)
        early += bool(len(stops)) and not run.success[stops[0]]
    return early / len(runs)


@pytest.mark.parametrize("hold", [1, 2, 3])
@pytest.mark.parametrize("rate", [0.02, 0.05, 0.2])
def test_a_threshold_is_the_lowest_from_which_on_no_more_runs_stop_early(rate, hold):
    rng = np.random.default_rng(0)
    runs = [judged_run(rng, fooled=i % 50 == 0) for i in range(200)]
    levels = [held_level(run.signal, hold) for run in runs]
    (threshold,) = stop_thresholds(levels, [run.success for run in runs], [rate])
    above = np.linspace(threshold, threshold + 10, 300)
    assert max(stopped_early(runs, one, hold) for one in above) <= rate
    assert stopped_early(runs, threshold - 2e-6, hold) > rate


def test_runs_that_never_stop_early_give_the_lowest_level():
    success = np.ones(4, bool)
    assert stop_thresholds([np.array([-np.inf, -3.0, -2.0, -1.0])], [success], [0.05]).tolist() == [-3.0]


def test_steps_patience_and_thresholds_are_those_of_the_trials():
    rng = np.random.default_rng(1)
    runs = {task: [judged_run(rng) for _ in range(100)] for task in ("reach", "push")}
    calibration = of_trials(OF_PLAY, runs, CalibrationSettings(), RATE_HZ)
    new = [judged_run(rng) for _ in range(100)]
    within = []
    for run in new:
        there = int(run.success.argmax())
        for tick in range(len(run.signal)):
            steps = calibration.steps(float(run.signal[tick]))
            within.append(steps.low <= max(there - tick, 0) <= steps.high)
    assert np.mean(within) >= 0.75
    assert calibration.patience < OF_PLAY.patience
    threshold = calibration.threshold(0.05)
    assert threshold < OF_PLAY.threshold(0.05)
    assert stopped_early(new, threshold, calibration.hold) <= 0.12
    assert sum(bool((held_level(run.signal, 2) >= threshold).any()) for run in new) >= 95
    assert (calibration.weights, calibration.offset) == (OF_PLAY.weights, OF_PLAY.offset)
    assert calibration.facts["of_trials"]["tasks"] == {"reach": 100, "push": 100}


def test_of_several_tasks_the_one_that_is_fooled_most_decides():
    rng = np.random.default_rng(2)
    easy, hard = ([judged_run(rng, fooled=fooled) for _ in range(60)] for fooled in (False, True))
    settings = CalibrationSettings()
    alone, both = (of_trials(OF_PLAY, {"b": hard} | more, settings, RATE_HZ) for more in ({}, {"a": easy}))
    assert both.thresholds == alone.thresholds
    assert of_trials(OF_PLAY, {"a": easy}, settings, RATE_HZ).thresholds[0] < alone.thresholds[0]


def test_a_policy_that_hardly_comes_to_its_goal_is_not_calibrated_by_trials():
    runs = [JudgedRun(np.zeros(5), np.zeros(5, bool)) for _ in range(50)]
    with pytest.raises(ConfigError, match="0 of 50 trials of 'push' came to their goal, expected at least 20"):
        of_trials(OF_PLAY, {"push": runs}, CalibrationSettings(), RATE_HZ)


@pytest.mark.slow
def test_trials_of_a_shipped_policy_replace_steps_and_thresholds_and_keep_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(own_trials, "MIN_SUCCESSES", 2)
    checkpoint = Path(shutil.copytree(ROOT / "models" / "reach", tmp_path / "reach"))
    before, asked = load_progress(checkpoint), []
    facts = calibrate_on_trials(checkpoint, ["reach"], 3, CalibrationSettings(seed=9), lambda: asked.append(1))
    after = load_progress(checkpoint)
    assert len(asked) == 3
    assert (facts["tasks"], facts["seed"]) == ({"reach": 3}, 9)
    assert after.calibration.rates == (0.2,)
    expected = dataclasses.replace(after.calibration, facts={})
    assert dataclasses.replace(before.calibration, facts={}) != expected
    for name in ("weights", "offset", "hold", "step"):
        assert getattr(after.calibration, name) == getattr(before.calibration, name)
    assert (after.facts, after.start_joints) == (before.facts, before.start_joints)
    np.testing.assert_array_equal(after.reference.images, before.reference.images)


def test_what_cannot_be_calibrated_by_trials_is_refused_before_any(untrained, tmp_path, capsys):
    with pytest.raises(CheckpointError, match="not calibrated; first"):
        calibrate_on_trials(untrained, ["reach"], 50)
    with pytest.raises(ConfigError, match="5 trials of a task, expected at least 20"):
        calibrate_on_trials(ROOT / "models" / "reach", ["reach"], 5)
    checkpoint = shutil.copytree(ROOT / "models" / "reach", tmp_path / "reach")
    assert main(["calibrate", str(checkpoint), "--task", "juggle"]) == 2
    assert "juggle" in capsys.readouterr().err
