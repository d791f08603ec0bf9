"""Every algorithm from data to a checkpoint that acts, through the trainer's own batches."""

import numpy as np
import pytest
import torch
from small_run import bar_data, config_for, equal_networks

from crl_learning.algorithm_config import ALGORITHMS
from crl_learning.checkpoint import load_checkpoint
from crl_learning.goal_policy import GoalPolicy
from crl_learning.train import Trainer

VARIANTS = [
    *((name,) for name in ALGORITHMS),
    ("stable_crl", "algorithm.objective=td"),
    ("stable_crl", "algorithm.objective=infonce", "algorithm.logsumexp=0.01"),
    ("stable_crl", "algorithm.actor_goals=uniform", "algorithm.actor_random_goals=0.5", "critic_sees_crop=false"),
    ("stable_crl", "network.chunk=3", "network.execute=2"),
    ("gcbc", "network.chunk=3", "network.tanh=false"),
    ("crl", "network.encoder=impala", "network.own_goal_encoder=true", "network.critics=1"),
    ("gciql", "algorithm.actor=advantage", "network.encoder=paper"),
]


@pytest.fixture(scope="module")
def data():
    return bar_data()


@pytest.mark.parametrize("words", VARIANTS, ids="-".join)
def test_it_trains_from_the_data_and_its_checkpoint_acts(tmp_path, data, words):
    name, *changes = words
    result = Trainer(config_for(tmp_path / "run", f"algorithm={name}", "steps=4", *changes), data).run()
    meta = load_checkpoint(result.checkpoint).meta
    assert meta.algorithm == name
    policy = GoalPolicy.load(result.checkpoint)
    policy.set_goal(np.zeros((240, 320, 3), np.uint8))
    values, estimate = policy.act(np.full((240, 320, 3), 255, np.uint8))
    assert values.shape == (7,)
    assert not values[1:].any()
    assert np.isnan(estimate) == (name == "gcbc")


@pytest.mark.parametrize("name", ["gciql", "gcivl", "hiql"])
def test_a_resumed_run_has_the_targets_and_goes_on_as_if_it_had_not_stopped(tmp_path, data, name):
    straight = Trainer(config_for(tmp_path / "a", f"algorithm={name}", "steps=6"), data).run()
    first = Trainer(config_for(tmp_path / "b", f"algorithm={name}", "steps=6"), data)
    assert first.run(should_stop=lambda: first.progress.step >= 3).reason == "stopped"
    resumed = Trainer(config_for(tmp_path / "b", f"algorithm={name}", "steps=6", "resume=true"), data).run()
    assert equal_networks(straight.checkpoint, resumed.checkpoint)


def test_targets_are_not_trained_by_the_optimiser(tmp_path, data):
    trainer = Trainer(config_for(tmp_path / "run", "algorithm=gcivl", "steps=1", "algorithm.tau=1.0"), data)
    trainer.run()
    ((target, network),) = trainer._step.networks.followers()
    for one, other in zip(target.parameters(), network.parameters(), strict=True):
        assert torch.equal(one, other)
