"""A whole step with what feeds it, as a GPU would do it: nothing is left on the CPU, nothing waits."""

import dataclasses
from functools import cache

import pytest
import torch
from pretended_cuda import CUDA, NeverWaits, PretendedGenerator, WaitingError, pretend_cuda, pretended_cuda
from small_agents import agent, batch_for, reached_by, settings
from small_run import SMALL, bar_data, config_for

from crl_learning import augment, bench_train
from crl_learning.action_scale import ActionScale
from crl_learning.algorithm_config import ALGORITHMS
from crl_learning.batches import Batches, batch_settings
from crl_learning.bench_train import TrainBench
from crl_learning.config import TrainConfig, load_train_config
from crl_learning.dataset import transitions
from crl_learning.machine import choose_dtype, send
from crl_learning.train import Trainer
from crl_learning.training_step import TrainingStep, make_step
from crl_robot.errors import ConfigError

CPU = torch.device("cpu")
ALL_OPTIONS = ("critic_sees_crop=false", "colour_jitter=[0.2,0.2,0.2,0.1]", "algorithm.random_goals=0.2")
STEPS = {
    "nce": ("colour_jitter=[0.2,0.2,0.2,0.1]", "critic_decays=false"),
    "infonce": ("algorithm.objective=infonce", "algorithm.logsumexp=0.01", "algorithm.normalise_q=true"),
    "td": ("algorithm.objective=td", *ALL_OPTIONS),
    "chunk": ("network.chunk=3",),
    "crl": ("algorithm=crl", "network.own_goal_encoder=true", "algorithm.actor_random_goals=0.5"),
    "gcbc": ("algorithm=gcbc", *ALL_OPTIONS),
    "gciql": ("algorithm=gciql", *ALL_OPTIONS),
    "advantage": ("algorithm=gciql", "algorithm.actor=advantage", "algorithm.goals=clamped"),
    "gcivl": ("algorithm=gcivl", "algorithm.actor_goals=uniform"),
    "hiql": ("algorithm=hiql",),
    "paper": ("network=paper", "image.size=[24,24]"),
    "impala": ("network=impala",),
    "resnet": ("network=resnet", "network.channels=[4,8]", "network.depths=[1,1]", "network.coordinates=true"),
}


@cache
def config_of(words: tuple[str, ...]) -> TrainConfig:
    return load_train_config([*SMALL, "out=none", *words])


class Rig:
    """A step, and the data that it learns from, on one device."""

    def __init__(self, device: torch.device, words: tuple[str, ...], precision: str = "fp32") -> None:
        self.config = dataclasses.replace(config_of(words), precision=precision)
        data = bench_train.random_data(self.config, 100, 0)
        scale = ActionScale.from_actions(data.actions)
        self.batches = Batches(data, scale, batch_settings(self.config), device)
        self.rows = transitions(data, range(2)).to(self.batches.generator_device)
        self.step = make_step(self.config, data.size, scale, None, device)

    def run(self, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return self.step.run(self.batches.draw(self.rows, generator), 0.5, 0.7)


@pytest.fixture(autouse=True)
def tidy():
    """Constants that are sent to a device once must not outlive a device that is not there."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    augment._colour_constants.cache_clear()


@pytest.mark.parametrize("words", STEPS.values(), ids=STEPS)
def test_a_step_on_a_gpu_leaves_nothing_on_the_cpu(words, monkeypatch):
    pretend_cuda(monkeypatch)
    with pretended_cuda():
        augment._colour_constants(torch.device("cuda:0"))  # they are sent once
        rig = Rig(CUDA, words, "bf16")
        with NeverWaits():
            info = rig.run(PretendedGenerator())
    assert {(value.device.type, value.requires_grad) for value in info.values()} == {("cuda", False)}
    state = [one for of in rig.step.optimiser.state.values() for one in of.values()]
    assert {one.device.type for one in state} == {"cuda"}


@pytest.mark.parametrize("words", STEPS.values(), ids=STEPS)
def test_nothing_in_a_step_asks_for_a_value(words, monkeypatch):
    monkeypatch.setattr(augment, "_take_by_rows", augment.take_by_pixels)
    augment._colour_constants(CPU)
    rig = Rig(CPU, words)
    with NeverWaits():
        rig.run(torch.Generator().manual_seed(0))


def test_what_is_left_on_the_cpu_is_found(monkeypatch):
    pretend_cuda(monkeypatch)
    with pretended_cuda():
        value, places, scalar = torch.zeros(3, device=CUDA), torch.zeros(3, dtype=torch.int64), torch.zeros(())
        with NeverWaits():
            for wrong in (
                lambda: value[places],
                lambda: value + scalar,
                value.cpu,
                lambda: torch.tensor(1, device=CUDA),
            ):
                with pytest.raises(WaitingError):
                    wrong()


@pytest.mark.parametrize(
    "asks", [lambda x: x.sum().item(), lambda x: bool(x.any()), lambda x: x[x > 0], lambda x: x.nonzero()]
)
def test_what_asks_for_a_value_is_found(asks):
    with NeverWaits(), pytest.raises(WaitingError):
        asks(torch.ones(3))


@pytest.mark.parametrize("shape", ["paper", "small"])
def test_the_plain_step_of_the_bench_leaves_nothing_on_the_cpu_either(shape, monkeypatch):
    pretend_cuda(monkeypatch)
    monkeypatch.setattr(bench_train, "choose_device", lambda _: CUDA)
    bench = TrainBench(shape, observations=100, batch=4, words=(*SMALL[4:], "network.hidden=[8,8]"))
    with pretended_cuda():
        step = bench_train._Rig(bench.config(), bench).plain_step()
        with NeverWaits():
            step()


def test_a_gpu_that_emulates_bfloat16_computes_in_float32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert choose_dtype("auto", CUDA) == torch.float32


def test_what_the_host_sends_goes_by_pinned_memory(monkeypatch):
    """A copy from other memory may wait for all that the device was asked for before."""
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: pinned.append(self) or self)
    with pretended_cuda():
        assert send(torch.zeros(3), CUDA).device.type == "cuda"
        assert len(pinned) == 1
        send(torch.zeros(3, device=CUDA), CUDA)
    send(torch.zeros(3), CPU)
    assert len(pinned) == 1


def test_a_gpu_without_memory_for_a_step_is_told_and_the_run_goes_on_later(tmp_path, monkeypatch):
    def fail(*_):
        raise torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 2.00 MiB. GPU 0 has a total capacity of 79.10 GiB of which 1.00 MiB "
            "is free. Including non-PyTorch memory, this process has 79.00 GiB memory in use."
        )

    with monkeypatch.context() as patch:
        patch.setattr(TrainingStep, "run", fail)
        with pytest.raises(ConfigError, match=r"for steps with batch_size=8 \(CUDA .* is free\); free some and cont"):
            Trainer(config_for(tmp_path, "steps=2"), bar_data()).run()
    assert Trainer(config_for(tmp_path, "steps=2", "resume=true"), bar_data()).run().reason == "finished"


@pytest.mark.parametrize("objective", ["td", "nce"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_half_precision_trains_the_weights_that_full_precision_trains(name, objective):
    """Weights that are first seen without gradients must not be kept so, in half precision, for the rest of a step."""
    algorithm = settings(name, objective=objective)
    networks, batch = agent(algorithm), batch_for(algorithm)
    expected = reached_by(networks.loss(batch)[0], networks)
    with torch.autocast("cpu", torch.bfloat16):
        loss = networks.loss(batch)[0]
    assert reached_by(loss, networks) == expected
