"""Recorded runs as folders: what the keeper makes of status messages, and what reads it, whole or cut off."""

import json

import numpy as np
import pytest

from crl_learning.runs import open_run
from crl_learning.runs.folder import RunFolder
from crl_learning.runs.keeping import SILENT_S, Recorded, RunKeeper
from crl_robot.errors import StoreError

GOAL = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
SEEN = GOAL[::4, ::4].copy()
ENDED = {"verdict": "reached", "sentence": "there", "stage": 0, "seconds": 1.5}


class FakeData:
    """Remembers what it was asked for; ``fails`` makes it refuse."""

    def __init__(self, fails=False):
        self.fails, self.calls = fails, []

    def begin(self, store, run, by_clock):
        self.calls.append(("begin", store.name, run, by_clock))
        if self.fails:
            raise StoreError("the disk is full, expected room; make some")

    def end(self, success, facts):
        self.calls.append(("end", success, facts["ended"]["verdict"]))
        return Recorded("r1", 7, {"arm": 1})


def status(state, run="r1", ended=None, **more):
    facts = {
        "state": state,
        "run": run,
        "ended": ended,
        "reason": "",
        "stage": 0,
        "goal": "goal.png",
        "goal_refused": "",
        "goal_warnings": [],
        "counters": {},
        "seconds": 1.0,
        "checks": [],
        "checkpoint": "models/reach",
        "image_spec": "abc",
        "goal_camera": "over_shoulder",
        "native": [320, 240],
        "dry_run": False,
        "speed": 1.0,
        "time_limit_s": 0.0,
        "action_spec": {"rate_hz": 5.0},
    }
    return facts | more


def tick(number, run="r1", **more):
    return {"tick": number, "run": run, "stamp_ns": number, "preview": False} | more


@pytest.fixture
def keeper(tmp_path):
    keeper = RunKeeper(tmp_path / "runs", FakeData())
    keeper.on_goal(native=GOAL)
    keeper.on_goal(seen=SEEN)
    keeper.on_status(status("ready", run=""), 1, 0.0)
    return keeper


def opened(tmp_path, run="r1"):
    return open_run(tmp_path / "runs" / run)


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
    assert keeper._data.calls == [("begin", "data.zarr", "r1", False), ("end", True, "reached")]


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


def test_a_goal_changed_during_the_run_gets_the_next_number(tmp_path, keeper):
    keeper.on_status(status("running"), 2, 0.1)
    keeper.on_goal(native=255 - GOAL)
    keeper.on_goal(seen=SEEN)
    run = opened(tmp_path)
    assert [goal["file"] for goal in run.facts["goals"]] == ["goals/stage_000.png", "goals/stage_001.png"]
    assert np.array_equal(run.goals()[1].image, 255 - GOAL)


def test_when_the_data_cannot_be_recorded_the_lines_are_kept_and_the_failure_is_told(tmp_path):
    keeper = RunKeeper(tmp_path / "runs", FakeData(fails=True))
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
