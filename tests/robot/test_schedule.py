"""The absolute schedule, on a clock that only moves when told."""

import sys
import threading

import pytest

from crl_robot.errors import ConfigError
from crl_robot.schedule import LatenessStats, OnDemand, Schedule


class FakeClock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds >= 0
        self.now += seconds


@pytest.fixture
def clock():
    return FakeClock()


def test_ticks_lie_at_start_plus_k_periods_however_long_the_work_takes(clock):
    schedule = Schedule(0.2, clock, clock.sleep)
    begun = []
    for work in (0.01, 0.19, 0.05, 0.1):
        schedule.wait()
        begun.append(clock.now)
        clock.now += work
    assert begun == pytest.approx([100.0, 100.2, 100.4, 100.6])
    assert schedule.stats.missed == 0


def test_a_late_tick_does_not_move_the_next(clock):
    schedule = Schedule(0.2, clock, clock.sleep)
    schedule.wait()
    clock.now += 0.25
    assert schedule.wait() == pytest.approx(50.0)
    schedule.wait()
    assert clock.now == pytest.approx(100.4)
    assert schedule.stats.summary()["max"] == pytest.approx(50.0)


def test_whole_periods_that_passed_are_missed_and_not_caught_up(clock):
    schedule = Schedule(0.2, clock, clock.sleep)
    schedule.wait()
    clock.now += 0.7
    assert schedule.wait() == pytest.approx(100.0)
    assert schedule.stats.missed == 2
    schedule.wait()
    assert clock.now == pytest.approx(100.8)


def test_a_restart_makes_now_the_first_tick(clock):
    schedule = Schedule(0.2, clock, clock.sleep)
    clock.now += 5
    schedule.restart()
    assert schedule.wait() == 0.0
    assert schedule.stats.missed == 0


@pytest.mark.parametrize("period", [0.0, -1.0, float("nan")])
def test_a_period_that_is_not_above_zero_is_refused(period):
    with pytest.raises(ConfigError):
        Schedule(period)


def test_statistics_without_ticks_are_zero_and_with_ticks_are_percentiles():
    stats = LatenessStats()
    assert stats.summary() == {"p50": 0.0, "p99": 0.0, "max": 0.0}
    for value in range(101):
        stats.add(float(value))
    assert stats.summary() == {"p50": 50.0, "p99": 99.0, "max": 100.0}


def test_the_newest_ticks_can_be_asked_for_alone():
    stats = LatenessStats()
    for lateness in (9.0, 1.0, 1.0, 1.0):
        stats.add(lateness)
    assert stats.summary(3) == {"p50": 1.0, "p99": 1.0, "max": 1.0}
    assert stats.summary()["max"] == 9.0


def test_statistics_can_be_asked_for_while_another_thread_ticks():
    """The policy node died of it: its status reads what its control thread writes."""
    stats, over = LatenessStats(), threading.Event()

    def tick():
        while not over.is_set():
            stats.add(1.0)

    ticking = threading.Thread(target=tick)
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    ticking.start()
    try:
        assert all(len(stats.newest(10)) <= 10 for _ in range(200_000))
    finally:
        over.set()
        ticking.join()
        sys.setswitchinterval(interval_s)


def test_a_tick_on_demand_comes_when_asked_and_once_for_many_requests():
    demand = OnDemand(patience_s=60.0)
    demand.ask()
    demand.ask()
    assert demand.wait() == 0.0
    demand.ask()
    assert demand.wait() == 0.0


def test_a_wait_for_a_demand_that_does_not_come_ends_with_its_patience():
    demand = OnDemand(patience_s=0.001)
    demand.wait()
    assert demand.stats.summary() == {"p50": 0.0, "p99": 0.0, "max": 0.0}
