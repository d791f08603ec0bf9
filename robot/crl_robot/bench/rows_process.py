"""Rows: the arm's process is killed, hangs, is ended or deactivated."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from crl_robot.bench.device_log import DeviceLog
from crl_robot.bench.rig import Rig
from crl_robot.bench.row import CHAIN_MS, Reaction, Row, goals_stand, goes_on, watchdog_stops
from crl_robot.bench.rows_bus import WATCHDOG_STOP_MS


def _kill(rig: Rig) -> float:
    return rig.process.send(signal.SIGKILL)


def _hang(rig: Rig) -> float:
    return rig.process.send(signal.SIGSTOP)


def _wake(rig: Rig) -> str:
    """What was sent meanwhile arrives late; the arm must stay where it stopped."""
    at_s = rig.process.send(signal.SIGCONT)
    rig.client.run(0.5)
    moved = rig.look().last_motion(at_s) - at_s
    return f"it moved for {moved:.2f} s after it woke up" if moved > 0 else ""


def _stumble(rig: Rig) -> float:
    at_s = rig.process.send(signal.SIGSTOP)
    rig.client.run(float(rig.rng.uniform(0.03, 0.12)))
    rig.process.send(signal.SIGCONT)
    return at_s


def _ended(number: signal.Signals) -> Callable[[Rig], float]:
    return lambda rig: rig.process.send(number)


def _leaves_held(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """Until the goals stand; the process must be gone and the torque still on."""
    limp = [i for i, on in rig.device.do("registers", "torque_enable").items() if not on]
    text = f"IDs {limp} have no torque" if limp else ""
    return goals_stand(rig, log, at_s)[0], text or ("the process still runs" if rig.process.alive else "")


def _deactivate(rig: Rig) -> float:
    at_s = time.monotonic()
    rig.client.change_state(activate=False)
    return at_s


def _activate(rig: Rig) -> str:
    return "" if rig.client.change_state(activate=True) else "it could not be activated again"


def rows() -> list[Row]:
    """All of them happen in the plain session."""
    ended = 100.0 + CHAIN_MS
    return [
        Row("killed", _kill, WATCHDOG_STOP_MS, watchdog_stops, window_s=0.6),
        Row("hung", _hang, WATCHDOG_STOP_MS, watchdog_stops, words=("watchdog",), window_s=0.6, heal=_wake),
        Row("stumbles", _stumble, CHAIN_MS, goes_on, window_s=0.8),
        Row("sigint", _ended(signal.SIGINT), ended, _leaves_held, window_s=2.0),
        Row("sigterm", _ended(signal.SIGTERM), ended, _leaves_held, window_s=2.0),
        Row("deactivated", _deactivate, ended, goals_stand, ("disabled",), heal=_activate),
    ]
