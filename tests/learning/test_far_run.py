"""A run over the waypoints of a planner: followed in order, planned anew on a stall, and still without a plan."""

from concurrent.futures import Executor, Future

import numpy as np
import pytest
from test_goal_run import CALIBRATION, DistancePolicy, flat, seen
from test_runs import FakeData, status

from crl_learning.goals.check import CheckedGoal
from crl_learning.goals.reference import FrameName
from crl_learning.planning.plan import Plan
from crl_learning.progress.watch import ProgressWatch
from crl_learning.runs import open_run
from crl_learning.runs.keeping import RunKeeper
from crl_learning.runtime.far_run import PLAN_LIMIT_S, REPLANS, FarRun
from crl_learning.runtime.plan_ahead import AtOnce
from crl_learning.runtime.settings import RunSettings
from crl_robot.errors import PlanError
from crl_robot.goal_image import GoalImage


class SeeingPolicy(DistancePolicy):
    def set_seen_goal(self, seen_image):
        self.goal = float(seen_image.mean())


class Stairs:
    """Plans over grey levels, ten apart; keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def plan(self, view, goal, count, avoid=frozenset()):
        start, end = int(view.mean()), int(goal.mean())
        self.asked.append((start, end, avoid))
        levels = [level for level in range(start + 10, end, 10) if FrameName("e", level) not in avoid][:count]
        if end == 13:
            raise PlanError("there is no way to the goal: it is unlucky")
        images = np.stack([np.full((64, 64, 3), level, np.uint8) for level in (*levels, end)])
        return Plan(images, tuple(FrameName("e", level) for level in levels), (1.0,) * len(images))


class Later(Executor):
    """Does things when it is told to."""

    def __init__(self):
        self.waiting = []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.waiting.append((future, fn, args))
        return future

    def work(self):
        for future, fn, args in self.waiting:
            if future.set_running_or_notify_cancel():
                future.set_result(fn(*args))
        self.waiting.clear()


class Bench:
    def __init__(self, executor=None, waypoints=3, **settings):
        self.now_s, self.outcomes, self.shown, self.planned = 100.0, [], [], []
        self.planner = Stairs()
        self.run = FarRun(
            SeeingPolicy(),
            RunSettings(**settings),
            ProgressWatch(CALIBRATION, 0.05),
            self.planner,
            waypoints,
            now_s=lambda: self.now_s,
            show=lambda goal, _: self.shown.append(goal.goal.source) or 0,
            planned=self.planned.append,
            executor=executor or AtOnce(),
        )
        self._stamp = 1_000_000_000

    def goals(self, *levels):
        self.run.set_goals([CheckedGoal(GoalImage(flat(level), (), str(level))) for level in levels])
        return self

    def tick(self, level, mode="holding"):
        """One control tick that sees a grey level; returns whether something was sent."""
        self.now_s += 0.2
        self._stamp += 200_000_000
        before = len(self.outcomes)
        self.run.tick(seen(level, self._stamp, mode), 0.0, self.outcomes.append)
        return len(self.outcomes) > before and self.outcomes[-1].send

    def until_sent(self, level, most=5):
        return any(self.tick(level) for _ in range(most))

    def reach(self, level):
        """As many ticks at a level as it takes to count as reached."""
        for _ in range(CALIBRATION.hold):
            self.tick(level)

    @property
    def present(self):
        return self.run.stages.present.goal.source

    @property
    def verdict(self):
        return self.run.clock.ended.verdict if self.run.clock.ended else None


def test_waypoints_are_followed_in_order_and_then_the_goal_itself():
    bench = Bench().goals(40)
    bench.run.start()
    assert bench.until_sent(0)
    assert [name.frame for name in bench.planned[0].frames] == [10, 20, 30]
    for level in (10, 20, 30):
        assert bench.present == f"waypoint {level // 10}: e:{level}"
        assert bench.tick(level - 5)
        bench.reach(level)
    assert bench.present == "40"
    assert bench.shown == ["40", *(f"waypoint {n}: e:{10 * n}" for n in (1, 2, 3)), "40"]
    bench.reach(40)
    assert bench.verdict == "reached"
    assert len(bench.planner.asked) == 1


def test_an_operator_who_goes_to_another_waypoint_follows_the_same_plan():
    """The status said for the rest of the way that it was being planned, and no longer named the waypoints."""
    bench = Bench().goals(40)
    bench.run.start()
    assert bench.until_sent(0)
    plan = bench.run.plan
    bench.run.go_to(1)
    assert bench.tick(0)
    assert bench.present == "waypoint 2: e:20"
    assert bench.run.plan == plan
    assert len(bench.planner.asked) == 1


def test_nothing_is_sent_before_the_plan_is_there():
    later = Later()
    bench = Bench(later).goals(40)
    bench.run.start()
    assert not any(bench.tick(0) for _ in range(20))
    assert bench.run.plan["state"] == "planning"
    later.work()
    assert bench.until_sent(0)
    assert bench.run.plan["state"] == "followed"


def test_without_a_first_plan_the_run_ends_and_nothing_was_sent():
    bench = Bench().goals(13)
    bench.run.start()
    assert not any(bench.tick(0) for _ in range(5))
    assert bench.verdict == "failed"
    assert bench.run.clock.ended.sentence == "no plan: there is no way to the goal: it is unlucky"
    assert bench.run.plan["state"] == "failed"


def test_a_plan_that_does_not_come_in_time_ends_the_run():
    bench = Bench(Later()).goals(40)
    bench.run.start()
    bench.tick(0)
    bench.now_s += PLAN_LIMIT_S
    assert not bench.tick(0)
    assert "no plan came within" in bench.run.clock.ended.sentence


def test_a_plan_for_a_goal_that_was_replaced_is_dropped():
    later = Later()
    bench = Bench(later).goals(40)
    bench.run.start()
    bench.tick(0)
    bench.goals(13)
    bench.goals(90)
    bench.tick(0)
    later.work()
    assert bench.until_sent(0)
    assert [end for _, end, _ in bench.planner.asked] == [90]
    assert bench.run.stages.aim.goal.source == "90"


def test_a_stall_holds_the_arm_and_plans_a_way_around_the_waypoint():
    later = Later()
    bench = Bench(later).goals(40)
    bench.run.start()
    bench.tick(0)
    later.work()
    assert bench.until_sent(3)
    sent = [bench.tick(3) for _ in range(CALIBRATION.patience + 10)]
    assert sent.count(True) <= CALIBRATION.patience
    assert not any(sent[-10:])
    assert bench.run.plan == {"state": "planning", "reason": "", "again": 1, "avoided": 1}
    later.work()
    assert bench.until_sent(3)
    assert bench.planner.asked[-1] == (3, 40, frozenset({FrameName("e", 10)}))
    assert bench.run.clock.state == "running"


def test_a_run_that_stalls_again_and_again_ends():
    bench = Bench().goals(200)
    bench.run.start()
    for _ in range(200):
        bench.tick(3)
    assert bench.verdict == "not_improving"
    assert len(bench.planner.asked) == 1 + REPLANS
    assert len(bench.run.stages) == 1


def test_a_run_that_stalls_before_the_goal_itself_has_no_other_way():
    bench = Bench().goals(10)
    bench.run.start()
    for _ in range(30):
        bench.tick(4)
    assert bench.verdict == "not_improving"
    assert "no other way" in bench.run.clock.ended.sentence


def test_a_run_that_is_to_go_on_goes_straight_to_the_goal_when_plans_do_not_help():
    bench = Bench(when_stuck="go_on").goals(200)
    bench.run.start()
    for _ in range(200):
        bench.tick(3)
    assert bench.present == "200"
    assert bench.tick(3)


def test_each_goal_of_a_list_gets_a_plan_of_its_own():
    bench = Bench().goals(20, 50)
    bench.run.start()
    bench.until_sent(0)
    bench.reach(10)
    bench.reach(20)
    assert bench.until_sent(20)
    assert [(start, end) for start, end, _ in bench.planner.asked] == [(0, 20), (20, 50)]
    assert [goal.goal.source for goal in bench.run.stages.goals] == [
        "waypoint 1: e:10",
        "20",
        "waypoint 1: e:30",
        "waypoint 2: e:40",
        "50",
    ]
    assert bench.run.stages.reached == {0, 1}


def test_a_new_run_forgets_the_waypoints_of_the_last_one():
    bench = Bench().goals(40)
    bench.run.start()
    bench.until_sent(0)
    bench.run.stop()
    bench.run.start()
    assert len(bench.run.stages) == 1
    assert bench.until_sent(20)
    assert bench.planner.asked[-1][0] == 20


def test_an_estop_and_the_time_limit_count_while_a_plan_is_awaited():
    bench = Bench(Later()).goals(40)
    bench.run.start()
    bench.tick(0, mode="estopped")
    assert bench.run.clock.state == "paused"
    bench = Bench(Later(), time_limit_s=1.0).goals(40)
    bench.run.start()
    for _ in range(10):
        bench.tick(0)
    assert bench.verdict == "time_limit"


def test_each_plan_of_a_recorded_run_is_an_event(tmp_path):
    bench = Bench().goals(40)
    keeper = RunKeeper(tmp_path, FakeData())
    bench.run.start()
    keeper.on_status(status("running", plan=dict(bench.run.plan)), 1, 0.0)
    bench.until_sent(0)
    keeper.on_status(status("running", plan=dict(bench.run.plan)), 2, 0.1)
    keeper.on_status(status("running", plan=dict(bench.run.plan)), 3, 0.2)
    plans = [event for event in open_run(tmp_path / "r1").events() if event["kind"] == "plan"]
    assert [event["text"] for event in plans] == ["planning", "e:10, e:20, e:30; 4 ticks expected"]
    assert plans[1]["data"]["waypoints"][0] == {"episode": "e", "frame": 10}


@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_nothing_is_sent_without_a_plan(seed):
    """Random operators, views and planners: an action leaves only in a run that follows a plan, or has given up one."""
    rng, later = np.random.default_rng(seed), Later()
    bench = Bench(later, when_stuck="go_on").goals(60)
    for _ in range(200):
        what = rng.integers(8)
        if what == 0:
            bench.run.start()
        elif what == 1:
            bench.run.pause("paused")
        elif what == 2:
            bench.run.stop()
        elif what == 3:
            bench.goals(*rng.integers(20, 250, int(rng.integers(1, 4))).tolist())
        elif what == 4:
            later.work()
        before = bench.run.plan["state"]
        sent = bench.tick(int(rng.integers(0, 255)), rng.choice(["holding", "moving", "disabled", "estopped"]))
        assert not sent or before != "planning"
