"""What a demo run recorded, and the facts computed from it: report.json and data.csv."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_learning.demo_verdict import (
    Verdict,
    critic_rule,
    judge_by_critic,
    judge_distances,
    picture_difference,
    simulation_rule,
)
from crl_robot.contracts import ACTION_NAMES

TRUTH_NAMES = ("tool_x", "tool_y", "tool_z", "object_x", "object_y", "object_z", "distance", "success")
"""Entries of /sim/ground_truth: m in the base frame, success 0 or 1."""

TIMING_NAMES = ("lateness_ms", "age_ms", "inference_ms")
"""Entries of /policy/timing: of the tick, of the newest frame at the tick, of the network."""


@dataclass
class DemoSeries:
    """Raw series of one run; seconds count from the policy's start.

    Attributes:
        goal: uint8 (H, W, 3) RGB, the goal at native size.
        goal_is_ours: the goal was rendered from the simulated episode, so its distance is known.
        tolerance_m: a distance of at most this is a success.
        frames: seconds and JPEG bytes of each camera frame.
        estimate: seconds and critic's estimate at each control tick.
        timing: seconds and TIMING_NAMES at each control tick.
        truth: seconds and TRUTH_NAMES of each ground-truth sample.
        commanded: seconds and the action really commanded, float (7,), of each control tick.
        dropped_frames: camera frames that the policy did not get.
        seconds: when the policy was stopped; 0 while it runs.
    """

    goal: NDArray[np.uint8]
    goal_is_ours: bool
    tolerance_m: float
    frames: list[tuple[float, bytes]] = field(default_factory=list)
    estimate: list[tuple[float, float]] = field(default_factory=list)
    timing: list[tuple[float, tuple[float, ...]]] = field(default_factory=list)
    truth: list[tuple[float, tuple[float, ...]]] = field(default_factory=list)
    commanded: list[tuple[float, tuple[float, ...]]] = field(default_factory=list)
    dropped_frames: int = 0
    seconds: float = 0.0

    @property
    def reached_by(self) -> str:
        """The signal that decides whether the goal is reached."""
        return simulation_rule(self.tolerance_m) if self.goal_is_ours else critic_rule()

    def verdict(self) -> Verdict:
        """Whether the newest samples hold the goal; the critic decides only where no ground truth can."""
        if self.goal_is_ours:
            return judge_distances([metres for _, metres in self.distance()], self.tolerance_m)
        steps = [float(np.linalg.norm(values[:3])) for _, values in self.commanded]
        return judge_by_critic([value for _, value in self.estimate], steps, self.picture_differences)

    def reached(self) -> bool:
        """Whether the run may end with success; see `verdict`."""
        return self.verdict().reached

    def picture_differences(self) -> tuple[float, float]:
        """`picture_difference` of the first and the newest frame to the goal image; nan without a frame."""
        if not self.frames:
            return math.nan, math.nan
        return picture_difference(self.image(0), self.goal), picture_difference(self.image(-1), self.goal)

    def distance(self) -> list[tuple[float, float]]:
        """Seconds and distance to the goal in m; empty where the goal is not the episode's own."""
        index = TRUTH_NAMES.index("distance")
        return [(seconds, values[index]) for seconds, values in self.truth] if self.goal_is_ours else []

    def image(self, index: int) -> NDArray[np.uint8]:
        """Frame ``index`` as uint8 (H, W, 3) RGB."""
        coded = np.frombuffer(self.frames[index][1], np.uint8)
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)

    def rate_hz(self) -> float | None:
        """Measured rate of the control ticks; None with fewer than two."""
        if len(self.timing) < 2:
            return None
        return (len(self.timing) - 1) / (self.timing[-1][0] - self.timing[0][0])

    def timing_ms(self, name: str) -> NDArray[np.float64]:
        """One entry of TIMING_NAMES at each control tick, ms (T,)."""
        return np.array([values[TIMING_NAMES.index(name)] for _, values in self.timing])

    def report(self) -> dict[str, Any]:
        """Facts of report.json; a fact that was not measured is null."""
        distance, rate, verdict = self.distance(), self.rate_hz(), self.verdict()
        first, last = self.picture_differences()
        return {
            "reached": verdict.reached,
            "reached_by": self.reached_by,
            "headline": verdict.headline,
            "because": verdict.because,
            "start_picture_difference": _known(first, 3),
            "final_picture_difference": _known(last, 3),
            "final_distance_cm": round(100 * distance[-1][1], 3) if distance else None,
            "start_distance_cm": round(100 * distance[0][1], 3) if distance else None,
            "final_estimate": _known(self.estimate[-1][1]) if self.estimate else None,
            "rate_hz": round(rate, 3) if rate else None,
            "lateness_ms": _percentiles(self.timing_ms("lateness_ms")),
            "age_ms": _percentiles(self.timing_ms("age_ms")),
            "inference_ms": _percentiles(self.timing_ms("inference_ms")),
            "dropped_frames": self.dropped_frames,
            "frames": len(self.frames),
            "seconds": round(self.seconds, 3),
            "steps": len(self.commanded),
        }

    def rows(self) -> Iterator[tuple[float, str, float]]:
        """Seconds, name and value of everything but the images."""
        yield from ((seconds, "estimate", value) for seconds, value in self.estimate)
        for names, series in (
            (TIMING_NAMES, self.timing),
            (TRUTH_NAMES, self.truth),
            (ACTION_NAMES, self.commanded),
        ):
            for seconds, values in series:
                yield from ((seconds, name, value) for name, value in zip(names, values, strict=True))

    def write_csv(self, path: Path) -> None:
        """One row a value: seconds, name, value; SI units, times of the policy in ms."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("seconds", "name", "value"))
            writer.writerows((f"{seconds:.4f}", name, f"{value:.6g}") for seconds, name, value in sorted(self.rows()))


def _known(value: float, digits: int = 6) -> float | None:
    """JSON has no nan."""
    return round(value, digits) if math.isfinite(value) else None


def _percentiles(values: NDArray[np.float64]) -> dict[str, float] | None:
    known = values[np.isfinite(values)]  # a tick without an action has no age and no inference time
    if known.size == 0:
        return None
    p50, p99 = np.percentile(known, (50, 99))
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3), "max": round(float(known.max()), 3)}
