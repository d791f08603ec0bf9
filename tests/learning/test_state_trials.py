"""Learning from the true state of the simulation, and acting on it, through the commands."""

import csv
import json

import pytest

from crl_data.cli import main as data_main
from crl_learning.bench_cli import main as bench_main
from crl_learning.eval_cli import main as eval_main
from crl_learning.train_cli import main as train_main


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a checkpoint that has seen a little of a table."""
    folder = tmp_path_factory.mktemp("table")
    store = folder / "stitch.zarr"
    play = ["task=play_stitch", "states=true", "episodes=4", "steps=5", "workers=1"]
    assert data_main(["play", *play, f"out={store}"]) == 0
    small = ["steps=3", "batch_size=8", "network.hidden=[16]", "network.repr_dim=4", "device=cpu", "threads=1"]
    assert train_main([f"data={store}", f"out={folder / 'run'}", "algorithm=stable_crl_stitch", *small]) == 0
    return folder / "run" / "checkpoint"


def test_what_was_trained_on_states_acts_in_the_task(trained, tmp_path):
    words = [f"checkpoint={trained}", "task=push", "episodes=1", "workers=1", "videos=1", f"out={tmp_path / 'a'}"]
    assert eval_main(words) == 0
    assert json.loads((tmp_path / "a" / "summary.json").read_text())["episodes"] == 1
    assert len(list((tmp_path / "a" / "videos").glob("*.mp4"))) == 1
    with (tmp_path / "a" / "trials.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 1


def test_in_another_scene_it_is_refused_by_name(trained, tmp_path, capsys):
    words = [f"checkpoint={trained}", "task=drawer", "episodes=1", "workers=1", "videos=0", f"out={tmp_path / 'a'}"]
    assert eval_main(words) == 2
    assert "use a checkpoint of this scene" in capsys.readouterr().err


def test_a_checkpoint_is_not_moved_from_itself(trained, tmp_path):
    words = ["--checkpoint", str(trained), "--control", str(trained), "--episodes", "1"]
    assert bench_main(["critic", *words, "--json", str(tmp_path / "critic.json")]) == 0
    facts = json.loads((tmp_path / "critic.json").read_text())
    assert facts["moved_mm"]["mean"] == 0
    assert facts["step_mm"]["mean"] > 0
    assert all(-1 <= facts[name]["mean"] <= 1 for name in ("follows_object", "follows_arm"))
