"""What one row of the campaign is, and the ways to measure how soon the arm reacted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crl_robot.bench.device_log import DeviceLog
from crl_robot.bench.known_arm import LARGEST_STEP_M
from crl_robot.bench.rig import Rig

CHAIN_MS = 80.0
"""Allowed on top of every stated time: the message to the node, its executor, and one exchange with the servos."""
INNER_MS = 20.0
PERIOD_MS = 200.0
AT_ONCE_MS = INNER_MS + CHAIN_MS

Reaction = tuple[float, str]
"""How long the reaction took in ms, and what was wrong with it or ''."""


@dataclass(frozen=True)
class Row:
    """One thing that goes wrong.

    Attributes:
        name: in tables and files.
        inject: does it; returns when (monotonic s).
        limit_ms: the reaction may take so long.
        react: measures the reaction from the log of the arm and the time of the injection.
        events: one of these counters of arm/status must go up; empty where the node cannot tell.
        words: one of these must be in the reason that arm/status gives; empty where nothing is latched.
        window_s: how long the arm is watched.
        prepare: brings the arm to where the row begins; not judged for its time.
        heal: what `Rig.heal` does not do; returns what was wrong meanwhile, or ''.
        session: name of the set-up of the node that it needs.
        bounded: whether the tool must stay in the box and on its leash meanwhile; a move home is not.
    """

    name: str
    inject: Callable[[Rig], float]
    limit_ms: float
    react: Callable[[Rig, DeviceLog, float], Reaction]
    events: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    window_s: float = 0.5
    prepare: Callable[[Rig], None] = lambda rig: None
    heal: Callable[[Rig], str] = lambda rig: ""
    session: str = "plain"
    bounded: bool = True


def goals_stand(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """Until the last change of the goals."""
    return 1e3 * (log.last_change(at_s) - at_s), ""


def arm_stands(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """Until no joint turns any more."""
    return 1e3 * (log.last_motion(at_s) - at_s), ""


def watchdog_stops(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """The same, and every servo's watchdog must have tripped."""
    armed = [i for i, value in rig.device.do("registers", "bus_watchdog").items() if value != 255]
    return arm_stands(rig, log, at_s)[0], f"the watchdog of IDs {armed} has not tripped" if armed else ""


def refused_stands(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """From an Action that was not taken until the goals stand, which they do until one is taken; the longest."""
    taken = {c.stamp_ns for c in rig.client.commanded}
    sent = [s for s in rig.client.sent if at_s <= s.at_s < log.truth_s[-1] - 1e-3 * AT_ONCE_MS]
    ends = [*(s.at_s for s in sent[1:]), float(log.truth_s[-1])]
    spans = [(s.at_s, end) for s, end in zip(sent, ends, strict=True) if s.stamp_ns not in taken]
    if not spans:
        return 0.0, "no Action was refused"
    return 1e3 * max(log.last_change(start, end) - start for start, end in spans), ""


def noted_stands(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """Until the goals stand; what the injection noted is what was wrong."""
    return goals_stand(rig, log, at_s)[0], "; ".join(rig.notes)


def shortened(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """Until the arm says what it makes of the Action that is too large; it must not be more than a step."""
    stamps = {s.stamp_ns for s in rig.client.sent if s.at_s >= at_s}
    heard = [c for c in rig.client.commanded if c.stamp_ns in stamps]
    if not heard:
        return 0.0, "nothing was commanded"
    largest = max(float(np.abs(c.values[:3]).max()) for c in heard)
    return 1e3 * (heard[0].at_s - at_s), f"commanded {largest:.3f} m" if largest > LARGEST_STEP_M + 1e-4 else ""


def goes_on(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """The arm must move until the end, or say why not: there is nothing to react to."""
    end_s = float(log.truth_s[-1])
    still_s = end_s - log.last_change(at_s)
    stopped = still_s > 0.15 and rig.client.mode == "moving"
    return 0.0, f"it stood for {still_s:.2f} s and says it moves" if stopped else ""


def bounded(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """There is nothing to wait for: the judge of goals finds those out of bounds."""
    return 0.0, ""
