import csv
import dataclasses
import json
import os
import signal
import threading
import time

import numpy as np
import pytest
import torch

from crl_learning import train_cli
from crl_learning.checkpoint import load_checkpoint
from crl_learning.config import TrainConfig, load_train_config
from crl_learning.dataset import TrajectoryData
from crl_learning.goal_policy import GoalPolicy
from crl_learning.train import DivergenceError, Trainer, learning_rate_factor
from crl_robot.contracts import ActionSpec
from crl_robot.errors import CheckpointError, ConfigError
from crl_robot.image_spec import ImageSpec
from crl_robot.robots import robot

SMALL = (
    "data=none",
    "device=cpu",
    "precision=fp32",
    "threads=1",
    "batch_size=8",
    "network.channels=[4,4,4]",
    "network.features=16",
    "network.hidden=[16]",
    "network.repr_dim=4",
    "log_every=3",
    "validate_every=5",
    "checkpoint_every=4",
    "image.size=[16,16]",
    "validation=0.2",
    "steps=12",
)


def config_for(out, *words: str) -> TrainConfig:
    return load_train_config([*SMALL, f"out={out}", *words])


@pytest.fixture(scope="module")
def data() -> TrajectoryData:
    """A bright bar whose column is what the first entry of the action moves."""
    rng = np.random.default_rng(0)
    lengths = np.full(6, 10)
    actions = np.zeros((60, 7), np.float32)
    actions[:, 0] = rng.uniform(-0.05, 0.05, 60)
    images = np.zeros((60, 16, 16, 3), np.uint8)
    for i, column in enumerate(8 + np.cumsum(actions[:, 0]) * 20):
        images[i, :, int(column) % 16] = 255
    spec = ImageSpec(size=(16, 16))
    return TrajectoryData(images, actions, lengths, spec, ActionSpec(), fingerprint="f" * 64)


def test_data_of_another_robot_than_asked_for_are_refused(data, tmp_path):
    of_sawyer = dataclasses.replace(data, robot="sawyer")
    with pytest.raises(ConfigError, match=r"expects data of 'widowx250s', .* of 'sawyer'"):
        Trainer(config_for(tmp_path / "a", "robot=widowx"), of_sawyer)


def test_a_checkpoint_names_the_robot_of_its_data_and_has_its_range(data, tmp_path):
    of_sawyer = dataclasses.replace(data, robot="sawyer")
    Trainer(config_for(tmp_path / "a", "steps=1"), of_sawyer).run()
    meta = load_checkpoint(tmp_path / "a" / "checkpoint").meta
    assert meta.robot == "sawyer"
    assert meta.action_scale.half_range[0] == np.float32(robot("sawyer").limits.max_step_m)


def rows(folder) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def stop_after(trainer: Trainer, step: int):
    return lambda: trainer.progress.step >= step


@pytest.mark.parametrize("algorithm", ["stable_crl", "gcbc"])
def test_an_interrupted_and_resumed_run_is_bit_identical_to_a_straight_one(tmp_path, data, algorithm):
    straight = Trainer(config_for(tmp_path / "a", f"algorithm={algorithm}"), data).run()
    first = Trainer(config_for(tmp_path / "b", f"algorithm={algorithm}"), data)
    assert first.run(should_stop=stop_after(first, 7)).reason == "stopped"
    resumed = Trainer(config_for(tmp_path / "b", f"algorithm={algorithm}", "resume=true"), data)
    assert resumed.progress.step == 7
    result = resumed.run()
    one, other = load_checkpoint(straight.checkpoint), load_checkpoint(result.checkpoint)
    for expected, got in zip((one.policy, one.critic or {}), (other.policy, other.critic or {}), strict=True):
        assert expected.keys() == got.keys()
        assert all(torch.equal(expected[key], got[key]) for key in expected)
    values = [{(r["step"], r["name"]): r["value"] for r in rows(tmp_path / run)} for run in "ab"]
    held_out = [{key: v for key, v in of.items() if key[1].startswith("held_out")} for of in values]
    assert held_out[0]
    assert held_out[0] == held_out[1]


def test_a_run_leaves_curves_checkpoints_and_a_link_to_the_newest(tmp_path, data):
    result = Trainer(config_for(tmp_path / "run"), data).run()
    assert result.reason == "finished"
    assert sorted(p.name for p in (tmp_path / "run" / "checkpoints").iterdir()) == [
        "step_0000004",
        "step_0000008",
        "step_0000012",
    ]
    assert (tmp_path / "run" / "checkpoint").resolve() == result.checkpoint.resolve()
    assert {"critic_loss", "bc_loss", "accuracy", "held_out/bc_loss"} <= {row["name"] for row in rows(tmp_path / "run")}
    assert any((tmp_path / "run" / "tensorboard").iterdir())


def test_a_checkpoint_says_what_it_was_trained_with_and_acts(tmp_path, data):
    result = Trainer(config_for(tmp_path / "run", "seed=5"), data).run()
    meta = load_checkpoint(result.checkpoint).meta
    assert (meta.steps, meta.seed, meta.labels) == (12, 5, "commanded")
    assert meta.provenance["data"]["fingerprint"] == "f" * 64
    assert meta.provenance["settings"]["batch_size"] == 8
    assert meta.action_scale.free.tolist() == [1, 0, 0, 0, 0, 0, 0]
    policy = GoalPolicy.load(result.checkpoint)
    policy.set_goal(np.zeros((240, 320, 3), np.uint8))
    values, estimate = policy.act(np.full((240, 320, 3), 255, np.uint8))
    assert not values[1:].any()
    assert np.isfinite(estimate)


def test_the_same_seed_gives_the_same_networks_and_another_seed_others(tmp_path, data):
    folders = [("a", 1), ("b", 1), ("c", 2)]
    one, same, other = (
        load_checkpoint(Trainer(config_for(tmp_path / name, f"seed={seed}"), data).run().checkpoint).policy
        for name, seed in folders
    )
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path, data):
    Trainer(config_for(tmp_path / "run"), data).run()
    with pytest.raises(ConfigError, match="holds a run already"):
        Trainer(config_for(tmp_path / "run"), data)


def test_a_used_folder_and_a_file_are_refused_before_any_frame_is_read(tmp_path, monkeypatch, capsys):
    """All frames were decoded first, or a file in the way gave a traceback."""

    def load(*_):
        raise AssertionError("frames were read")

    monkeypatch.setattr("crl_learning.dataset.load_store", load)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.csv").touch()
    (tmp_path / "free").mkdir()
    cases = {"run": "holds a run already", "run/metrics.csv": "expected a folder", "run/metrics.csv/x": "cannot be"}
    for out, message in cases.items():
        assert train_cli.main([*SMALL, f"out={tmp_path / out}"]) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
    assert train_cli.main([*SMALL, f"out={tmp_path / 'free'}", "resume=true"]) == 2
    assert "holds no run to resume" in capsys.readouterr().err


def test_an_interrupt_before_the_first_step_is_one_line_and_code_130(tmp_path, monkeypatch, capsys):
    def load(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("crl_learning.dataset.load_store", load)
    assert train_cli.main([*SMALL, f"out={tmp_path / 'run'}"]) == 130
    assert capsys.readouterr().err == "crl-train: stopped\n"


@pytest.mark.parametrize(
    ("room", "shown"), [(0, ""), (13, "bc_loss 4.633"), (30, "bc_loss 4.633  value 1.000"), (20, "bc_loss 4.633")]
)
def test_the_progress_line_shows_whole_metrics_only(room, shown):
    words = train_cli.metric_words({"value": 1.0, "bc_loss": 4.633, "steps_per_s": 9.0})
    assert train_cli.fitting(words, room) == shown


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


def test_the_time_limit_stops_and_saves(tmp_path, data):
    result = Trainer(config_for(tmp_path / "run", "minutes=1e-9"), data).run()
    assert (result.reason, result.progress.step) == ("minutes", 1)
    assert load_checkpoint(tmp_path / "run" / "checkpoint").meta.steps == 1


def test_divergence_stops_and_names_the_last_good_checkpoint(tmp_path, data):
    trainer = Trainer(config_for(tmp_path / "run"), data)

    def break_weights() -> bool:
        if trainer.progress.step == 5:
            with torch.no_grad():
                next(trainer._networks.parameters()).fill_(float("nan"))
        return False

    with pytest.raises(DivergenceError, match=r"step_0000004"):
        trainer.run(should_stop=break_weights)
    assert load_checkpoint(tmp_path / "run" / "checkpoint").meta.steps == 4


def test_the_learning_rate_rises_stays_and_falls_to_zero():
    factors = [learning_rate_factor(step, 100, 9, 0.4) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9:61] == pytest.approx([1.0] * 52)
    assert factors[80] == pytest.approx(0.5)
    assert factors[100] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_saves_and_ends_with_code_0_when_asked_to_stop(tmp_path, data, monkeypatch, capsys, number):
    monkeypatch.setattr("crl_learning.dataset.load_store", lambda *_: data)
    words = [*SMALL, f"out={tmp_path / 'run'}", "steps=1000000", "checkpoint_every=1000000"]
    before = signal.getsignal(number)

    def ask_to_stop() -> None:
        while signal.getsignal(number) == before:
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    threading.Thread(target=ask_to_stop, daemon=True).start()
    assert train_cli.main(words) == 0
    assert signal.getsignal(number) == before
    said = capsys.readouterr().out
    assert "resume=true" in said
    assert f"checkpoint: {tmp_path / 'run'}" in said
    assert load_checkpoint(tmp_path / "run" / "checkpoint").meta.steps > 0


def test_settings_of_a_run_are_kept_beside_it(tmp_path, data):
    Trainer(config_for(tmp_path / "run"), data)
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["batch_size"] == 8


def test_without_its_critic_term_the_actor_is_the_one_that_cloning_towards_the_same_goals_gives(data, tmp_path):
    """So the control for what the critic adds may be trained without paying for a critic."""
    crl = Trainer(config_for(tmp_path / "crl", "algorithm.critic_term=false"), data)
    cloning = Trainer(config_for(tmp_path / "bc", "algorithm=gcbc", "algorithm.goals=geometric"), data)
    for trainer in (crl, cloning):
        trainer.run()
    theirs = load_checkpoint(tmp_path / "bc" / "checkpoint").policy
    for name, tensor in load_checkpoint(tmp_path / "crl" / "checkpoint").policy.items():
        assert torch.equal(tensor, theirs[name]), name


def test_images_that_stay_on_the_disk_train_the_same_policy(data, tmp_path):
    np.save(tmp_path / "images.npy", data.images)
    mapped = dataclasses.replace(data, images=np.load(tmp_path / "images.npy", mmap_mode="r"))
    for name, images in (("memory", data), ("disk", mapped)):
        Trainer(config_for(tmp_path / name), images).run()
    theirs = load_checkpoint(tmp_path / "memory" / "checkpoint").policy
    for name, tensor in load_checkpoint(tmp_path / "disk" / "checkpoint").policy.items():
        assert torch.equal(tensor, theirs[name]), name
