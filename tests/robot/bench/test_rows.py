"""The rows of the campaign: all there, each with a session, and every row of the safety table among them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from crl_robot.bench.faults import all_rows, by_session
from crl_robot.bench.outgoing import ACTION_NAMES, Outgoing, named, resized, shifted, spoiled, valued
from crl_robot.bench.rows_sessions import SESSIONS
from crl_robot.control.safety_table import SAFETY_TABLE

ELSEWHERE = {
    "bad_reading": "the driver of the WidowX never passes on such a reading",
    "command_timeout": "Sawyer's",
    "robot_stopped": "Sawyer's",
    "frozen_image": "the camera node's; what the arm sees of it is stale_image",
}
BY_OTHER_NAMES = {
    "camera_killed": "stale_image",
    "policy_killed": "silence",
    "watchdog": "killed",
    "watchdog_tripped": "hung",
    "servo_error": "overload",
    "cable_pulled": "cable_pulled",
    "estop_topic": "estop_topic",
    "arm_fault": "servo_missing",
}


def test_every_row_of_the_safety_table_is_injected_or_said_to_be_elsewhere():
    rows = all_rows()
    known = {event for row in rows for event in row.events} | set(ELSEWHERE)
    known |= {event for event, name in BY_OTHER_NAMES.items() if name in {row.name for row in rows}}
    assert {row.event for row in SAFETY_TABLE} <= known


def test_names_are_unique_and_sessions_exist():
    rows = all_rows()
    assert max(Counter(row.name for row in rows).values()) == 1
    assert {row.session for row in rows} == {session.name for session in SESSIONS}
    assert all(row.limit_ms > 0 for row in rows)


@pytest.mark.parametrize("n", [1, 45, 1000])
def test_injections_are_spread_evenly_over_the_rows(n):
    rows = all_rows()
    drawn = Counter(row.name for _, mine in by_session(rows, n, np.random.default_rng(0)) for row in mine)
    assert sum(drawn.values()) == n
    counts = [drawn[row.name] for row in rows]
    assert max(counts) - min(counts) <= 1


def test_the_same_seed_gives_the_same_order():
    first, second = (
        [[row.name for row in mine] for _, mine in by_session(all_rows(), 60, np.random.default_rng(seed))]
        for seed in (7, 7)
    )
    assert first == second


def test_actions_are_made_wrong_in_the_way_that_is_asked_for():
    action = Outgoing((0.0,) * 7, 10**9)
    assert valued((1.0, 2.0))(action).values == (1.0, 2.0)
    assert len(resized(8)(action).values) == 8
    assert resized(0)(action).values == ()
    assert named(("a",))(action).names == ("a",)
    assert np.isnan(spoiled(3, np.nan)(action).values[3])
    assert shifted(-0.5)(action).stamp_ns == 5 * 10**8
    assert action.names == ACTION_NAMES, "the action itself stays as it is"


def test_the_page_lists_every_row_with_its_limit():
    page = (Path(__file__).parents[3] / "docs" / "faults.md").read_text(encoding="utf-8")
    cells = [[cell.strip() for cell in line.split("|")] for line in page.splitlines() if line.startswith("| `")]
    listed = {row[1].strip("`"): row[-2] for row in cells if row[-2].isdigit()}
    assert listed == {row.name: f"{row.limit_ms:g}" for row in all_rows()}
