"""crl-bench far without a simulation: what a trial is, and what is told of several."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from test_far_run import CALIBRATION, SeeingPolicy, Stairs, flat, seen

from crl_learning import bench_far
from crl_learning.bench_far import ON, FarTrial
from crl_learning.progress.watch import ProgressWatch
from crl_learning.runtime.far_run import FarRun
from crl_learning.runtime.goal_run import GoalRun
from crl_learning.runtime.plan_ahead import AtOnce
from crl_robot.errors import ConfigError


class GreyEnv:
    """Grows brighter or darker by 5 towards what the policy was told, whenever it acts."""

    task, episode = SimpleNamespace(max_steps=40), None

    def __init__(self, policy):
        self._policy = policy

    def reset(self, rng):
        self.level, self._stamp = 0, 1_000_000_000
        return self._see()

    def act(self, values):
        if values[0]:
            self.level += 5 * int(np.sign(self._policy.goal - self.level))
        return self._see()

    def success(self):
        return self.level == 40

    def _see(self):
        self._stamp += 200_000_000
        return seen(self.level, self._stamp)


@pytest.mark.parametrize(("planned", "first", "waypoints"), [(False, 8, 0), (True, 11, 3)])
def test_a_trial_goes_on_to_its_last_tick_with_a_planner_and_without(monkeypatch, planned, first, waypoints):
    monkeypatch.setattr(bench_far, "render_goal", lambda *_: flat(40))
    policy, watch = SeeingPolicy(), ProgressWatch(CALIBRATION, 0.05)
    if planned:
        run = FarRun(policy, ON, watch, Stairs(), 3, executor=AtOnce(), drop_late=False)
    else:
        run = GoalRun(policy, ON, watch, drop_late=False)
    trial = bench_far._trial(GreyEnv(policy), run, policy.views, 0)
    assert trial == FarTrial(True, trial.first, waypoints, 0, False)
    assert first <= trial.first <= first + 6


def test_success_is_told_with_its_interval_and_beside_the_same_trials_without_a_planner():
    without = [FarTrial(True, 4, 0, 0, False), FarTrial(False, math.inf, 0, 0, False)]
    planned = [FarTrial(True, 8, 2, 1, False), FarTrial(True, 10, 3, 0, False)]
    facts = bench_far._facts(planned, without)
    assert (facts["success_final"], facts["success_any"], facts["median_ticks_to_success"]) == (1.0, 1.0, 9.0)
    assert (facts["waypoints"], facts["replans"], facts["no_plan"]) == (2.5, 0.5, 0)
    assert (facts["paired"]["both"], facts["paired"]["only_first"]) == (1, 1)
    assert bench_far._facts(without, without)["median_ticks_to_success"] is None


def test_a_single_episode_is_refused():
    with pytest.raises(ConfigError, match="episodes is 1"):
        bench_far.bench_far("models/push", ["push"], 1, 0)
