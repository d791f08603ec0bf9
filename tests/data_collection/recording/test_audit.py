import json

import numpy as np
import pytest

from crl_data.recording.audit import AuditLimits, audit_episode
from crl_data.recording.audit_streams import Motion, StreamRecord, measure_stream
from crl_data.recording.audit_table import audit_text
from crl_data.recording.stream_log import RateMeter, StreamLog, frame_mark
from crl_robot.errors import ConfigError

MS = 1_000_000


def _stream(name="wrist", kind="camera", hz=30.0, seconds=4.0, age_ms=12.0, **facts):
    stamps = np.round(np.arange(0, seconds, 1 / hz) * 1e9).astype(np.int64)
    if kind == "camera":
        facts.setdefault("marks", np.arange(len(stamps), dtype=np.uint32))
    return StreamRecord(name, kind, stamps, stamps + round(age_ms * MS), **facts)


def _changed(record, **changes):
    return StreamRecord(**{**vars(record), **changes})


def _judge(*streams, steps=100, **facts):
    return audit_episode("one", steps, streams, **facts)


def _moving(seconds=4.0, speed=0.1):
    stamps = np.arange(0, round(seconds * 1e9), 10 * MS)
    return Motion(stamps, np.stack([stamps / 1e9 * speed, 0 * stamps, 0 * stamps], axis=1))


def test_streams_that_run_as_declared_are_good():
    arm = _stream("arm", "state", 100.0, expected_hz=100.0)
    report = _judge(_stream(expected_hz=30.0), arm, _stream("steps", "step", 5.0, expected_hz=5.0), motion=_moving())
    assert (report.verdict, report.findings) == ("good", ())
    assert report.seconds == pytest.approx(4.0, abs=0.05)


def test_a_stream_is_measured_from_its_stamps():
    record = _stream(hz=20.0, seconds=2.0, lost=3, unused=4)
    keep = np.delete(np.arange(40), [10, 11])
    late = record.receive_stamp_ns.copy()
    late[5] += 100 * MS
    gappy = _changed(
        record, stamp_ns=record.stamp_ns[keep], receive_stamp_ns=late[keep], marks=record.marks[keep] // 20
    )
    found = measure_stream(gappy)
    assert (found.count, found.lost, found.unused) == (38, 3, 4)
    assert (found.rate_hz, found.gap_ms) == (20.0, 150.0)
    assert found.age_ms == (12.0, pytest.approx(75, abs=10), 112.0)
    assert (found.frozen, found.frozen_ms) == (20, 950.0)
    assert (found.first_stamp_ns, found.last_stamp_ns) == (0, 1950 * MS)


@pytest.mark.parametrize(
    ("changes", "verdict", "word"),
    [
        ({"lost": 1}, "suspect", "lost"),
        ({"lost": 20}, "bad", "lost"),
        ({"hz": 26.0, "expected_hz": 30.0}, "suspect", "expected 30.0 Hz"),
        ({"hz": 10.0, "expected_hz": 30.0}, "bad", "expected 30.0 Hz"),
        ({"age_ms": 200.0}, "suspect", "old when it arrives"),
        ({"age_ms": 700.0}, "bad", "old when it arrives"),
        ({"age_ms": -50.0}, "suspect", "clocks"),
        ({"seconds": 0.0}, "bad", "nothing arrived"),
    ],
)
def test_what_is_wrong_with_a_stream_is_named_with_what_to_do(changes, verdict, word):
    report = _judge(_stream(**changes))
    assert report.verdict == verdict
    (finding,) = report.findings
    assert finding.stream == "wrist"
    assert word in str(finding)


@pytest.mark.parametrize(("gap_s", "verdict"), [(0.05, "good"), (0.3, "suspect"), (2.0, "bad")])
def test_a_gap_is_judged_by_the_periods_that_are_missing(gap_s, verdict):
    record = _stream()
    later = np.where(np.arange(len(record.stamp_ns)) < 60, 0, round(gap_s * 1e9))
    moved = _changed(record, stamp_ns=record.stamp_ns + later, receive_stamp_ns=record.receive_stamp_ns + later)
    assert _judge(moved).verdict == verdict


def test_a_pause_of_the_operator_is_never_bad():
    stamps = np.array([*range(0, 10), *range(1000, 1010)]) * 200 * MS
    report = _judge(StreamRecord("steps", "step", stamps, stamps, expected_hz=5.0))
    assert report.verdict == "suspect"
    assert "pause" in str(report.findings[0])


def test_twice_the_declared_rate_of_actions_is_suspect():
    assert "one source" in str(_judge(_stream("actions", "action", 10.0, expected_hz=5.0)).findings[0])


def test_a_camera_that_repeats_its_image_while_the_arm_moves_is_frozen():
    record = _stream()
    stuck = record.marks.copy()
    stuck[30:75] = 7
    assert _judge(_changed(record, marks=stuck), motion=_moving()).verdict == "bad"
    assert _judge(_changed(record, marks=stuck), motion=_moving(speed=0.001)).verdict == "good"
    assert _judge(_changed(record, marks=stuck)).verdict == "good"


def test_a_clock_that_went_back_is_bad():
    record = _stream()
    back = record.stamp_ns.copy()
    back[50:] -= 1_000 * MS
    report = _judge(_changed(record, stamp_ns=back, receive_stamp_ns=back + MS))
    assert report.verdict == "bad"
    assert "1 stamps" in report.summary()


def test_an_episode_that_ended_early_is_bad_and_a_short_one_suspect():
    report = _judge(_stream(), steps=3, failure="no space left on device")
    assert [finding.level for finding in report.findings] == ["bad", "suspect"]
    assert report.summary().startswith("bad (episode: recording ended early: no space left")


def test_limits_can_be_set():
    assert _judge(_stream(lost=1), limits=AuditLimits(lost_share=(0.1, 0.2))).verdict == "good"


def test_the_report_travels_as_json_and_prints_as_a_table():
    report = _judge(_stream(lost=20), _stream("arm [left]", "state", 100.0))
    told = json.loads(json.dumps(report.to_dict()))
    assert told["verdict"] == "bad"
    assert told["streams"][0]["rate_hz"] == pytest.approx(30, abs=0.1)
    assert told["reasons"] == [str(report.findings[0])]
    text = audit_text(report)
    for word in ("wrist", "arm [left]", "verdict: bad", "20 of 140 lost"):
        assert word in text


def test_columns_of_other_lengths_are_refused():
    with pytest.raises(ConfigError, match="wrist"):
        _changed(_stream(), receive_stamp_ns=np.zeros(3, np.int64))


def test_marks_are_equal_for_equal_images_and_differ_with_sensor_noise():
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 250, (48, 64, 3), dtype=np.uint8)
    noisy = scene + rng.integers(0, 3, scene.shape, dtype=np.uint8)
    assert frame_mark(scene) == frame_mark(scene.copy()) != frame_mark(noisy)


def test_a_log_keeps_what_it_is_given_and_a_meter_tells_the_present_rate():
    log, meter = StreamLog(), RateMeter()
    for index in range(200):
        log.add(index, index + 5, index % 7)
        meter.add(index * 20 * MS)
    assert len(log) == 200
    assert log.receive_stamp_ns[-1] - log.stamp_ns[-1] == 5
    assert log.marks[8] == 1
    assert meter.rate_hz(199 * 20 * MS) == pytest.approx(50)
    assert meter.rate_hz(60_000 * MS) == 0.0
