import dataclasses
import operator
from functools import cache
from pathlib import Path

import pytest
import torch
from published_presets import PUBLISHED
from small_agents import SMALL, agent, batch_for, settings

from crl_learning.algorithm_config import ALGORITHMS, AlgorithmConfig, GoalMixture
from crl_learning.algorithms.make import make_algorithm, make_critic, make_policy
from crl_learning.config import TrainConfig, load_train_config
from crl_robot.errors import CheckpointError, ConfigError
from crl_robot.resources import config_file

FILES = sorted(path.stem for path in Path(config_file("algorithm/gcbc.yaml")).parent.glob("*.yaml"))
PRESETS = [name for name in FILES if name not in ALGORITHMS]
OWN = {"stable_crl_stitch"}
"""Presets of this project, which nobody published."""


@cache
def chosen(name: str) -> TrainConfig:
    """The settings of a run with ``algorithm=name``; composing them takes a while."""
    return load_train_config(["data=x", "out=y", f"algorithm={name}"])


def test_every_algorithm_has_a_file_of_its_name():
    assert set(ALGORITHMS) <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_every_file_can_be_chosen_built_and_trained_a_step(name):
    config = chosen(name)
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


def test_every_preset_is_compared_with_its_source():
    assert set(PUBLISHED) == set(PRESETS) - OWN


@pytest.mark.parametrize("name", PUBLISHED)
def test_presets_have_the_published_values(name):
    facts = PUBLISHED[name]
    assert {key: operator.attrgetter(key)(chosen(name)) for key in facts} == facts


def test_presets_set_the_run_too_and_the_command_line_wins():
    assert chosen("stable_crl_paper").batch_size == 2048
    changed = load_train_config(["data=x", "out=y", "algorithm=crl_ogbench", "network=impala", "batch_size=256"])
    assert (changed.network.inputs, changed.network.encoder, changed.batch_size) == ("image", "impala", 256)


def test_the_papers_networks_have_the_published_sizes():
    config = chosen("stable_crl_paper")
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
    assert settings("gcbc", random_goals=0.5).needs.goals == GoalMixture("uniform", 0.9, 0.5)
    assert settings("hiql").needs.subgoal_steps == 10
    assert settings("gcivl").needs.subgoal_steps == 0


def test_cloning_takes_the_goals_of_an_actor_as_its_own():
    """They were ignored, and nothing said so."""
    needs = settings("gcbc", actor_goals="geometric", actor_random_goals=0.5).needs
    assert needs.goals == GoalMixture("geometric", 0.9, 0.5)
    assert needs.actor_goals is None


@pytest.mark.parametrize(("name", "changes"), [("gcbc", {}), ("stable_crl", {"objective": "td"})])
def test_two_mixtures_for_the_goals_of_one_actor_are_refused(name, changes):
    with pytest.raises(ConfigError, match=r"add up to 0.3, expected 0 beside actor_goals=same .*set one of the two"):
        settings(name, random_goals=0.3, actor_random_goals=0.5, **changes)
    assert settings("stable_crl", random_goals=0.3, actor_random_goals=0.5).needs.goals.random == 0.3


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
