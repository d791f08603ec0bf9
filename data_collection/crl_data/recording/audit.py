"""Is an episode worth keeping? Judged from its streams' stamps while the operator is still there. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from crl_data.gaps import GAP_PERIODS
from crl_data.recording.audit_streams import Motion, StreamAudit, StreamRecord, measure_stream

Verdict = Literal["good", "suspect", "bad"]
_ORDER: tuple[Verdict, ...] = ("good", "suspect", "bad")


@dataclass(frozen=True)
class AuditLimits:
    """What makes a stream suspect, and what makes it bad; a pair is (suspect, bad).

    Attributes:
        rate_share: median rate as a share of the expected one, below which it is so.
        rate_above: median rate of actions and steps as a share of the expected one, above which they are suspect.
        gap_periods: largest gap in periods, above which it is so; gaps below ``gap_s`` never are.
        gap_s: see gap_periods.
        lost_share: share of messages lost.
        age_ms: 99th percentile of the age at arrival.
        ahead_ms: how far a stamp may lie after its arrival before the clocks are suspect.
        frozen_s: how long a camera may repeat one image while the arm moves by more than ``frozen_moved_m``.
        frozen_moved_m: see frozen_s.
        steps: fewer are suspect.
    """

    rate_share: tuple[float, float] = (0.9, 0.5)
    rate_above: float = 1.2
    gap_periods: tuple[float, float] = (GAP_PERIODS, 30.0)
    gap_s: float = 0.1
    lost_share: tuple[float, float] = (0.001, 0.05)
    age_ms: tuple[float, float] = (150.0, 500.0)
    ahead_ms: float = 5.0
    frozen_s: tuple[float, float] = (0.3, 1.0)
    frozen_moved_m: float = 0.01
    steps: int = 10


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be, and what to do about it."""

    level: Verdict
    stream: str
    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.stream}: {self.text}; {self.advice}"


@dataclass(frozen=True)
class AuditReport:
    """What was found of an episode."""

    episode: str
    steps: int
    seconds: float
    streams: tuple[StreamAudit, ...]
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of the findings."""
        levels: list[Verdict] = [finding.level for finding in self.findings]
        return max(levels, key=_ORDER.index) if levels else "good"

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict, "reasons": [str(finding) for finding in self.findings]}

    def summary(self) -> str:
        """The verdict and its reasons in one line."""
        reasons = "; ".join(f"{finding.stream}: {finding.text}" for finding in self.findings)
        return f"{self.verdict}{f' ({reasons})' if reasons else ''}"


def audit_episode(
    episode: str,
    steps: int,
    streams: Sequence[StreamRecord],
    motion: Motion | None = None,
    failure: str = "",
    limits: AuditLimits | None = None,
) -> AuditReport:
    """Judge one episode.

    Args:
        steps: that are in it.
        motion: of the tool; without it no camera is called stuck, since a still scene may look the same.
        failure: why recording ended early, empty when it did not.
    """
    limits = limits or AuditLimits()
    measured = tuple(measure_stream(record, motion, limits.frozen_moved_m) for record in streams)
    findings = [*_episode_findings(steps, failure, limits)]
    for stream in measured:
        findings += _stream_findings(stream, limits)
    stamps = [t for s in measured for t in (s.first_stamp_ns, s.last_stamp_ns) if t is not None]
    seconds = (max(stamps) - min(stamps)) / 1e9 if stamps else 0.0
    findings.sort(key=lambda finding: -_ORDER.index(finding.level))
    return AuditReport(episode, steps, round(seconds, 3), measured, tuple(findings))


def _episode_findings(steps: int, failure: str, limits: AuditLimits) -> Iterator[Finding]:
    if failure:
        yield Finding("bad", "episode", f"recording ended early: {failure}", "keep it only if what is there is enough")
    if steps < limits.steps:
        yield Finding("suspect", "steps", f"only {steps}", "record longer, and look whether the arm took actions")


def _stream_findings(stream: StreamAudit, limits: AuditLimits) -> Iterator[Finding]:
    if not stream.count:
        yield Finding("bad", stream.name, "nothing arrived", "check that its node runs")
        return
    yield from _loss(stream, limits)
    yield from _pace(stream, limits)
    yield from _clock(stream, limits)
    level = _level(stream.stuck_ms / 1e3, limits.frozen_s)
    if level:
        text = f"the image stood still for {stream.stuck_ms:.0f} ms while the arm moved"
        yield Finding(level, stream.name, text, "restart the camera's driver and record again")


def _loss(stream: StreamAudit, limits: AuditLimits) -> Iterator[Finding]:
    level = _level(stream.lost / (stream.count + stream.lost), limits.lost_share)
    if level:
        text = f"{stream.lost} of {stream.count + stream.lost} lost"
        yield Finding(level, stream.name, text, "stop other programs, or use smaller or fewer frames")


def _pace(stream: StreamAudit, limits: AuditLimits) -> Iterator[Finding]:
    """A pause of the operator is a gap in actions and steps: that alone is never bad."""
    given = stream.kind in ("action", "step")
    if stream.rate_hz is None or stream.gap_ms is None:
        return
    if stream.expected_hz is not None:
        share = stream.rate_hz / stream.expected_hz
        level = _level(-share, (-limits.rate_share[0], -limits.rate_share[1]))
        if given and share > limits.rate_above:
            level = "suspect"
        if level:
            text = f"runs at {stream.rate_hz:.1f} Hz, expected {stream.expected_hz:.1f} Hz"
            advice = "see that one source sends, at that rate" if given else "check exposure time and USB bandwidth"
            yield Finding(level, stream.name, text, advice)
    periods = stream.gap_ms * (stream.expected_hz or stream.rate_hz) / 1e3
    level = _level(periods, limits.gap_periods)
    if level and stream.gap_ms > limits.gap_s * 1e3:
        text = f"a gap of {stream.gap_ms:.0f} ms, {periods:.0f} periods"
        advice = "was it a pause you meant?" if given else "check cable and load of this machine"
        yield Finding("suspect" if given else level, stream.name, text, advice)


def _clock(stream: StreamAudit, limits: AuditLimits) -> Iterator[Finding]:
    """Actions and steps carry the stamp of a frame: several may name one, and their age is not of the transport."""
    if stream.kind in ("action", "step"):
        return
    if stream.backwards:
        text = f"{stream.backwards} stamps are not later than the one before"
        yield Finding("bad", stream.name, text, "see that one source publishes it and its clock is not set back")
    if stream.age_ms is None:
        return
    level = _level(stream.age_ms[1], limits.age_ms)
    if level:
        text = f"is {stream.age_ms[1]:.0f} ms old when it arrives (p99)"
        yield Finding(level, stream.name, text, "see that the driver keeps no queue of old data, and the load")
    if stream.age_ms[0] < -limits.ahead_ms:
        text = f"is stamped {-stream.age_ms[0]:.0f} ms after it arrives (p50)"
        yield Finding("suspect", stream.name, text, "synchronise the clocks of the machines")


def _level(value: float, limits: tuple[float, float]) -> Verdict | None:
    """'suspect' above the first limit, 'bad' above the second."""
    if value > limits[1]:
        return "bad"
    return "suspect" if value > limits[0] else None
