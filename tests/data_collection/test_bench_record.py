"""The recorder's bench: its accounts in plain Python, and a short run over the real graph."""

import json
import os

import numpy as np
import pytest

from crl_data.bench import record
from crl_data.bench.process_usage import Usage, cpu_shares, growth_mb_per_minute, sample
from crl_robot.errors import ConfigError


def _usage(seconds, memory_mb, cpu_s):
    return Usage(seconds, cpu_s, memory_mb, memory_mb, 1)


def test_growth_is_that_of_the_later_part_and_shares_are_cores():
    samples = [_usage(s, 100.0 if s < 30 else 150.0 + (s - 30) / 60, 0.5 * s) for s in range(0, 120)]
    assert growth_mb_per_minute(samples) == pytest.approx(1.0, abs=0.01)
    assert cpu_shares(samples) == pytest.approx([0.5] * 119)
    assert growth_mb_per_minute(samples[:3]) == pytest.approx(0.0)


def test_a_process_can_be_sampled_by_its_number():
    before = sample(os.getpid())
    sum(range(2_000_000))
    after = sample(os.getpid())
    assert after.cpu_s >= before.cpu_s
    assert 5 < after.memory_mb <= after.resident_mb


def test_what_no_count_explains_is_uncounted_and_what_nobody_published_is_foreign():
    published = np.arange(100, 200, 10)
    audit = {"first_stamp_ns": 120, "last_stamp_ns": 180, "count": 6, "unused": 1}
    kept = np.array([110, 120, 120, 140, 150, 165])
    facts = record._account(published, kept, audit, lost=1)
    assert facts == {
        "published": 7,
        "received": 6,
        "recorded": 4,
        "unused": 1,
        "lost": 1,
        "uncounted": 1,
        "foreign": 1,
    }


@pytest.mark.parametrize(("lost", "published_now", "uncounted"), [(2, 7, 0), (4, 9, 0), (5, 9, -1)])
def test_a_loss_may_have_happened_just_before_the_first_message_but_not_earlier(lost, published_now, uncounted):
    published = np.array([100, 110, 120, 130, 140, 150, 160, 170, 180], np.int64) + 10 * record.JUST_BEFORE_NS
    first = int(published[2])
    audit = {"first_stamp_ns": first, "last_stamp_ns": int(published[-1]), "count": 5, "unused": 0}
    long_ago = published[:2] - 2 * record.JUST_BEFORE_NS
    facts = record._account(np.concatenate([long_ago, published]), published[4:], audit, lost)
    assert (facts["published"], facts["uncounted"]) == (published_now, uncounted)


def test_values_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="cameras=0"):
        record.run(seconds=5, cameras=0)


@pytest.mark.ros
@pytest.mark.slow
def test_two_cameras_and_an_arm_are_recorded_and_every_message_is_accounted_for(tmp_path):
    pytest.importorskip("rclpy", reason="rclpy is not installed: pip install '.[ros]'")
    facts = record.run(seconds=3, cameras=2, size=(160, 120), fps=20, state_hz=50, out=tmp_path)
    assert (facts["uncounted"], facts["foreign"]) == (0, 0)
    assert facts["camera_0_published"] >= 40
    assert facts["arm_published"] >= 100
    assert facts["cpu_recorder"] > 0
    assert json.loads((tmp_path / "record.json").read_text()) == facts
    assert (tmp_path / "usage.png").read_bytes().startswith(b"\x89PNG")
    rows = (tmp_path / "usage.csv").read_text().splitlines()
    assert rows[0] == "process,time_s,cpu_s,memory_mb,resident_mb,threads"
    assert len(rows) == 1 + 3 * 4
    assert not list(tmp_path.glob("crl-bench-*"))
