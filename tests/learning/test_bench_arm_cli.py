import json
from types import SimpleNamespace

import pytest

from crl_learning.bench_cli import main

COUNTS = {"injected": 2, "unsafe": 0, "invented": 0, "late": 0, "unclear": 0, "unrecovered": 0}
ROW = COUNTS | {"limit_ms": 100.0, "p50_ms": 4.0, "max_ms": 9.0}


def test_faults_passes_its_settings_on_shows_the_rows_and_writes_the_facts(tmp_path, monkeypatch, capsys):
    asked = {}

    def run(n, seed, out, only, on_outcome):
        asked.update(n=n, seed=seed, out=out, only=only)
        on_outcome(SimpleNamespace())
        return COUNTS | {"sound": True, "rows": {"estop_service": ROW}}

    monkeypatch.setattr("crl_robot.bench.faults.run", run)
    file = tmp_path / "faults.json"
    words = ["faults", "--n", "2", "--seed", "5", "--out", str(tmp_path), "--only", "killed", "hung"]
    assert main([*words, "--json", str(file)]) == 0
    assert asked == {"n": 2, "seed": 5, "out": tmp_path, "only": ["killed", "hung"]}
    assert "estop_service" in capsys.readouterr().out
    assert json.loads(file.read_text())["injected"] == 2


def test_a_campaign_that_found_something_ends_with_code_1(monkeypatch):
    facts = COUNTS | {"unsafe": 1, "sound": False, "rows": {"hung": ROW}}
    monkeypatch.setattr("crl_robot.bench.faults.run", lambda *_: facts)
    assert main(["faults", "--n", "2"]) == 1


@pytest.mark.parametrize(("checkpoint", "beside"), [("models/reach", True), ("", False)])
def test_bus_runs_beside_a_policy_unless_told_otherwise(monkeypatch, capsys, checkpoint, beside):
    asked = {}
    times = {"p50": 1.0, "p99": 2.0, "max": 3.0}

    def run(seconds, rate, companion, on_second):
        asked.update(seconds=seconds, rate=rate, companion=companion)
        names = ("read_ms", "write_ms", "cycle_ms", "lateness_ms")
        counts = {"rate": rate, "ticks": 100, "missed": 0, "longest_run_missed": 0, "retried": 0, "sound": True}
        return counts | dict.fromkeys(names, times)

    monkeypatch.setattr("crl_robot.bench.bus.run", run)
    assert main(["bus", "--seconds", "1", "--rate", "50", "--checkpoint", checkpoint]) == 0
    assert (asked["seconds"], asked["rate"]) == (1.0, 50.0)
    assert asked["companion"][-1:] == (["models/reach"] if beside else [])
    assert "0 of 100 ticks at 50 Hz missed" in capsys.readouterr().out


def test_a_policy_that_is_not_there_is_refused_in_words(capsys):
    from crl_learning.bench_policy import main as policy

    assert policy(["models/no_such"]) == 2
    assert "no_such" in capsys.readouterr().err
