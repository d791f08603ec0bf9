"""Verdicts on streams of frames, from stamps and bytes alone."""

import numpy as np
import pytest

from crl_robot.cameras.watch import CameraWatch, WatchLimits
from crl_robot.contracts import Frame

PERIOD_NS = 33_333_333
START_NS = 1_795_000_000_000_000_000


def frame(index, image=None, age_ms=5.0, noise=True):
    rng = np.random.default_rng(index if noise else 0)
    image = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) if image is None else image
    stamp_ns = START_NS + round(index * PERIOD_NS)
    return Frame(image, stamp_ns, stamp_ns + round(age_ms * 1e6))


def watched(frames, **limits):
    watch = CameraWatch(WatchLimits(rate_hz=30.0, **limits), clock=lambda: 0.0)
    for one in frames:
        watch.add(one)
    return watch.verdict()


def test_a_steady_stream_is_well():
    verdict = watched([frame(i) for i in range(90)])
    assert verdict.well
    assert verdict.rate_hz == pytest.approx(30.0, rel=1e-6)
    assert verdict.longest_gap_ms == pytest.approx(33.3, abs=0.1)
    assert (verdict.frames, verdict.missing, verdict.same) == (90, 0, 1)
    assert (verdict.age_p50_ms, verdict.age_max_ms) == (5.0, 5.0)


def test_frames_that_the_stamps_leave_room_for_are_missing():
    verdict = watched([frame(i) for i in range(60) if i not in (20, 40, 41)])
    assert verdict.missing == 3
    assert verdict.reasons == ("3 frames missing lately",)


def test_missing_frames_are_forgotten_by_the_verdict_but_not_by_the_count():
    verdict = watched([frame(i) for i in range(200) if i != 20])
    assert verdict.well
    assert verdict.missing == 1


def test_a_rate_that_is_too_low_is_said():
    verdict = watched([frame(1.3 * i, noise=False, image=frame(i).image) for i in range(60)])
    assert verdict.reasons == ("23.1 frames a second, expected 30",)


def test_old_frames_are_said():
    verdict = watched([frame(i, age_ms=250.0) for i in range(60)])
    assert verdict.reasons == ("frames arrive 250 ms old, expected at most 100 ms",)


def test_equal_frames_are_frozen_once_there_are_so_many_in_a_row():
    image = frame(0).image
    frames = [frame(0), *(frame(i, image.copy()) for i in range(1, 10))]
    assert not watched(frames[:9]).frozen
    frozen = watched(frames)
    assert frozen.frozen
    assert frozen.same == 10
    assert watched([*frames, frame(10)]).well


def test_one_changed_byte_that_a_sparse_look_would_miss_is_seen():
    image = frame(0).image
    other = image.copy()
    other[7, 9, 1] ^= 1
    assert watched([frame(i, image if i % 2 else other) for i in range(30)]).same == 1


def test_a_picture_that_may_stand_still_is_not_judged_frozen_when_that_is_off():
    assert watched([frame(i, frame(0).image) for i in range(60)], frozen_after=0).well


def test_silence_is_said_before_and_after_the_first_frame():
    now = [0.0]
    watch = CameraWatch(clock=lambda: now[0])
    assert watch.verdict().well
    now[0] = 1.0
    assert watch.verdict().reasons == ("no frame yet, after 1.0 s",)
    watch.add(frame(0))
    assert watch.verdict().well
    now[0] = 2.5
    assert watch.verdict().reasons == ("no frame for 1.5 s",)


def test_a_clock_that_went_back_begins_a_new_window():
    verdict = watched([frame(i) for i in (*range(1000, 1060), *range(60))])
    assert verdict.well
    assert verdict.rate_hz == pytest.approx(30.0, rel=1e-6)
