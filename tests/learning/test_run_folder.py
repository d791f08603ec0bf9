"""What is left of a run that ended badly."""

import errno
import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from small_run import bar_data, config_for, equal_networks

from crl_learning.checkpoint import load_checkpoint
from crl_learning.run_folder import RunFolder, RunWriteError
from crl_learning.snapshot import newest_snapshot
from crl_learning.train import Trainer
from crl_robot.errors import ConfigError

KILLER = Path(__file__).parent / "kill_at_each_write.py"


@pytest.mark.slow
def test_a_run_killed_after_any_write_resumes_bit_for_bit(tmp_path):
    """`python tests/learning/kill_at_each_write.py FOLDER 0 1` tries every write."""
    words = [sys.executable, str(KILLER), str(tmp_path), "3", "19"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 3


@pytest.fixture
def full_disk(monkeypatch):
    """Call it with a number of bytes: what is written beyond them finds the disk full."""
    write = os.pwrite
    room = [10**12]

    def pwrite(descriptor: int, data, offset: int) -> int:
        room[0] -= len(data)
        if room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    return lambda size: room.__setitem__(0, size)


@pytest.mark.parametrize("room", [0, 3_000, 30_000, 60_000])
def test_a_full_disk_ends_the_run_naming_what_is_good_and_it_resumes_bit_for_bit(tmp_path, full_disk, room):
    straight = Trainer(config_for(tmp_path / "straight"), bar_data()).run()
    trainer = Trainer(config_for(tmp_path / "run"), bar_data())

    def fill_disk() -> bool:
        if trainer.progress.step == 6:
            full_disk(room)
        return False

    with pytest.raises(RunWriteError, match=r"No space left.*step_0000004; free some space, .*resume=true"):
        trainer.run(should_stop=fill_disk)
    full_disk(10**12)
    assert load_checkpoint(tmp_path / "run" / "checkpoint").meta.steps == 4
    assert not list((tmp_path / "run").rglob("*.partial-*"))
    resumed = Trainer(config_for(tmp_path / "run", "resume=true"), bar_data()).run()
    assert equal_networks(resumed.checkpoint, straight.checkpoint)


def test_a_curve_that_cannot_be_written_ends_the_run_in_words(tmp_path, monkeypatch):
    def no_space(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("crl_learning.metrics.Curves.write", no_space)
    with pytest.raises(RunWriteError, match="the curves could not be written"):
        Trainer(config_for(tmp_path / "run"), bar_data()).run()


def test_a_run_that_was_killed_before_its_first_snapshot_starts_again_with_resume(tmp_path):
    """It could neither be resumed nor started again."""
    Trainer(config_for(tmp_path / "run"), bar_data())
    straight = Trainer(config_for(tmp_path / "straight"), bar_data()).run()
    resumed = Trainer(config_for(tmp_path / "run", "resume=true"), bar_data()).run()
    assert equal_networks(resumed.checkpoint, straight.checkpoint)


def test_only_the_newest_snapshot_is_kept(tmp_path):
    Trainer(config_for(tmp_path / "run"), bar_data()).run()
    assert [path.name for path in (tmp_path / "run" / "resume").iterdir()] == ["step_0000012"]


def test_a_snapshot_of_an_older_program_is_resumed(tmp_path):
    """It lay in the folder itself."""
    Trainer(config_for(tmp_path / "run"), bar_data()).run()
    resume = tmp_path / "run" / "resume"
    for file in newest_snapshot(resume).iterdir():
        file.rename(resume / file.name)
    newest_snapshot(resume).rmdir()
    again = Trainer(config_for(tmp_path / "run", "resume=true", "steps=14"), bar_data())
    assert again.progress.step == 12
    assert again.run().progress.step == 14
    assert [path.name for path in resume.iterdir()] == ["step_0000014"]


def test_a_run_of_another_kind_of_device_is_refused(tmp_path):
    """Its generator's state has another size; PyTorch's own words do not tell why."""
    Trainer(config_for(tmp_path / "run", "steps=2"), bar_data()).run()
    folder = newest_snapshot(tmp_path / "run" / "resume")
    save_file({"state": torch.zeros(16, dtype=torch.uint8)}, folder / "generator.safetensors")
    facts = json.loads((folder / "resume.json").read_text())
    facts["sha256"]["generator.safetensors"] = sha256((folder / "generator.safetensors").read_bytes()).hexdigest()
    (folder / "resume.json").write_text(json.dumps(facts))
    with pytest.raises(ConfigError, match="another kind of device than cpu; resume on the same kind"):
        Trainer(config_for(tmp_path / "run", "resume=true", "steps=4"), bar_data())


def test_resuming_a_finished_run_keeps_its_checkpoint(tmp_path):
    result = Trainer(config_for(tmp_path / "run"), bar_data()).run()
    before = {path: path.stat().st_mtime_ns for path in result.checkpoint.iterdir()}
    Trainer(config_for(tmp_path / "run", "resume=true"), bar_data()).run()
    assert before == {path: path.stat().st_mtime_ns for path in result.checkpoint.iterdir()}


def test_no_checkpoint_is_named_where_there_is_none(tmp_path):
    assert RunFolder(tmp_path).last_good == "no checkpoint was written yet"
