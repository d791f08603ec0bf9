"""Which steps of an episode took one period."""

import numpy as np
import pytest

from crl_data.checking.check import check_store
from crl_data.gaps import GAP_PERIODS, gaps, load_valid_steps, valid_steps
from crl_data.looking.summary import summarise
from crl_data.recording.audit import AuditLimits
from crl_data.view.episodes import Library
from crl_data.writer import EpisodeWriter

PERIOD_NS = 200_000_000


def test_a_step_is_valid_when_the_next_one_follows_within_one_and_a_half_periods():
    stamps = np.cumsum([0, 1.0, 1.49, 1.51, 1.0, 3.0, 1.0]) * PERIOD_NS
    stamps = stamps.astype(np.int64)
    assert gaps(stamps, PERIOD_NS).tolist() == [2, 4]
    assert valid_steps(7, stamps, PERIOD_NS).tolist() == [True, True, False, True, False, True, False]


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_without_a_clock_every_step_but_the_last_is_valid(steps):
    assert valid_steps(steps, None, PERIOD_NS).tolist() == [True] * (steps - 1) + [False]


@pytest.fixture
def gapped(store, samples):
    """Episode 'a' without a gap, and 'b' that lacks tick 2."""
    for name, ticks in (("a", (0, 1, 2)), ("b", (0, 1, 3, 4))):
        with EpisodeWriter(store, source="test", episode_id=name) as writer:
            for tick in ticks:
                writer.add_step(samples.observation(tick), samples.action())
            writer.commit()
    return store


def test_valid_steps_of_a_store_are_end_to_end_in_the_order_of_its_actions(gapped):
    assert load_valid_steps(gapped).tolist() == [True, True, False, True, False, True, False]
    assert load_valid_steps(gapped, ["b"]).tolist() == [True, False, True, False]


def test_check_info_view_and_audit_mean_the_same_by_a_gap(gapped):
    """They counted from 2.5, 1.5, 1.5 and 3 periods on, and contradicted each other."""
    warned = [line for line in check_store(gapped.path, progress=False).warnings if "gaps in time" in line]
    assert warned == ["b: 1 gaps in time, the longest 0.40 s after step 1"]
    assert summarise(gapped)["streams"]["steps"]["gaps"] == 1
    assert (Library(gapped).episode("a")["gaps"], Library(gapped).episode("b")["gaps"]) == ([], [2])
    assert AuditLimits().gap_periods[0] == GAP_PERIODS
