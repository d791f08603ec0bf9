"""Killed or out of space at the worst moments, a store keeps every committed episode and shows no half one."""

import errno
import signal
import subprocess
import sys

import pytest

from crl_data.check import check_store
from crl_data.files import leftovers
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
