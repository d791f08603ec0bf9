import dataclasses
from pathlib import Path

import pytest
import torch
from small_agents import SMALL, agent, batch_for, settings

from crl_learning.algorithm_config import ALGORITHMS, AlgorithmConfig, GoalMixture
from crl_learning.algorithms.make import make_algorithm, make_critic, make_policy
from crl_learning.config import load_train_config
from crl_robot.errors import CheckpointError, ConfigError
from crl_robot.resources import config_file

FILES = sorted(path.stem for path in Path(config_file("algorithm/gcbc.yaml")).parent.glob("*.yaml"))
PRESETS = [name for name in FILES if name not in ALGORITHMS]


def test_every_algorithm_has_a_file_of_its_name():
    assert set(ALGORITHMS) <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_every_file_can_be_chosen_built_and_trained_a_step(name):
    config = load_train_config(["data=x", "out=y", f"algorithm={name}"])
    network = dataclasses.replace(
        config.network,
        hidden=(16,),
        features=min(config.network.features, 16),
        channels=(8, 8, 8),
        depths=(1, 1, 1) if config.network.encoder == "resnet" else (),
    )
    learner = agent(config.algorithm, network)
    loss, _ = learner.loss(batch_for(config.algorithm, network))
    loss.backward()
    learner.after_step()
    assert torch.isfinite(loss)


def test_the_default_files_hold_the_defaults_of_the_settings():
    """A setting that a file leaves out, or a caller, means the same in both."""
    config = settings("stable_crl")
    given = (config.name, config.goals, config.gamma, config.std, config.bc_coef, config.critic_term, config.cold_heads)
    assert config == AlgorithmConfig(*given)
    network = load_train_config(["data=x", "out=y"]).network
    assert network == type(network)(network.channels, network.features, network.hidden, network.repr_dim)


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("stable_crl_paper", {"objective": "td", "gamma": 0.99, "bc_coef": 0.05, "std": 0.15, "tau": 0.005}),
        ("stable_crl_bridge", {"objective": "td", "gamma": 0.98, "bc_coef": 0.2, "std": 1.0, "tau": 0.002}),
        ("crl_ogbench", {"nce_weights": "mean", "bc_coef": 3.0, "normalise_q": True, "actor_goals": "uniform"}),
        ("gciql_ogbench", {"expectile": 0.9, "random_goals": 0.3, "current_goals": 0.2, "tau": 0.005}),
        ("gcivl_ogbench", {"advantage_scale": 10.0, "expectile": 0.9}),
        ("hiql_ogbench", {"subgoal_steps": 10, "expectile": 0.7, "advantage_scale": 3.0, "high_advantage_scale": 3.0}),
        ("gciql_bridge", {"expectile": 0.7, "reached": "next", "actor": "advantage", "gamma": 0.98}),
    ],
)
def test_presets_have_the_published_values(name, facts):
    config = settings(name)
    assert {key: getattr(config, key) for key in facts} == facts


def test_presets_set_the_run_too_and_the_command_line_wins():
    paper = load_train_config(["data=x", "out=y", "algorithm=stable_crl_paper"])
    assert (paper.batch_size, paper.steps, paper.learning_rate, paper.image.size) == (2048, 300_000, 3e-4, (48, 48))
    assert (paper.crop_pixels, paper.critic_sees_crop, paper.network.encoder) == (4, False, "paper")
    changed = load_train_config(["data=x", "out=y", "algorithm=crl_ogbench", "network=impala", "batch_size=256"])
    assert (changed.network.inputs, changed.network.encoder, changed.batch_size) == ("image", "impala", 256)


def test_the_papers_networks_have_the_published_sizes():
    config = load_train_config(["data=x", "out=y", "algorithm=stable_crl_paper"])
    networks = make_algorithm((48, 48), torch.ones(7), config.algorithm, config.network)
    millions = [sum(p.numel() for p in part.parameters()) / 1e6 for part in (networks.critic, networks.policy)]
    assert millions == pytest.approx([22.2, 5.6], abs=0.05)


def test_needs_follow_from_the_settings():
    assert settings("stable_crl").needs.actor_goals is None
    assert not settings("stable_crl").needs.next_states
    assert settings("stable_crl", objective="td").needs.next_states
    assert settings("stable_crl", actor_random_goals=0.5).needs.actor_goals == GoalMixture("geometric", 0.9, 0.5)
    assert settings("stable_crl", objective="td", actor_goals="uniform").needs.goals.law == "uniform"
    assert settings("stable_crl", objective="td", actor_goals="uniform").needs.actor_goals is None
    assert settings("gciql").needs.goals == GoalMixture("clamped", 0.98, 0.3, 0.0, 0.2)
    assert settings("gcbc").needs.goals.plain
    assert settings("hiql").needs.subgoal_steps == 10
    assert settings("gcivl").needs.subgoal_steps == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": "tdd"}, "did you mean 'td'"),
        ({"nce_weights": "balance"}, "did you mean 'balanced'"),
        ({"random_goals": 0.7, "next_goals": 0.5}, "add up to 1.2, expected at most 1"),
        ({"bc_coef": 1.5}, "weighting=additive allows more"),
        ({"expectile": 1.0}, "algorithm.expectile is 1.0"),
        ({"actor": "advantage"}, "stable_crl has no advantage"),
        ({"tau": 0.0}, "algorithm.tau is 0.0"),
        ({"subgoal_steps": 0}, "algorithm.subgoal_steps is 0"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        settings("stable_crl", **changes)


def test_gcivl_has_no_critic_to_climb():
    with pytest.raises(ConfigError, match="gcivl has no critic of actions"):
        settings("gcivl", actor="climb")


def test_chunks_with_next_states_and_subgoals_with_proprioception_are_refused():
    with pytest.raises(ConfigError, match=r"network\.chunk is 2, expected 1: stable_crl with next states"):
        agent(settings("stable_crl", objective="td"), dataclasses.replace(SMALL, chunk=2))
    with pytest.raises(ConfigError, match="expected 0 for hiql"):
        agent(settings("hiql"), dataclasses.replace(SMALL, proprio=3))


def test_what_a_checkpoint_holds_is_what_training_exports():
    for name in ALGORITHMS:
        learner = agent(settings(name))
        policy = make_policy(name, (24, 16), SMALL, torch.ones(5))
        policy.load_state_dict(learner.policy.state_dict())
        if learner.critic is not None:
            make_critic(name, (24, 16), SMALL, 5).load_state_dict(learner.critic.state_dict())


def test_a_checkpoint_of_an_unknown_algorithm_is_refused():
    with pytest.raises(CheckpointError, match="did you mean 'gcbc'"):
        make_policy("gcbx", (24, 16), SMALL, torch.ones(5))
