"""What is looked at before a run: is the camera where it was, the arm where it started, the machine fast enough?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crl_data.aligning.align import align
from crl_learning.progress.export import ProgressExport
from crl_robot.contracts import ActionSpec, Observation

CheckVerdict = Literal["ok", "warning", "refused", "unknown"]
TOOL_MARGIN_M = 0.03
NOTHING_SEEN = "nothing was seen yet"
SLOW_PART = 0.5
"""Part of a control period that inference may take before it is warned about."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; the higher ``score`` the better, None where there is no number."""

    name: str
    verdict: CheckVerdict
    sentence: str
    score: float | None = None

    @property
    def words(self) -> str:
        """The sentence with the score."""
        return self.sentence if self.score is None else f"{self.sentence} (score {self.score:.2f})"


def before_a_run(
    observation: Observation | None,
    camera: str,
    spec: ActionSpec,
    export: ProgressExport | None,
    latency_ms: Mapping[str, Mapping[str, float] | None],
) -> list[Check]:
    """All checks that need no goal. Takes about a tenth of a second for the camera's."""
    if observation is None:
        names = ("camera alignment", "start pose")
        return [Check(name, "unknown", NOTHING_SEEN) for name in names]
    return [
        alignment_check(observation.frames[camera].image, camera, export),
        pose_check(observation.arm.measured.position, export),
        latency_check(latency_ms, spec),
        arm_check(latency_ms, spec),
    ]


def alignment_check(live: NDArray[np.uint8], camera: str, export: ProgressExport | None) -> Check:
    """Whether the camera stands where it stood when the data were recorded."""
    name = "camera alignment"
    if export is None or export.camera is None:
        return Check(name, "unknown", "the checkpoint has no reference of this camera's view")
    found = align(export.camera, live)
    if found.verdict == "aligned":
        sentence = f"camera '{camera}' is where it was, within {found.offset_px:.1f} px"
        return Check(name, "ok", sentence, round(found.score, 3))
    if found.verdict == "moved":
        sentence = f"camera '{camera}' has moved by {found.offset_px:.1f} px: {found.advice}"
        return Check(name, "warning", sentence, round(found.score, 3))
    sentence = f"camera '{camera}' shows another scene than the training data: {found.advice}"
    return Check(name, "refused", sentence, round(found.score, 3))


def pose_check(tool: NDArray[np.float64], export: ProgressExport | None) -> Check:
    """Whether the tool is where the data have been."""
    name = "start pose"
    if export is None or export.tool_low is None or export.tool_high is None:
        return Check(name, "unknown", "the checkpoint does not say where the tool was in its data")
    outside = np.maximum(export.tool_low - tool, tool - export.tool_high)
    farthest = float(outside.max())
    if farthest <= TOOL_MARGIN_M:
        return Check(name, "ok", "the tool is where the training data have been", round(-farthest, 4))
    axis = "xyz"[int(outside.argmax())]
    return Check(
        name,
        "warning",
        f"the tool is {100 * farthest:.0f} cm outside of the training data along {axis}; call /arm/home, or jog it",
        round(-farthest, 4),
    )


def latency_check(latency_ms: Mapping[str, Mapping[str, float] | None], spec: ActionSpec) -> Check:
    """Whether inference leaves room in a control period."""
    inference = latency_ms.get("inference")
    if inference is None:
        return Check("latency", "unknown", "no inference was measured yet")
    period_ms = 1e3 * spec.period_s
    sentence = f"the policy takes {inference['p50']:.1f} ms (largest {inference['max']:.1f}) of {period_ms:.0f} ms"
    slow = inference["p50"] > SLOW_PART * period_ms
    verdict: CheckVerdict = "refused" if inference["p50"] > period_ms else "warning" if slow else "ok"
    return Check("latency", verdict, sentence, round(1 - inference["p50"] / period_ms, 3))


def arm_check(latency_ms: Mapping[str, Mapping[str, float] | None], spec: ActionSpec) -> Check:
    """Whether the arm begins to move within the control period of a command."""
    name, motion, period_ms = "arm latency", latency_ms.get("arm_motion"), 1e3 * spec.period_s
    if motion is None:
        return Check(name, "unknown", "no motion of a standing arm was measured yet")
    took_ms, resolution_ms = motion["p50"], motion["resolution"]
    sentence = f"the arm begins to move {took_ms:.0f} ms after a command (known to {resolution_ms:.0f} ms)"
    score = round(1 - took_ms / period_ms, 3)
    if took_ms <= period_ms:
        return Check(name, "ok", sentence, score)
    blind = math.ceil(took_ms / period_ms) - 1
    seen = "its last action" if blind == 1 else f"any of its last {blind} actions"
    return Check(
        name,
        "warning",
        f"{sentence}, longer than a control period of {period_ms:.0f} ms: the policy chooses before it sees "
        f"what came of {seen}, and may go too far and back; lower 'speed', or train for a lower rate or with "
        "network.chunk",
        score,
    )


def as_dicts(checks: list[Check]) -> list[dict[str, Any]]:
    """For status messages."""
    return [vars(check) for check in checks]
