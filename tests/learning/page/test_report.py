"""The report's file: whole, without links, and what Chromium shows of it."""

import argparse
import asyncio
import json
import re

import cv2
import numpy as np
import pytest

from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.store import Store
from crl_learning.page.report import write_report
from crl_learning.runs import open_run
from crl_learning.verbs.reporting import add_report
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ConfigError

STEPS, ZERO = 10, 1_000_000_000_000
EVIL = "</script><script>document.title = 'evil'</script>"


def record(folder):
    """A store with one episode of grey pictures at 5 Hz."""
    store = Store.create(folder / "data.zarr", StoreSpec(ActionSpec(), {"front": CameraSpec((32, 24))}, "arm", ()))
    stamps = ZERO + np.arange(STEPS, dtype=np.int64) * 200_000_000
    with EpisodeFile(store, "one") as file:
        for step, stamp in enumerate(stamps.tolist()):
            file.add_frame("front", np.full((24, 32, 3), 20 * step, np.uint8), stamp, stamp)
        actions = np.zeros((STEPS, 7), np.float32)
        arrays = {"stamp_ns": stamps, "action_commanded": actions, "action_achieved": actions}
        file.commit(EpisodeMeta("one", "recorder"), arrays)


def tick(step):
    steps = {"expected": 10.0 - step, "low": 8.0 - step, "high": 15.0 - step}
    times = {"age_ms": 40.0, "lateness_ms": 0.5, "inference_ms": 10.0}
    stamp = ZERO + 200_000_000 * step - 40_000_000
    action = [0.01, 0, 0, 0, 0, 0, 1]
    return times | {"stamp_ns": stamp, "steps": steps, "reached": step > 7, "stage": step // 5, "action": action}


@pytest.fixture
def run(tmp_path):
    """A run of two stages, recorded but for its episode; `record` adds that."""
    folder = tmp_path / "one"
    (folder / "goals").mkdir(parents=True)
    goals = []
    for number in range(2):
        image = np.full((24, 32, 3), 100 * number, np.uint8)
        names = {"file": f"goals/stage_00{number}.png", "seen": f"goals/seen_00{number}.png"}
        for name in names.values():
            cv2.imwrite(str(folder / name), image)
        goals.append(names | {"source": f"goal{number}.png", "warnings": ["it is dark"]})
    ended = {"verdict": "reached", "sentence": "reached after 2.0 s", "stage": 1, "seconds": 2.0}
    facts = {
        "schema": "crl_run",
        "schema_version": 1,
        "id": "one",
        "rate_hz": 5.0,
        "ended": ended,
        "episode": "one",
        "goals": goals,
        "checkpoint": EVIL,
        "latency_ms": {"arm_motion": {"p50": 61.0, "max": 61.0, "n": 1, "resolution": 20.0}},
    }
    events = [{"stamp_ns": ZERO + 1_000_000_000, "kind": "arm", "text": "workspace: x above 0.45 m"}]
    ticks = [tick(step) for step in range(STEPS)]
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "ticks.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in ticks))
    (folder / "events.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in events))
    return open_run(folder)


def data_of(path):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(), re.DOTALL)
    return json.loads(found[1])


def test_a_report_is_one_file_without_links(run, tmp_path):
    record(run.folder)
    path = write_report(run, tmp_path / "new" / "report.html")
    text = path.read_text()
    assert not re.search(r'(?:src|href)="(?!data:)', text)
    assert not re.search(r"https?://", text)
    assert "import " not in re.search(r'<script type="module">(.*)</script>', text, re.DOTALL)[1]
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    data = data_of(path)
    assert data["film"].startswith("data:video/mp4;base64,")
    assert [goal["native"][:22] for goal in data["goals"]] == 2 * ["data:image/png;base64,"]
    assert data["facts"]["checkpoint"] == EVIL


def test_film_and_curves_share_one_time(run, tmp_path):
    record(run.folder)
    data = data_of(write_report(run, tmp_path / "report.html"))
    np.testing.assert_allclose([row[0] for row in data["ticks"]], np.arange(STEPS) / 5)
    assert data["events"][0]["seconds"] == 1.0


def test_the_goal_of_the_moment_is_that_which_was_in_force(run, tmp_path):
    for number, goal in enumerate(run.facts["goals"]):
        goal["stamp_ns"] = ZERO + number * 1_500_000_000
    record(run.folder)
    data = data_of(write_report(run, tmp_path / "report.html"))
    assert [goal["seconds"] for goal in data["goals"]] == [0.0, 1.5]


def test_a_run_without_an_episode_is_reported_as_far_as_it_goes(run, tmp_path):
    run.facts.update({"episode": "", "ended": None, "goals": []})
    data = data_of(write_report(run, tmp_path / "report.html"))
    assert (data["film"], data["goals"], len(data["ticks"])) == ("", [], STEPS)
    assert "its recorder ended before" in data["film_missing"]


def test_a_damaged_episode_is_named_where_the_film_would_be(run, tmp_path):
    run.facts.update({"episode": "another"})
    record(run.folder)
    assert "another" in data_of(write_report(run, tmp_path / "report.html"))["film_missing"]


def test_the_command_writes_into_the_runs_folder_unless_told_otherwise(run, tmp_path, capsys):
    parser = argparse.ArgumentParser()
    add_report(parser.add_subparsers())
    for words in ([], ["--out", str(tmp_path / "other.html")]):
        parsed = parser.parse_args(["report", str(run.folder), *words])
        assert parsed.run(parsed) == 0
    written = [run.folder / "report.html", tmp_path / "other.html"]
    assert capsys.readouterr().out.split() == [str(path) for path in written]
    assert all(path.is_file() for path in written)


def test_a_place_that_cannot_be_written_is_refused(run, tmp_path):
    run.facts.update({"episode": ""})
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file, expected a folder"):
        write_report(run, tmp_path / "file" / "report.html")


def test_what_is_not_a_number_never_gets_into_a_page(run, tmp_path):
    run.facts.update({"episode": "", "speed": float("nan"), "lost": {"arm": float("inf")}})
    data = data_of(write_report(run, tmp_path / "report.html"))
    assert (data["facts"]["speed"], data["facts"]["lost"]) == (None, {"arm": None})


@pytest.mark.slow
def test_the_page_shows_the_run_and_a_click_on_an_event_goes_there(run, tmp_path, browse):
    record(run.folder)
    path = write_report(run, tmp_path / "report.html")

    async def scenario():
        async with browse(path.as_uri()) as shown:
            await shown.until_text("#headline", "Reached after 2.0 s")
            assert "The arm began to move 61 ms after a command" in await shown.text("#latency")
            assert "workspace: x above 0.45 m" in await shown.text("#safety")
            assert await shown.value("document.title") != "evil"
            await shown.until("document.getElementById('film').readyState >= 2")
            await shown.click("#safety li")
            await shown.until("Math.abs(document.getElementById('film').currentTime - 1.0) < 0.05")
            await shown.until_text("#now", "5 steps to go, 3 to 10")
            await shown.click("#stages button:nth-child(1)")
            await shown.until_text("#goal-name", "goal0.png")
            await shown.until_text("#goal-warnings", "it is dark")
            assert shown.complaints == []

    asyncio.run(scenario())
