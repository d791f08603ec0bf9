"""Killed or out of space at the worst moments, a store keeps every committed episode and shows no half one."""

import errno
import signal
import subprocess
import sys

import pytest

from crl_data.bench.crashes import children, content
from crl_data.bench.crashes.full_disk import full_disk_rows
from crl_data.bench.crashes.kills import kill_rows
from crl_data.bench.crashes.processes import ChildProcess
from crl_data.bench.crashes.recorder_kills import recorder_rows, why_no_recorder
from crl_data.bench.crashes.refusals import memory_rows, read_only_row, rival_rows
from crl_data.bench.crashes.small_disk import why_no_small_disk
from crl_data.bench.crashes.verify import Promises, verify
from crl_data.bench.durability import run, summarize
from crl_data.checking.check import check_store
from crl_data.checking.repair import repair_store
from crl_data.siblings import leftovers
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.errors import StoreError

WRITER = """
import os, signal, sys
import numpy as np
from crl_robot import durable
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import ArmState, Frame, JointReading, Observation, Pose

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

path, place = sys.argv[1:]
pose = Pose(np.zeros(3), np.array([1.0, 0, 0, 0]))
with EpisodeWriter(Store.open(path), source="test", episode_id="half") as writer:
    for stamp in range(1, 4):
        arm = ArmState(JointReading(np.zeros(6), np.zeros(6), 1.0, stamp), pose, pose, 1.0, "moving")
        frame = Frame(np.zeros((24, 32, 3), np.uint8), stamp, stamp)
        writer.add_step(Observation({"over_shoulder": frame}, arm, stamp), np.zeros(7))
    if place == "mid episode":
        die()
    if place == "first file synced":
        durable.sync = die
    if place == "before the rename":
        os.rename = die
    if place == "after the rename":
        rename = os.rename
        os.rename = lambda *names: (rename(*names), die())
    writer.commit()
"""


@pytest.mark.parametrize(
    ("place", "exit_code", "episodes"),
    [
        ("mid episode", 1, ["whole"]),
        ("first file synced", 1, ["whole"]),
        ("before the rename", 1, ["whole"]),
        ("after the rename", 0, ["half", "whole"]),
    ],
)
def test_a_killed_writer_leaves_whole_episodes_only(store, samples, place, exit_code, episodes):
    samples.write(store, "whole")
    before = store.fingerprint()

    killed = subprocess.run([sys.executable, "-c", WRITER, store.path, place], check=False)

    assert killed.returncode == -signal.SIGKILL
    opened = Store.open(store.path)
    assert opened.episode_ids() == episodes
    assert opened.fingerprint(["whole"]) == before
    assert check_store(store.path, progress=False).exit_code == exit_code
    if "half" not in episodes:
        samples.write(opened, "half")
        assert opened.episode_ids() == ["half", "whole"]


def test_a_full_disk_is_reported_and_the_commit_can_be_tried_again(store, samples, monkeypatch):
    samples.write(store, "whole")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with EpisodeWriter(store, source="test", episode_id="late") as writer:
        samples.fill(writer)
        for place in ("crl_robot.durable.sync", "crl_data.episode_file.write_group"):
            with monkeypatch.context() as patch:
                patch.setattr(place, full)
                with pytest.raises(StoreError, match="No space left"):
                    writer.commit()
        assert store.episode_ids() == ["whole"]
        writer.commit()
        assert leftovers(store.path) == []
    assert check_store(store.path, progress=False).exit_code == 0
    assert store.episode_ids() == ["late", "whole"]


def unsound(rows):
    """Rows in which something was lost, changed or not as documented."""
    return [row for row in rows if row["lost"] or row["changed"] or row["problems"]]


def test_killed_at_random_moments_every_promise_is_kept(tmp_path):
    rows = list(kill_rows(10, 3, tmp_path))
    assert unsound(rows) == []
    killed = [row for row in rows if row["exit_code"]]
    assert {row["work"] for row in killed} == {"record", "delete", "merge", "migrate"}
    assert any(row["left_over"] for row in killed)
    assert any("operation" in row for row in killed)


def test_asked_to_end_a_writer_leaves_nothing_over(tmp_path, samples):
    path = tmp_path / "a.zarr"
    Store.create(path, content.spec("jpeg"))
    child = ChildProcess(children.write_child, path, 0, range(50))
    while not child.words.of("committed"):
        child.words.told.append(child.pipe.recv())
    words = child.end(0.0, signal.SIGTERM)
    promises = Promises()
    promises.hear(words.told)
    verdict = verify(path, 0, promises, 60)
    assert (words.exit_code, verdict.words()) == (128 + signal.SIGTERM, "")
    assert verdict.state["left_over"] == 0
    assert promises.kept


@pytest.fixture
def small_disks(tmp_path):
    """Skips where tmpfs cannot be mounted."""
    if why := why_no_small_disk(tmp_path / "trial"):
        pytest.skip(why)


@pytest.mark.usefixtures("small_disks")
def test_disks_that_run_full_lose_nothing_and_the_episode_goes_on_with_space(tmp_path):
    rows = list(full_disk_rows(6, 0, tmp_path))
    assert unsound(rows) == []
    assert all("No space left" in row["refusal"] for row in rows)


@pytest.mark.usefixtures("small_disks")
def test_a_disk_that_became_read_only_refuses_every_change(tmp_path):
    assert unsound([read_only_row(0, tmp_path)]) == []


def test_a_writer_without_memory_keeps_what_it_committed(tmp_path):
    rows = list(memory_rows(3, 0, tmp_path))
    assert unsound(rows) == []
    assert all(row["promised"] >= 2 for row in rows)


def test_two_writers_share_a_store_and_only_one_gets_an_id(tmp_path):
    apart, same = rival_rows(2, 0, tmp_path)
    assert unsound([apart, same]) == []
    assert (apart["promised"], apart["refused"]) == (24, 0)
    assert (same["promised"], same["refused"]) == (12, 12)


def test_the_campaign_comes_to_flat_facts(tmp_path):
    facts = run(kills=2, full_disk=0, recorder_kills=0, folder=tmp_path, power_loss=False, progress=False)
    assert facts["sound"]
    assert (facts["kills"], facts["episodes_lost"], facts["episodes_changed"]) == (2, 0, 0)
    assert facts["episodes_promised"] > 0
    assert len(facts["rows"]) >= 2
    assert list(tmp_path.iterdir()) == []


def test_a_loss_is_reported_as_one():
    row = {"work": "record", "exit_code": -9, "promised": 3, "lost": ["e1"], "changed": [], "problems": []}
    facts = summarize([row])
    assert (facts["sound"], facts["episodes_lost"], facts["kills"]) == (False, 1, 1)


def test_what_a_living_writer_holds_is_not_left_over(store, samples):
    with EpisodeWriter(store, source="test", episode_id="now") as writer:
        samples.fill(writer)
        report = check_store(store.path, progress=False)
        assert (report.exit_code, len(report.recording)) == (0, 1)
        assert repair_store(store.path).removed == []
        writer.commit()
    assert store.episode_ids() == ["now"]


@pytest.mark.ros
@pytest.mark.slow
def test_a_killed_recorder_keeps_what_it_answered(tmp_path):
    if why := why_no_recorder():
        pytest.skip(why)
    rows = list(recorder_rows(2, 1, tmp_path / "r"))
    assert unsound(rows) == []
    assert len(rows) == 3
