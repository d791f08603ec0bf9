"""What a campaign writes: counts, a table of injections, a plot."""

import csv
from dataclasses import replace

import pytest

from crl_robot.bench.campaign import Outcome
from crl_robot.bench.faults_report import facts_of, write_report
from crl_robot.bench.judge import Finding

GOOD = Outcome("estop", "plain", 5.0, 0.2, 12.34567, 100.0, "", "e-stop was called", (), "", 0.3, 0.0, 0)


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({"reaction_ms": 101.0}, "late"),
        ({"complaint": "no word of it"}, "unclear"),
        ({"recovery": "it does not move"}, "unrecovered"),
        ({"findings": (Finding("limit", 5.1, "far"), Finding("box", 5.1, "out"))}, "unsafe"),
        ({"findings": (Finding("invented", 5.1, "never there"),)}, "invented"),
    ],
)
def test_each_thing_that_is_wrong_has_its_own_count(change, count):
    facts = facts_of([GOOD, replace(GOOD, **change)])
    counts = {name: facts[name] for name in ("unsafe", "invented", "late", "unclear", "unrecovered")}
    assert counts == dict.fromkeys(counts, 0) | {count: 1}
    assert facts["injected"] == 2
    assert facts["rows"]["estop"][count] == 1
    assert facts["sound"] is False


def test_a_campaign_in_which_nothing_went_wrong_is_sound():
    facts = facts_of([GOOD] * 3)
    assert facts["sound"] is True
    assert facts["rows"]["estop"]["max_ms"] == 12.3


def test_every_injection_is_a_line_of_the_table(tmp_path):
    bad = replace(GOOD, row="hung", findings=(Finding("jump", 5.25, "by 200 ticks"),))
    write_report(tmp_path, [GOOD, bad])
    with (tmp_path / "injections.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == ["estop", "hung"]
    assert rows[0]["reaction_ms"] == "12.3457"
    assert rows[1]["findings"] == "jump at +0.250 s: by 200 ticks"
    assert (tmp_path / "reactions.png").stat().st_size > 5000
