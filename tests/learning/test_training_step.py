"""What a step must not do: wait for the device, or differ from itself when it is sped up."""

import pytest
import torch
from small_run import SMALL, bar_data

from crl_learning.action_scale import ActionScale
from crl_learning.batches import Batches, batch_settings
from crl_learning.config import TrainConfig, load_train_config
from crl_learning.dataset import transitions
from crl_learning.metrics import Means
from crl_learning.training_step import TrainingStep, make_step, weight_not_finite

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
TD = ("algorithm.objective=td", "critic_sees_crop=false", "colour_jitter=[0.2,0.2,0.2,0.1]", "batch_size=16")


class Rig:
    """A step with what feeds it."""

    def __init__(self, device: torch.device, *words: str) -> None:
        self.config: TrainConfig = load_train_config([*SMALL, "out=none", *words])
        data = bar_data()
        scale = ActionScale.from_actions(data.actions)
        self._batches = Batches(data, scale, batch_settings(self.config), device)
        self._rows = transitions(data, range(6)).to(self._batches.generator_device)
        self._generator = torch.Generator(self._batches.generator_device).manual_seed(0)
        self.step: TrainingStep = make_step(self.config, data.size, scale, None, device)

    def run(self, *factors: float) -> dict[str, torch.Tensor]:
        return self.step.run(self._batches.draw(self._rows, self._generator), *factors)


@pytest.mark.parametrize(("words", "moved"), [(("critic_decays=false",), {"critic"}), ((), set())])
def test_the_critic_keeps_its_learning_rate_where_the_policys_alone_falls(words, moved):
    rig = Rig(torch.device("cpu"), *words)
    before = {name: weights.detach().clone() for name, weights in rig.step.networks.named_parameters()}
    rig.run(0.0, 1.0)
    now = rig.step.networks.named_parameters()
    assert {name.split(".")[0] for name, weights in now if not torch.equal(weights, before[name])} == moved


@pytest.mark.gpu
@needs_cuda
@pytest.mark.parametrize(
    "words", [(), ("cuda_graph=true",), ("cuda_graph=true", "critic_decays=false")], ids=["eager", "graph", "rates"]
)
def test_nothing_in_a_step_waits_for_the_device(words):
    rig, means = Rig(torch.device("cuda"), *TD, "precision=bf16", *words), Means()
    for _ in range(6):  # the allocator, autotuning and the recording of a graph may wait
        means.add(rig.run())
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            means.add(rig.run())
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert all(torch.isfinite(torch.tensor(value)) for value in means.take().values())


@pytest.mark.gpu
@needs_cuda
def test_a_trace_of_a_step_holds_no_synchronisation():
    from torch.profiler import ProfilerActivity, profile

    rig = Rig(torch.device("cuda"), *TD, "precision=bf16")
    for _ in range(5):
        rig.run()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as trace:
        rig.run()
    names = {event.key for event in trace.key_averages()}
    assert not names & {"cudaStreamSynchronize", "cudaEventSynchronize", "Memcpy DtoH (Device -> Pageable)"}


@pytest.mark.gpu
@needs_cuda
def test_a_replayed_graph_learns_what_launched_kernels_learn():
    eager, graphed = (Rig(torch.device("cuda"), *TD, *words) for words in ((), ("cuda_graph=true",)))
    for _ in range(8):
        one, other = eager.run(), graphed.run()
    theirs = graphed.step.networks.state_dict()
    for name, weights in eager.step.networks.state_dict().items():
        assert torch.allclose(weights, theirs[name], rtol=1e-2, atol=1e-4), name
    assert one["loss"].item() == pytest.approx(other["loss"].item(), rel=1e-2)


@pytest.mark.gpu
@needs_cuda
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:TensorFloat32 tensor cores")
def test_a_compiled_step_learns_what_an_eager_one_learns():
    eager, compiled = (Rig(torch.device("cuda"), *TD, *words) for words in ((), ("compile=true",)))
    for _ in range(3):
        one, other = eager.run(), compiled.run()
    assert one["loss"].item() == pytest.approx(other["loss"].item(), rel=1e-2)


@pytest.mark.gpu
@needs_cuda
def test_a_million_observations_of_48_pixels_take_less_than_8_gb_of_the_device():
    from crl_learning.image_source import ResidentImages

    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    images = torch.zeros(1_000_000, 48, 48, 3, dtype=torch.uint8).numpy()
    ResidentImages(images, torch.device("cuda"))
    assert torch.cuda.max_memory_allocated() - before < 8e9


def test_options_of_a_gpu_change_nothing_on_a_cpu():
    plain, asked = Rig(torch.device("cpu"), *TD), Rig(torch.device("cpu"), *TD, "cuda_graph=true")
    for _ in range(2):
        plain.run()
        asked.run()
    theirs = asked.step.networks.state_dict()
    assert all(torch.equal(weights, theirs[name]) for name, weights in plain.step.networks.state_dict().items())


def test_targets_are_not_trained_by_the_optimiser():
    rig = Rig(torch.device("cpu"), *TD)
    trained = {id(weights) for group in rig.step.optimiser.param_groups for weights in group["params"]}
    ((target, _),) = rig.step.networks.followers()
    assert not trained & {id(weights) for weights in target.parameters()}


def test_a_weight_that_is_not_finite_is_named():
    networks = Rig(torch.device("cpu")).step.networks
    assert weight_not_finite(networks) is None
    name, weights = next(iter(networks.named_parameters()))
    with torch.no_grad():
        weights.fill_(float("inf"))
    assert weight_not_finite(networks) == name
