"""crl-bench bus: how long a cycle with the servos takes, and whether a loop keeps its rate with a policy beside it.

The real driver on the emulated WidowX, which lives in a process of its own and answers with the timing of 1 Mbps.
"""

from __future__ import annotations

import gc
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_robot.bench.device import Device
from crl_robot.bench.known_arm import START_JOINTS
from crl_robot.errors import ConfigError, CrlError
from crl_robot.schedule import Schedule
from crl_robot.widowx.arm import WidowXArm
from crl_robot.widowx.servo_table import load_servo_table
from crl_robot.widowx.settings import ServoArmSettings

SETTINGS = ServoArmSettings()
CYCLES = 1000
MISSED_SHARE, LONGEST_RUN = 1e-3, 1
_CRANK_RAD = 0.3
_SWING_RAD, _SWING_HZ = 0.15, 0.5
_READY_S = 60.0


class CompanionError(CrlError, RuntimeError):
    """The process that runs beside the bench ended or did not get ready."""


def run(
    seconds: float = 60.0,
    rate: float = 100.0,
    companion: Sequence[str] = (),
    seed: int = 0,
    on_second: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Measure; returns flat facts, times in ms.

    Args:
        seconds, rate: how long, and how often a second, the loop reads all servos and commands them.
        companion: argv of a process that runs beside the loop and prints a line when it is ready; empty for none.
        seed: of the emulated line.
        on_second: called about once a second.

    Raises:
        ConfigError: a value is out of range.
        ArmError: the driver failed.
        CompanionError: the process beside ended.
    """
    if not (1 <= seconds <= 86_400 and 1 <= rate <= 400):
        raise ConfigError(f"seconds={seconds} rate={rate}, expected 1 to 86400 seconds at 1 to 400 Hz")
    with Device((*START_JOINTS, _CRANK_RAD), seed) as device:
        with _enabled(device) as arm:
            facts = _cycles(arm)
        with _beside(companion) as check, _enabled(device) as arm:
            facts |= keep_rate(arm, Schedule(1.0 / rate), round(seconds * rate), _each_second(on_second, check))
            counts = arm.counts
    bus = {"retried": counts["retried"], "failed": counts["failed"], "companion": " ".join(companion[-1:])}
    missed, ticks = facts["missed"], facts["ticks"]
    sound = missed <= MISSED_SHARE * ticks and facts["longest_run_missed"] <= LONGEST_RUN and not bus["failed"]
    return {"rate": rate, "seconds": seconds} | facts | bus | {"sound": sound}


def keep_rate(arm: WidowXArm, schedule: Schedule, ticks: int, on_tick: Callable[[int], None]) -> dict[str, Any]:
    """Read and command once a tick while all joints swing; facts of what was missed and of how late ticks began."""
    middle = arm.read()
    missed, longest = 0, 0
    gc.collect()
    schedule.restart()
    began = time.monotonic()
    for tick in range(ticks):
        before = schedule.stats.missed
        schedule.wait()
        skipped = schedule.stats.missed - before
        missed, longest = missed + skipped, max(longest, skipped)
        arm.read()
        arm.command(_swung(middle.position, time.monotonic() - began), middle.gripper)
        on_tick(tick)
    return {
        "ticks": ticks + missed,
        "missed": missed,
        "missed_share": round(missed / (ticks + missed), 6),
        "longest_run_missed": longest,
        "lateness_ms": {key: round(value, 3) for key, value in schedule.stats.summary().items()},
    }


@contextmanager
def _enabled(device: Device) -> Iterator[WidowXArm]:
    arm = WidowXArm(str(device.port), load_servo_table("wx250s"), SETTINGS)
    try:
        arm.enable()
        yield arm
    finally:
        arm.close()


def _cycles(arm: WidowXArm) -> dict[str, Any]:
    """Reads and commands back to back."""
    middle = arm.read()
    times = np.empty((CYCLES, 3))
    began = time.monotonic()
    for cycle in range(CYCLES):
        start = time.monotonic()
        arm.read()
        middle_s = time.monotonic()
        arm.command(_swung(middle.position, start - began), middle.gripper)
        end = time.monotonic()
        times[cycle] = middle_s - start, end - middle_s, end - start
    names = ("read_ms", "write_ms", "cycle_ms")
    return {name: _percentiles(1e3 * column) for name, column in zip(names, times.T, strict=True)}


def _swung(middle: NDArray[np.float64], seconds: float) -> NDArray[np.float64]:
    return middle + _SWING_RAD * np.sin(2 * np.pi * _SWING_HZ * seconds)


def _percentiles(values_ms: NDArray[np.float64]) -> dict[str, float]:
    p50, p99, highest = np.percentile(values_ms, [50, 99, 100])
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3), "max": round(float(highest), 3)}


def _each_second(on_second: Callable[[], None], check: Callable[[], None]) -> Callable[[int], None]:
    next_s = time.monotonic() + 1.0

    def on_tick(tick: int) -> None:
        nonlocal next_s
        if time.monotonic() >= next_s:
            next_s += 1.0
            check()
            on_second()

    return on_tick


@contextmanager
def _beside(argv: Sequence[str]) -> Iterator[Callable[[], None]]:
    """Run ``argv`` from its first line of output until the end; gives what raises when it has ended."""
    if not argv:
        yield lambda: None
        return
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)

    def check() -> None:
        if process.poll() is not None:
            raise CompanionError(f"the process beside the bench ended with code {process.returncode}")

    try:
        if process.stdout is None or not process.stdout.readline():
            process.wait(_READY_S)
            check()
        yield check
    finally:
        process.terminate()
        process.communicate()
