"""crl-bench bus: what is missed is counted, also in a row, and a companion that dies ends the bench."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from crl_robot.bench.bus import CompanionError, keep_rate, run
from crl_robot.errors import ConfigError
from crl_robot.schedule import Schedule
from crl_robot.widowx.settings import ServoArmSettings

PATIENT = ServoArmSettings(watchdog_s=2.0, answer_s=0.3)
"""Waits long enough on a machine that is busy with other tests."""


class SlowArm:
    """Takes the time that it is told for each read, on a clock of its own."""

    def __init__(self, times):
        self.now, self._times = 0.0, iter(times)
        self.commands = []

    def read(self):
        self.now += next(self._times, 0.0)
        return SimpleNamespace(position=np.zeros(6), gripper=0.5)

    def command(self, position, gripper):
        self.commands.append(position)

    def sleep(self, seconds):
        self.now += seconds


def kept(times, ticks):
    arm = SlowArm([0.0, *times])
    schedule = Schedule(0.01, clock=lambda: arm.now, sleep=arm.sleep)
    return arm, keep_rate(arm, schedule, ticks, lambda tick: None)


def test_a_loop_in_time_misses_nothing():
    arm, facts = kept([0.004] * 50, 50)
    assert (facts["ticks"], facts["missed"], facts["longest_run_missed"]) == (50, 0, 0)
    assert len(arm.commands) == 50
    assert facts["lateness_ms"]["max"] == 0.0


def test_missed_ticks_and_the_longest_run_of_them_are_counted():
    _, facts = kept([0.004] * 10 + [0.035] + [0.004] * 10 + [0.025] + [0.004] * 10, 32)
    assert (facts["missed"], facts["longest_run_missed"]) == (3, 2)
    assert facts["missed_share"] == pytest.approx(3 / 35, abs=1e-6)


def test_a_rate_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="expected 1 to 86400 seconds"):
        run(seconds=0.0)


def test_the_bench_measures_the_real_driver_on_the_emulated_bus(monkeypatch):
    pytest.importorskip("dynamixel_sdk")
    monkeypatch.setattr("crl_robot.bench.bus.CYCLES", 20)
    monkeypatch.setattr("crl_robot.bench.bus.SETTINGS", PATIENT)
    beside = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)"]
    facts = run(seconds=1.0, rate=20.0, companion=beside)
    assert facts["ticks"] >= 20
    wire_ms = 9 * 21 * 10 / 1000
    assert facts["read_ms"]["p50"] > wire_ms, "nine answers cannot come faster than over a line of 1 Mbps"
    assert {"write_ms", "cycle_ms", "lateness_ms", "missed", "sound"} <= set(facts)


def test_a_companion_that_dies_ends_the_bench(monkeypatch):
    pytest.importorskip("dynamixel_sdk")
    monkeypatch.setattr("crl_robot.bench.bus.CYCLES", 2)
    monkeypatch.setattr("crl_robot.bench.bus.SETTINGS", PATIENT)
    with pytest.raises(CompanionError, match="code 3"):
        run(seconds=5.0, rate=20.0, companion=[sys.executable, "-c", "raise SystemExit(3)"])
