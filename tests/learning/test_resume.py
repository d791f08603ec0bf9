import dataclasses

import pytest
from small_run import bar_data, config_for, equal_networks, rows, stop_after

from crl_learning.dataset import TrajectoryData
from crl_learning.train import Trainer
from crl_robot.errors import CheckpointError, ConfigError


@pytest.fixture(scope="module")
def data() -> TrajectoryData:
    return bar_data()


RUNS = {
    "nce": (),
    "gcbc": ("algorithm=gcbc",),
    "td": ("algorithm.objective=td",),
    "rates": ("critic_decays=false", "decay_part=1.0"),
}


@pytest.mark.parametrize("words", RUNS.values(), ids=RUNS)
def test_an_interrupted_and_resumed_run_is_bit_identical_to_a_straight_one(tmp_path, data, words):
    straight = Trainer(config_for(tmp_path / "a", *words), data).run()
    first = Trainer(config_for(tmp_path / "b", *words), data)
    assert first.run(should_stop=stop_after(first, 7)).reason == "stopped"
    resumed = Trainer(config_for(tmp_path / "b", *words, "resume=true"), data)
    assert resumed.progress.step == 7
    result = resumed.run()
    assert equal_networks(straight.checkpoint, result.checkpoint)
    values = [{(r["step"], r["name"]): r["value"] for r in rows(tmp_path / run)} for run in "ab"]
    held_out = [{key: v for key, v in of.items() if key[1].startswith("held_out")} for of in values]
    assert held_out[0]
    assert held_out[0] == held_out[1]


def test_resuming_what_was_never_started_is_refused(tmp_path, data):
    with pytest.raises(CheckpointError, match="does not exist"):
        Trainer(config_for(tmp_path / "run", "resume=true"), data)


def test_resuming_with_another_setting_or_other_data_is_refused_naming_both(tmp_path, data):
    Trainer(config_for(tmp_path / "run"), data).run()
    with pytest.raises(ConfigError, match="started with batch_size=8, got batch_size=4"):
        Trainer(config_for(tmp_path / "run", "resume=true", "batch_size=4"), data)
    with pytest.raises(ConfigError, match="fingerprint ffffffffffff, this store has 000000000000"):
        Trainer(config_for(tmp_path / "run", "resume=true"), dataclasses.replace(data, fingerprint="0" * 64))


def test_a_run_can_be_prolonged(tmp_path, data):
    Trainer(config_for(tmp_path / "run"), data).run()
    assert Trainer(config_for(tmp_path / "run", "resume=true", "steps=15"), data).run().progress.step == 15


def test_rows_after_the_snapshot_are_not_written_twice(tmp_path, data):
    Trainer(config_for(tmp_path / "run"), data).run()
    Trainer(config_for(tmp_path / "run", "resume=true", "steps=15"), data).run()
    keys = [(row["step"], row["name"]) for row in rows(tmp_path / "run")]
    assert len(keys) == len(set(keys))
