"""A run without ROS: stages, verdicts, pauses, and silence after each of them."""

import itertools
import math

import numpy as np
import pytest

from crl_learning.goals.check import CheckedGoal
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.watch import ProgressWatch
from crl_learning.runtime.goal_run import GoalRun
from crl_learning.runtime.settings import RunSettings
from crl_learning.views import Views
from crl_robot.contracts import ActionSpec, ArmState, Frame, JointReading, Observation, Pose
from crl_robot.errors import ConfigError, ContractError
from crl_robot.goal_image import GoalImage
from crl_robot.image_spec import ImageSpec

REST = Pose(np.zeros(3), np.array([1.0, 0, 0, 0]))
CALIBRATION = Calibration(
    weights=(1.0,),
    offset=0.0,
    signal=(-3.0, 0.0),
    expected=(20.0, 0.0),
    low=(10.0, 0.0),
    high=(40.0, 1.0),
    horizon=40,
    rates=(0.05, 0.1),
    thresholds=(-0.5, -0.8),
    hold=2,
    patience=5,
    step=0.01,
    facts={},
)


class DistancePolicy:
    """Its distance from the goal is the difference in brightness."""

    image_spec = ImageSpec()
    views = Views(image_spec)
    action_spec = ActionSpec()

    def __init__(self):
        self.goal, self.distances = 0.0, ()

    def set_goal(self, native_image):
        self.goal = float(native_image.mean())
        return self.image_spec.apply(native_image)

    def act(self, native_image, joints=None):
        self.distances = (abs(self.goal - float(native_image.mean())),)
        return np.array([0.01, 0, 0, 0, 0, 0, 1], np.float32), math.nan

    def interrupt(self):
        pass


class Bench:
    """A run, its clock, and what it published."""

    def __init__(self, watch=None, **settings):
        self.now_s = 100.0
        self.outcomes, self.shown = [], []
        watch = watch or ProgressWatch(CALIBRATION, 0.05)
        self.run = GoalRun(
            DistancePolicy(),
            RunSettings(**settings),
            watch,
            lambda: self.now_s,
            show=self._show,
        )
        self._stamps = itertools.count(1_000_000_000, 200_000_000)

    def _show(self, goal, seen):
        self.shown.append(goal.goal.source)
        return len(self.shown)

    def goals(self, *levels):
        self.run.set_goals([CheckedGoal(GoalImage(flat(level), (), str(level))) for level in levels])
        return self

    def tick(self, level, mode="holding", lateness_ms=0.0):
        """One control tick that sees a brightness; returns whether something was sent."""
        self.now_s += 0.2
        before = len(self.outcomes)
        self.run.tick(
            None if level is None else seen(level, next(self._stamps), mode), lateness_ms, self.outcomes.append
        )
        return len(self.outcomes) > before and self.outcomes[-1].send

    @property
    def verdict(self):
        return self.run.clock.ended.verdict if self.run.clock.ended else None


def flat(level):
    return np.full((240, 320, 3), level, np.uint8)


def seen(level, stamp_ns, mode="holding"):
    state = ArmState(JointReading(np.zeros(6), np.zeros(6), 1.0, stamp_ns), REST, REST, 1.0, mode, "told so")
    return Observation({"over_shoulder": Frame(flat(level), stamp_ns, stamp_ns)}, state, stamp_ns)


def test_a_run_without_a_goal_is_refused():
    with pytest.raises(ContractError, match="no goal"):
        Bench().run.start()


def test_nothing_is_sent_before_the_start_and_after_a_stop():
    bench = Bench().goals(0)
    assert not bench.tick(50)
    bench.run.start()
    assert bench.tick(50)
    assert bench.run.stop().verdict == "stopped"
    assert not bench.tick(50)
    assert len(bench.outcomes) == 1


def test_the_run_ends_when_the_goal_was_seen_for_as_many_ticks_as_it_must_last():
    bench = Bench().goals(0)
    bench.run.start()
    assert bench.tick(20)
    assert bench.tick(0)
    assert not bench.tick(0)
    assert bench.verdict == "reached"
    assert bench.run.clock.ended.seconds == pytest.approx(0.6)


def test_stages_follow_each_other_by_the_same_signal_and_each_is_shown():
    bench = Bench().goals(0, 100)
    bench.run.start()
    for level in (30, 0, 0):
        bench.tick(level)
    assert bench.run.stages.index == 1
    assert bench.shown == ["0", "100"]
    assert bench.verdict is None
    for level in (80, 100, 100):
        bench.tick(level)
    assert bench.verdict == "reached"
    assert bench.run.stages.reached == {0, 1}


def test_a_slowed_down_arm_has_as_much_longer_to_improve_and_to_arrive():
    bench = Bench(speed=0.5).goals(0)
    bench.run.start()
    sent = [bench.tick(50) for _ in range(2 * CALIBRATION.patience + 2)]
    assert bench.verdict == "not_improving"
    assert sum(sent) == 2 * CALIBRATION.patience
    assert bench.outcomes[0].progress.steps == CALIBRATION.steps(bench.outcomes[0].progress.signal).at(0.5)


def test_a_run_that_does_not_improve_ends_after_the_patience():
    bench = Bench().goals(0)
    bench.run.start()
    sent = [bench.tick(50) for _ in range(8)]
    assert bench.verdict == "not_improving"
    assert sent == [True] * CALIBRATION.patience + [False] * 3


def test_patience_counts_only_ticks_that_moved_the_arm():
    bench = Bench(pause_on_estop=False).goals(0)
    bench.run.start()
    assert not any(bench.tick(50, mode="disabled") for _ in range(20))
    assert bench.verdict is None
    assert bench.tick(50)


def test_an_estop_pauses_the_run_until_it_is_started_again():
    bench = Bench().goals(0)
    bench.run.start()
    assert bench.tick(50)
    assert not bench.tick(50, mode="estopped")
    assert bench.run.clock.state == "paused"
    assert not bench.tick(50)
    assert bench.run.start() is False
    assert bench.tick(40)


def test_pauses_do_not_count_towards_the_time_limit():
    bench = Bench(time_limit_s=1.0).goals(0)
    bench.run.start()
    bench.tick(50)
    bench.run.pause("lunch")
    bench.now_s += 3600
    bench.run.start()
    assert bench.tick(49)
    for level in range(48, 44, -1):
        bench.tick(level)
    assert bench.verdict == "time_limit"


def test_the_time_limit_ends_a_run_that_sees_nothing_any_more():
    """It went on for as long as no observation came: such a tick was taken for one towards a goal of before."""
    bench = Bench(time_limit_s=1.0).goals(0)
    bench.run.start()
    assert bench.tick(50)
    assert not any(bench.tick(None) for _ in range(5))
    assert bench.verdict == "time_limit"


def test_a_single_step_is_one_action_and_then_silence():
    bench = Bench().goals(0)
    bench.run.start(steps=1)
    assert not bench.tick(None)
    assert bench.tick(50)
    assert bench.run.clock.state == "paused"
    assert not bench.tick(50)


def test_a_dry_run_tells_what_it_would_do_and_sends_nothing_whatever_the_arm_does():
    bench = Bench(dry_run=True).goals(0)
    bench.run.start()
    assert not any(bench.tick(level, mode="estopped") for level in (50, 0, 0, 0))
    assert all(outcome.tick.action is not None for outcome in bench.outcomes)
    assert bench.verdict is None


def test_a_goal_that_changes_in_the_midst_of_a_tick_makes_its_action_worthless():
    bench = Bench().goals(0)
    bench.run.start()
    compute = bench.run.loop.tick

    def interrupted(*arguments):
        tick = compute(*arguments)
        bench.goals(200)
        return tick

    bench.run.loop.tick = interrupted
    assert not bench.tick(0)
    bench.run.loop.tick = compute
    assert bench.tick(0)
    assert bench.verdict is None


def test_without_a_calibration_a_run_neither_reaches_nor_stalls():
    bench = Bench(watch=ProgressWatch(None, 0.05)).goals(0)
    bench.run.start()
    assert all(bench.tick(0) for _ in range(50))
    assert bench.outcomes[-1].progress.steps is None


def test_a_program_that_decides_itself_gets_every_tick():
    bench = Bench(when_reached="go_on", when_stuck="go_on").goals(0)
    bench.run.start()
    assert all(bench.tick(0) for _ in range(50))
    assert bench.outcomes[-1].progress.reached


@pytest.mark.parametrize(
    ("what", "level", "state"),
    [("hold", 0, "paused"), ("hand_over", 0, "handed_over"), ("hold", 50, "paused"), ("hand_over", 50, "handed_over")],
)
def test_a_run_that_reached_or_is_stuck_holds_or_hands_over_as_it_was_told_and_goes_on(what, level, state):
    bench = Bench(when_reached=what, when_stuck=what).goals(0)
    bench.run.start()
    first = [bench.tick(level) for _ in range(8)]
    name = bench.run.clock.id
    assert bench.run.clock.state == state
    assert not first[-1]
    assert ("reached" if level == 0 else "no progress") in bench.run.clock.pause_reason
    assert bench.run.start() is False
    assert bench.run.clock.id == name
    assert bench.tick(40)


def test_an_arm_that_was_handed_over_gets_nothing_and_its_time_does_not_count():
    bench = Bench(time_limit_s=2.0).goals(0)
    bench.run.start()
    assert bench.tick(50)
    bench.run.hand_over("asked to by the operator")
    assert bench.outcomes[-1].send
    for _ in range(100):
        assert not bench.tick(30)
    assert bench.run.seconds == pytest.approx(0.2)
    assert bench.run.stop().verdict == "stopped"


def test_only_a_run_can_be_handed_over():
    with pytest.raises(ContractError, match="expected a run that goes on"):
        Bench().goals(0).run.hand_over("asked to")


def test_what_follows_a_goal_is_one_of_four_words():
    with pytest.raises(ConfigError, match=r"when_stuck is 'hnad_over'.*hand_over"):
        RunSettings(when_stuck="hnad_over")


def test_the_goal_that_is_faced_is_known_with_the_stamp_that_it_was_shown_with():
    bench = Bench().goals(0, 100)
    assert bench.run.facing.stamp_ns == 1
    bench.run.go_to(1)
    assert (bench.run.facing.goal.goal.source, bench.run.facing.stamp_ns) == ("100", 2)


def test_a_new_run_after_the_end_begins_with_the_first_stage_and_another_name():
    bench = Bench().goals(0, 100)
    bench.run.start()
    first = bench.run.clock.id
    bench.run.go_to(1)
    bench.run.stop()
    assert bench.run.start() is True
    assert bench.run.stages.index == 0
    assert bench.run.clock.id != first


def test_a_preview_judges_without_acting_and_is_silent_during_a_run():
    bench = Bench().goals(0)
    bench.run.preview(seen(0, 1), bench.outcomes.append)
    assert bench.outcomes[-1].preview
    assert not bench.outcomes[-1].send
    bench.run.start()
    bench.run.preview(seen(0, 2), bench.outcomes.append)
    assert len(bench.outcomes) == 1


def test_a_speed_beyond_its_range_is_refused():
    with pytest.raises(ConfigError, match=r"speed is 1\.5"):
        RunSettings(speed=1.5)
    with pytest.raises(ConfigError, match=r"speed is 0\.0"):
        RunSettings().at_speed(0.0)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_nothing_is_sent_unless_the_run_goes_on(seed):
    """Random operators, arms and views: an action leaves only in state 'running', towards the present goal."""
    rng = np.random.default_rng(seed)
    bench = Bench(time_limit_s=4.0).goals(0)
    for _ in range(200):
        what = rng.integers(8)
        if what == 0:
            bench.run.start(int(rng.integers(3)))
        elif what == 1:
            bench.run.pause("paused")
        elif what == 2:
            bench.run.stop()
        elif what == 3:
            bench.goals(*rng.integers(0, 255, int(rng.integers(1, 4))).tolist())
        running = bench.run.clock.state == "running"
        mode = rng.choice(["holding", "moving", "disabled", "estopped"])
        level = None if rng.random() < 0.2 else int(rng.integers(0, 255))
        sent = bench.tick(level, mode, lateness_ms=300.0 if rng.random() < 0.1 else 0.0)
        assert not sent or (running and level is not None and mode in ("holding", "moving"))
        if sent:
            assert bench.outcomes[-1].tick.goal == bench.run.loop.goal
