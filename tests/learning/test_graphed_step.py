"""What a recorded step must be: one that, replayed on its memory alone, learns what the step itself would."""

from collections.abc import Callable

import pytest
import torch
from played_graphs import play_graphs
from small_run import SMALL, bar_data

from crl_learning.action_scale import ActionScale
from crl_learning.algorithms.make import make_algorithm
from crl_learning.batch import Batch
from crl_learning.batches import Batches, batch_settings
from crl_learning.config import TrainConfig, load_train_config
from crl_learning.dataset import transitions
from crl_learning.graphed_step import GraphedStep
from crl_learning.snapshot import Progress, load_snapshot, save_snapshot
from crl_learning.training_step import StepSettings, TrainingStep
from crl_robot.errors import ConfigError

CPU = torch.device("cpu")
STEPS = 6
TD = ("algorithm.objective=td", "critic_sees_crop=false")
KINDS = {
    "nce": (),
    "infonce": ("algorithm.objective=infonce", "algorithm.normalise_q=true"),
    "td": (*TD, "precision=bf16", "critic_decays=false"),
    "chunk": ("network.chunk=3",),
    "gcbc": ("algorithm=gcbc",),
    "gciql": ("algorithm=gciql",),
    "advantage": ("algorithm=gciql", "algorithm.actor=advantage"),
    "gcivl": ("algorithm=gcivl",),
    "hiql": ("algorithm=hiql",),
}


class Rig:
    """A step that is recorded, with the batches that it learns from."""

    def __init__(self, config: TrainConfig) -> None:
        data = bar_data()
        torch.manual_seed(0)
        networks = make_algorithm(data.size, torch.ones(7), config.algorithm, config.network)
        dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
        settings = StepSettings(1e-3, dtype, cuda_graph=True, apart=not config.critic_decays)
        self.step = TrainingStep(networks, CPU, settings)
        self._batches = Batches(data, ActionScale.from_actions(data.actions), batch_settings(config), CPU)
        self._rows = transitions(data, range(6))
        self.generator = torch.Generator().manual_seed(0)

    def run(self, first: int = 0, last: int = STEPS) -> list[dict[str, torch.Tensor]]:
        """Steps with learning rates that change; returns the metrics of each."""
        return [
            self.step.run(self._batches.draw(self._rows, self.generator), 1 / (1 + step), 1.0 + step)
            for step in range(first, last)
        ]

    def weights(self) -> dict[str, torch.Tensor]:
        return self.step.networks.state_dict()


def require_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert torch.equal(values, other[name]), name


@pytest.fixture(autouse=True)
def played(monkeypatch):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    play_graphs(monkeypatch)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("words", KINDS.values(), ids=KINDS)
def test_a_replayed_step_learns_what_the_step_itself_learns(words, monkeypatch):
    config = load_train_config([*SMALL, "out=none", *words])
    replayed = Rig(config)
    theirs = replayed.run()
    monkeypatch.setattr(GraphedStep, "WARM_UP", STEPS)
    straight = Rig(config)
    start = {name: values.clone() for name, values in straight.weights().items()}
    for one, other in zip(straight.run(), theirs, strict=True):
        require_equal(one, other)
    require_equal(straight.weights(), replayed.weights())
    assert any(not torch.equal(values, start[name]) for name, values in straight.weights().items())


def test_a_resumed_run_records_the_memory_that_it_loaded_its_state_into(tmp_path):
    config = load_train_config([*SMALL, "out=none", *KINDS["td"]])
    straight, first, resumed = (Rig(config) for _ in range(3))
    straight.run(0, 10)
    first.run(0, 5)
    save_snapshot(tmp_path, first.step.networks, first.step.optimiser, first.generator, Progress(5), {}, "")
    load_snapshot(tmp_path, resumed.step.networks, resumed.step.optimiser, resumed.generator, {}, "")
    resumed.run(5, 10)
    require_equal(straight.weights(), resumed.weights())


def recording_that_breaks_with(cause: RuntimeError) -> Callable[[], object]:
    """Records a step, after its warm-up. Ending the recording raises an error of its own, as CUDA does."""

    def step(batch: Batch) -> dict[str, torch.Tensor]:
        if torch.cuda.current_stream().is_capturing():
            try:
                raise cause
            finally:
                raise RuntimeError("recording failed")
        return {}

    graphed, batch = GraphedStep(), Batch(*[torch.zeros(1)] * 4)
    for _ in range(GraphedStep.WARM_UP):
        graphed.run(step, batch)
    return lambda: graphed.run(step, batch)


def test_a_step_that_cannot_be_recorded_says_why_and_what_to_do():
    cause = RuntimeError("operation not permitted when stream is capturing\nCUDA kernel errors")
    record = recording_that_breaks_with(cause)
    with pytest.raises(ConfigError, match=r"not permitted when stream is capturing; use cuda_graph=false$"):
        record()


def test_a_want_of_memory_while_a_step_is_recorded_is_told_as_one():
    record = recording_that_breaks_with(torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(torch.OutOfMemoryError, match="out of memory"):
        record()
