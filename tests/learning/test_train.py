import json

import numpy as np
import pytest
import torch
from small_run import bar_data, config_for, equal_networks, rows

from crl_learning.checkpoint import load_checkpoint
from crl_learning.dataset import TrajectoryData
from crl_learning.goal_policy import GoalPolicy
from crl_learning.train import DivergenceError, Trainer
from crl_learning.training_step import learning_rate_factor
from crl_robot.errors import ConfigError


@pytest.fixture(scope="module")
def data() -> TrajectoryData:
    return bar_data()


def test_a_run_leaves_curves_checkpoints_and_a_link_to_the_newest(tmp_path, data):
    result = Trainer(config_for(tmp_path / "run"), data).run()
    assert result.reason == "finished"
    assert sorted(p.name for p in (tmp_path / "run" / "checkpoints").iterdir()) == [
        "step_0000004",
        "step_0000008",
        "step_0000012",
    ]
    assert (tmp_path / "run" / "checkpoint").resolve() == result.checkpoint.resolve()
    names = {row["name"] for row in rows(tmp_path / "run")}
    assert {"critic_loss", "bc_loss", "accuracy", "logit_true", "logit_other", "phi_norm", "psi_norm"} <= names
    assert {"held_out/bc_loss", "held_out/accuracy"} <= names
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


def test_trials_in_the_simulation_stand_in_the_curves_and_change_nothing(tmp_path, data, monkeypatch):
    asked = []

    def evaluate(folder, config, robot):
        asked.append((folder.name, config.task, robot))
        torch.rand(3)
        return {"evaluation/push/success_final": 0.25}

    monkeypatch.setattr("crl_learning.run_evaluation.evaluate_checkpoint", evaluate)
    words = ("evaluate_every=6", "evaluation.task=push")
    evaluated = Trainer(config_for(tmp_path / "a", *words), data).run()
    assert asked == [("step_0000006", "push", ""), ("step_0000012", "push", "")]
    found = [(row["step"], row["value"]) for row in rows(tmp_path / "a") if row["name"].startswith("evaluation/")]
    assert found == [("6", "0.25"), ("12", "0.25")]
    assert equal_networks(evaluated.checkpoint, Trainer(config_for(tmp_path / "b"), data).run().checkpoint)


def test_the_time_limit_stops_and_saves(tmp_path, data):
    result = Trainer(config_for(tmp_path / "run", "minutes=1e-9"), data).run()
    assert (result.reason, result.progress.step) == ("minutes", 1)
    assert load_checkpoint(tmp_path / "run" / "checkpoint").meta.steps == 1


def test_divergence_stops_and_names_the_last_good_checkpoint(tmp_path, data):
    trainer = Trainer(config_for(tmp_path / "run"), data)

    def break_weights() -> bool:
        if trainer.progress.step == 5:
            with torch.no_grad():
                next(trainer._step.networks.parameters()).fill_(float("nan"))
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
