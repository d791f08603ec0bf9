"""Recorded runs as folders: what the keeper makes of status messages, and what reads it, whole or cut off."""

import json

import numpy as np
import pytest
from fake_runs import ENDED, GOAL, FakeData, opened, ready, status, tick

from crl_learning.runs import open_run
from crl_learning.runs.folder import RunFolder
from crl_learning.runs.keeping import SILENT_S
from crl_robot.errors import StoreError


@pytest.fixture
def keeper(tmp_path):
    return ready(tmp_path)


def test_a_run_is_kept_from_its_first_tick_to_its_verdict(tmp_path, keeper):
    keeper.on_tick(tick(1))
    keeper.on_status(status("running"), 2, 0.1)
    keeper.on_tick(tick(2))
    keeper.on_status(status("ended", ended=ENDED), 3, 0.2)
    run = opened(tmp_path)
    assert [one["tick"] for one in run.ticks()] == [1, 2]
    assert run.facts["ended"] == ENDED
    assert (run.facts["episode"], run.facts["steps"], run.facts["lost"]) == ("r1", 7, {"arm": 1})
    (goal,) = run.goals()
    assert np.array_equal(goal.image, GOAL)
    assert keeper._data.calls == [("begin", "data.zarr", "r1", False), ("end", "reached"), ("accept", True)]
    assert (run.facts["success"], run.facts["judge"]) == (True, "signal")


def test_previews_and_ticks_of_other_runs_are_not_kept(tmp_path, keeper):
    keeper.on_status(status("running"), 2, 0.1)
    keeper.on_tick(tick(1, preview=True))
    keeper.on_tick(tick(2, run="older"))
    assert opened(tmp_path).ticks() == []


def test_a_run_goes_on_through_a_pause_and_its_changes_are_events(tmp_path, keeper):
    keeper.on_status(status("running"), 2, 0.1)
    keeper.on_status(status("paused", reason="lunch"), 3, 0.2)
    keeper.on_arm("estopped", "pressed", 4)
    keeper.on_status(status("running", counters={"late": 2}, stage=1), 5, 0.3)
    events = [(one["kind"], one["text"]) for one in opened(tmp_path).events()]
    assert ("state", "paused") in events
    assert ("arm", "estopped pressed") in events
    assert ("stage", "1") in events
    assert any(kind == "late" and text.startswith("2 results") for kind, text in events)


def test_latencies_are_kept_as_known_at_the_end_and_a_check_that_warns_meanwhile_is_an_event(tmp_path, keeper):
    late = {"name": "arm latency", "verdict": "warning", "sentence": "the arm begins to move 250 ms after a command"}
    unknown = late | {"verdict": "unknown", "sentence": "no motion was measured yet"}
    keeper.on_status(status("running", checks=[unknown], latency_ms={"arm_motion": None}), 2, 0.1)
    assert opened(tmp_path).facts["latency_ms"] == {"arm_motion": None}
    measured = {"latency_ms": {"arm_motion": {"p50": 250.0}}, "checks": [late]}
    keeper.on_status(status("running", **measured), 3, 0.2)
    keeper.on_status(status("running", **measured | {"checks": [late | {"sentence": "255 ms"}]}), 4, 0.3)
    keeper.on_status(status("ended", ended=ENDED, **measured), 5, 0.4)
    assert opened(tmp_path).facts["latency_ms"] == {"arm_motion": {"p50": 250.0}}
    checks = [one["text"] for one in opened(tmp_path).events() if one["kind"] == "check"]
    assert checks == [unknown["sentence"], late["sentence"]]


def test_a_run_that_is_heard_of_late_is_recorded_with_the_plan_that_it_follows(tmp_path, keeper):
    """The plan was an event only where the recorder had heard of the run without it."""
    plan = {"state": "followed", "reason": "", "waypoints": [{"episode": "e", "frame": 7}], "ticks": [3.0, 4.0]}
    for stamp_ns in (2, 3):
        keeper.on_status(status("running", plan=plan), stamp_ns, 0.1 * stamp_ns)
    plans = [one for one in opened(tmp_path).events() if one["kind"] == "plan"]
    assert [(one["text"], one["data"]) for one in plans] == [("e:7; 7 ticks expected", plan)]


def test_a_policy_that_falls_silent_ends_its_run_and_does_not_begin_it_again(tmp_path, keeper):
    keeper.on_status(status("running"), 2, 0.1)
    keeper.look(3, 0.1 + SILENT_S + 0.1)
    assert opened(tmp_path).facts["ended"]["verdict"] == "failed"
    assert keeper.status()["state"] == "waiting"
    keeper.on_status(status("running", run="r2"), 4, 9.0)
    assert keeper.status()["run"] == "r2"


def test_another_run_ends_the_one_before(tmp_path, keeper):
    keeper.on_status(status("running"), 2, 0.1)
    keeper.on_status(status("running", run="r2"), 3, 0.2)
    assert opened(tmp_path).facts["ended"]["sentence"] == "another run began"
    assert opened(tmp_path, "r2").cut_off


def judged(tmp_path, run="r1"):
    facts = opened(tmp_path, run).facts
    return facts["success"], facts["judge"], facts["episode"]


def test_the_operators_verdict_is_waited_for_and_wins_over_the_signals(tmp_path):
    keeper = ready(tmp_path, verdict_s=60.0)
    keeper.on_status(status("running"), 2, 0.1)
    keeper.on_status(status("ended", ended=ENDED), 3, 0.2)
    assert keeper.status()["state"] == "judging"
    assert judged(tmp_path) == (None, "", "")
    assert "a failure" in keeper.on_verdict(False)
    assert judged(tmp_path) == (False, "operator", "r1")
    assert keeper._data.calls[-1] == ("accept", False)
    with pytest.raises(StoreError, match="no run waits for a verdict"):
        keeper.on_verdict(True)


def test_a_verdict_that_is_given_while_the_run_goes_on_is_kept_at_its_end(tmp_path, keeper):
    keeper.on_status(status("running"), 2, 0.1)
    assert keeper.status()["verdict"] is None
    assert keeper.on_verdict(False).startswith("noted")
    assert keeper.status()["verdict"] is False
    keeper.on_status(status("ended", ended=ENDED), 3, 0.2)
    assert keeper.status()["verdict"] is None
    assert judged(tmp_path) == (False, "operator", "r1")


@pytest.mark.parametrize("what", ["time", "next run"])
def test_without_a_verdict_in_time_the_signal_judges(tmp_path, what):
    keeper = ready(tmp_path, verdict_s=5.0)
    keeper.on_status(status("running"), 2, 0.1)
    keeper.on_status(status("ended", ended=ENDED), 3, 0.2)
    keeper.look(4, 5.1)
    assert keeper.status()["state"] == "judging"
    if what == "time":
        keeper.look(5, 5.3)
    else:
        keeper.on_status(status("running", run="r2"), 5, 5.15)
    assert judged(tmp_path) == (True, "signal", "r1")


def test_when_the_data_cannot_be_recorded_the_lines_are_kept_and_the_failure_is_told(tmp_path):
    keeper = ready(tmp_path, FakeData(fails=True))
    keeper.on_status(status("running"), 2, 0.1)
    keeper.on_tick(tick(1))
    keeper.on_status(status("ended", ended=ENDED), 3, 0.2)
    run = opened(tmp_path)
    assert len(run.ticks()) == 1
    assert "disk is full" in run.facts["failure"]
    assert run.episode() is None


def test_a_line_that_was_cut_off_is_left_out(tmp_path):
    folder = RunFolder(tmp_path / "run", {"id": "run"})
    folder.add_tick(tick(1))
    with (tmp_path / "run" / "ticks.jsonl").open("a") as file:
        file.write('{"tick": 2, "ru')
    run = open_run(tmp_path / "run")
    assert run.cut_off
    assert [one["tick"] for one in run.ticks()] == [1]


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "no readable run.json"), ("{", "damaged"), (json.dumps({"schema": "other"}), "schema 'other'")],
)
def test_what_is_no_run_is_refused(tmp_path, content, says):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(StoreError, match=says):
        open_run(tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="choose another folder"):
        RunFolder(tmp_path / "file" / "run", {})


def test_a_recorder_that_comes_back_in_the_midst_of_a_run_keeps_the_rest_beside_it(tmp_path, keeper):
    keeper.on_status(status("running"), 2, 0.1)
    again = ready(tmp_path)
    again.on_status(status("running"), 3, 0.2)
    again.on_status(status("ended", ended=ENDED), 4, 0.3)
    assert opened(tmp_path).cut_off
    assert opened(tmp_path, "r1-2").facts["ended"] == ENDED
    assert again._data.calls[0] == ("begin", "data.zarr", "r1-2", False)
