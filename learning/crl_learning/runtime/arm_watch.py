"""Hears what an arm is told and what it does, and keeps what that tells of its latency; nothing is moved for it.

A figure comes of every command to an arm that stands: of the first after a node came up, and of each after a rest.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_learning.runtime.arm_following import LEAST_COMMANDS, LONGEST_S, Following, following
from crl_learning.runtime.arm_motion import (
    FELT_PART,
    LEAST_M,
    LONGEST_LED_S,
    WAIT_S,
    Command,
    Motion,
    Track,
    first_motion,
    led_motion,
)

Figures = dict[str, float]
MEMORY_S = 20.0
EVERY_S = 2.0
"""How often the delay of a run is computed anew."""
MOTIONS = 100


@dataclass(eq=False)
class _Waiting:
    """A command whose motion is awaited, and when the next one was given."""

    command: Command
    next_ns: int | None = None

    def over(self, now_ns: int) -> bool:
        """Whether a motion would come too late by now."""
        return now_ns - self.command.stamp_ns > 1e9 * WAIT_S


class ArmWatch:
    """May be told things from one thread and asked from another.

    Args:
        period_s: of control.
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._lock = threading.Lock()
        self._states: deque[tuple[int, tuple[float, ...]]] = deque()
        self._commands: deque[Command] = deque()
        self._waiting: list[_Waiting] = []
        self._led_ns: int | None = None
        self._motions: deque[Motion] = deque(maxlen=MOTIONS)
        self._following: Following | None = None
        self._looked_ns = 0

    def state(self, stamp_ns: int, position: ArrayLike, target: ArrayLike) -> None:
        """The tool's measured position (3,) and the target's, in m. A stamp before the last begins everything anew."""
        with self._lock:
            if self._states and stamp_ns <= self._states[-1][0]:
                if stamp_ns == self._states[-1][0]:
                    return
                self._forget()
            row = (*np.asarray(position, float).tolist(), *np.asarray(target, float).tolist())
            self._states.append((stamp_ns, row))
            while stamp_ns - self._states[0][0] > 1e9 * (MEMORY_S + LONGEST_S):
                self._states.popleft()

    def commanded(self, stamp_ns: int, displacement: NDArray[np.floating]) -> None:
        """An Action that is published now moves the tool by (3,) m."""
        command = Command(stamp_ns, np.array(displacement, dtype=np.float64))
        with self._lock:
            if self._waiting and self._waiting[-1].next_ns is None:
                self._waiting[-1].next_ns = stamp_ns
            while self._commands and stamp_ns - self._commands[0].stamp_ns > 1e9 * MEMORY_S:
                self._commands.popleft()
            recent = sum(one.length for one in self._commands if stamp_ns - one.stamp_ns < 1e9 * WAIT_S)
            if command.length >= LEAST_M and recent <= FELT_PART * command.length:
                self._waiting.append(_Waiting(command))
            self._commands.append(command)

    def led(self, stamp_ns: int) -> None:
        """The arm is asked now to go to a start pose."""
        with self._lock:
            self._led_ns = stamp_ns

    def look(self) -> None:
        """Work out what can be told by now; takes milliseconds, in which it may be told more."""
        with self._lock:
            states, commands, waiting = list(self._states), list(self._commands), list(self._waiting)
            led_ns, looked_ns = self._led_ns, self._looked_ns
        now_ns = states[-1][0] if states else 0
        follows = len(commands) >= LEAST_COMMANDS and now_ns - looked_ns > 1e9 * EVERY_S
        if led_ns is None and not waiting and not follows:
            return
        newest_ns = max(now_ns, commands[-1].stamp_ns if commands else 0)  # an arm may tell no states, as in lock step
        track = _track(states)
        led = led_motion(led_ns, track) if led_ns is not None else None
        motions = [first_motion(one.command, track, one.next_ns) for one in waiting]
        found = following(commands, track, self._period_s) if follows else None
        with self._lock:
            self._looked_ns = now_ns if follows else self._looked_ns
            self._following = found or self._following
            self._motions.extend(one for one in (led, *motions) if one is not None)
            if led is not None or (led_ns is not None and newest_ns - led_ns > 1e9 * LONGEST_LED_S):
                self._led_ns = None
            told = [one for one, motion in zip(waiting, motions, strict=True) if motion is not None]
            self._waiting = [one for one in self._waiting if one not in told and not one.over(newest_ns)]

    def summary(self) -> dict[str, Figures | None]:
        """In ms: 'arm_motion', from a command to the first motion, and 'arm_following', how far the arm is behind."""
        with self._lock:
            return {"arm_motion": _motion_figures(list(self._motions)), "arm_following": _figures(self._following)}

    def _forget(self) -> None:
        self._states.clear()
        self._commands.clear()
        self._waiting, self._led_ns, self._looked_ns = [], None, 0


def _track(states: list[tuple[int, tuple[float, ...]]]) -> Track:
    rows = np.array([row for _, row in states], np.float64).reshape(-1, 6)
    return Track(np.array([stamp for stamp, _ in states], np.int64), rows[:, :3], rows[:, 3:])


def _motion_figures(motions: list[Motion]) -> Figures | None:
    if not motions:
        return None
    latencies = [motion.latency_ms for motion in motions]
    widths = [motion.resolution_ms for motion in motions]
    return {
        "p50": round(float(np.median(latencies)), 2),
        "max": max(latencies),
        "n": len(motions),
        "resolution": round(float(np.median(widths)), 2),
    }


def _figures(found: Following | None) -> Figures | None:
    if found is None:
        return None
    return {
        "shift": found.shift_ms,
        "resolution": found.resolution_ms,
        "correlation": found.correlation,
        "n": found.commands,
    }
