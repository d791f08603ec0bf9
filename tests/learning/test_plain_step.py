"""The fast step against the plain one, and against the work that the method needs."""

import dataclasses

import pytest
import torch
from small_run import SMALL, bar_data
from torch.utils.flop_counter import FlopCounterMode

from crl_learning.action_scale import ActionScale
from crl_learning.algorithms.make import make_algorithm
from crl_learning.algorithms.stable_crl import StableCrl
from crl_learning.batch import Batch
from crl_learning.batches import Batches, batch_settings
from crl_learning.config import TrainConfig, load_train_config
from crl_learning.dataset import transitions
from crl_learning.flops import needed_flops
from crl_learning.plain_step import PlainStep
from crl_learning.training_step import StepSettings, TrainingStep

CPU = torch.device("cpu")
MATHEMATICS = {
    "nce": (),
    "infonce": ("algorithm.objective=infonce", "algorithm.normalise_q=true"),
    "td": ("algorithm.objective=td",),
    "actor_goals": ("algorithm.actor_random_goals=0.5",),
    "clean_critic": ("critic_sees_crop=false", "algorithm.objective=td"),
    "chunk": ("network.chunk=4",),
    "cloning": ("algorithm.critic_term=false",),
}


def config_of(*words: str) -> TrainConfig:
    config = load_train_config([*SMALL, "out=none", "batch_size=16", *words])
    return dataclasses.replace(config, learning_rate=1e-3)


def batch_of(config: TrainConfig, seed: int = 0) -> Batch:
    data = bar_data()
    batches = Batches(data, ActionScale.from_actions(data.actions), batch_settings(config), CPU)
    return batches.draw(transitions(data, range(6)), torch.Generator().manual_seed(seed))


def networks_of(config: TrainConfig) -> StableCrl:
    torch.manual_seed(0)
    free = torch.tensor([1.0, 0, 0, 0, 0, 0, 0])
    made = make_algorithm((16, 16), free, config.algorithm, config.network)
    assert isinstance(made, StableCrl)
    return made


@pytest.mark.parametrize("words", MATHEMATICS.values(), ids=MATHEMATICS.keys())
def test_the_fast_step_ends_in_the_weights_of_the_plain_one(words):
    config = config_of(*words)
    fast, plain = networks_of(config), networks_of(config)
    step = TrainingStep(fast, CPU, StepSettings(config.learning_rate, torch.float32))
    slow = PlainStep(plain, config.algorithm, config.learning_rate)
    for seed in range(3):
        step.run(batch_of(config, seed))
        slow.run(batch_of(config, seed))
    theirs = plain.state_dict()
    start = networks_of(config).state_dict()
    assert any(not torch.equal(start[name], weights) for name, weights in theirs.items())
    for name, weights in fast.state_dict().items():
        assert torch.allclose(weights, theirs[name], rtol=1e-3, atol=2e-5), name


@pytest.mark.parametrize("words", MATHEMATICS.values(), ids=MATHEMATICS.keys())
def test_a_step_computes_what_is_needed_and_hardly_more(words):
    """Gradients that nobody uses, or an encoding that is made twice, would show: each costs more than a tenth here."""
    config = config_of(*words)
    networks, batch = networks_of(config), batch_of(config)
    step = TrainingStep(networks, CPU, StepSettings(config.learning_rate, torch.float32))
    counter = FlopCounterMode(display=False)
    with counter:
        step.run(batch)
    needed = needed_flops(networks, config.algorithm, batch)
    assert 0.98 * needed <= counter.get_total_flops() <= 1.1 * needed


def test_flops_of_one_convolution_and_one_linear_layer_are_counted_by_hand():
    from crl_learning.flops import first_layer_flops, forward_flops

    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 4, 2), torch.nn.Flatten(), torch.nn.Linear(8 * 3 * 5, 10))
    images = torch.zeros(2, 3, 8, 12)
    convolution, linear = 2 * (3 * 4 * 4) * (2 * 8 * 3 * 5), 2 * 120 * 2 * 10
    assert forward_flops(lambda: network(images)) == convolution + linear
    assert first_layer_flops(lambda: network(images)) == convolution
