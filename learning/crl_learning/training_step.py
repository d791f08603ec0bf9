"""One gradient step: forward under autocast, one backward, a fused optimiser. Nothing in it waits for the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from crl_learning.action_scale import ActionScale
from crl_learning.algorithms.algorithm import Algorithm
from crl_learning.algorithms.make import make_algorithm
from crl_learning.batch import Batch
from crl_learning.checkpoint import Checkpoint
from crl_learning.config import TrainConfig
from crl_learning.fine_tune import start_from
from crl_learning.machine import choose_dtype

Info = dict[str, Tensor]


@dataclass(frozen=True)
class StepSettings:
    """How a step is computed: learning rate, number format, what to speed it up with, and whether the critic has a
    learning rate apart from the policy's."""

    learning_rate: float
    dtype: torch.dtype
    compile: bool = False
    cuda_graph: bool = False
    apart: bool = False


def learning_rate_factor(step: int, steps: int, warmup_steps: int, decay_part: float) -> float:
    """Of the step numbered from 0: a linear rise, 1, and a linear fall to 0 over the last ``decay_part`` of all."""
    rise = min(1.0, (step + 1) / (warmup_steps + 1))
    fall = min(1.0, (steps - step) / max(1.0, decay_part * steps))
    return min(rise, fall)


class TrainingStep:
    """Networks and their optimiser.

    Args:
        networks: the algorithm, on its device.
        device: that device.
        settings: see `StepSettings`.
    """

    def __init__(self, networks: Algorithm, device: torch.device, settings: StepSettings) -> None:
        self.networks = networks
        self._device, self._settings = device, settings
        graphed = settings.cuda_graph and device.type == "cuda"
        groups: list[dict[str, Any]] = [{"params": one} for one in _trained(networks, settings.apart)]
        if graphed:
            groups = [one | {"lr": torch.tensor(settings.learning_rate, device=device)} for one in groups]
        self.optimiser = torch.optim.Adam(groups, lr=settings.learning_rate, fused=True, capturable=graphed)
        self._loss: Callable[[Batch], tuple[Tensor, Info]] = networks.loss
        if settings.compile:
            self._loss = torch.compile(networks.loss)
        self._compute = _Graphed(self._update) if graphed else self._update

    def run(self, batch: Batch, factor: float = 1.0, critic_factor: float = 1.0) -> Info:
        """Learn from one batch at ``factor`` times the learning rate; returns detached metrics, ``loss`` among them.

        ``critic_factor`` is for all but the policy, where they have learning rates apart.
        """
        for group, part in zip(self.optimiser.param_groups, (factor, critic_factor), strict=False):
            rate = self._settings.learning_rate * part
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        return self._compute(batch)

    def autocast(self) -> torch.autocast:
        """bfloat16 where the settings say so."""
        half = self._settings.dtype == torch.bfloat16
        return torch.autocast(self._device.type, torch.bfloat16 if half else None, enabled=half)

    def _update(self, batch: Batch) -> Info:
        with self.autocast():
            loss, info = self._loss(batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.networks.after_step()
        return {"loss": loss.detach()} | info


def _trained(networks: Algorithm, apart: bool) -> list[list[nn.Parameter]]:
    """What the optimiser moves: all weights together, or those of the policy and all others."""
    trained = [weights for weights in networks.parameters() if weights.requires_grad]
    if not apart:
        return [trained]
    own = {id(weights) for weights in networks.policy.parameters()}
    return [[one for one in trained if (id(one) in own) == policy] for policy in (True, False)]


class _Graphed:
    """Records a step once and replays it with other batches: one launch instead of hundreds.

    The first steps run as they are, on a stream of their own, as recording wants it: they are steps like any other.
    """

    WARM_UP = 3

    def __init__(self, step: Callable[[Batch], Info]) -> None:
        self._step = step
        self._stream = torch.cuda.Stream()
        self._graph: torch.cuda.CUDAGraph | None = None
        self._places: dict[str, Tensor] = {}
        self._info: Info = {}
        self._warmed = 0

    def __call__(self, batch: Batch) -> Info:
        if self._warmed < self.WARM_UP:
            self._warmed += 1
            return self._beside(batch)
        if self._graph is None:
            self._record(batch)
        assert self._graph is not None
        for name, place in self._places.items():
            place.copy_(getattr(batch, name))
        self._graph.replay()
        return {name: value.clone() for name, value in self._info.items()}

    def _beside(self, batch: Batch) -> Info:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            info = self._step(batch)
        torch.cuda.current_stream().wait_stream(self._stream)
        return info

    def _record(self, batch: Batch) -> None:
        fields = {name: value for name, value in vars(batch).items() if value is not None}
        self._places = {name: value.clone() for name, value in fields.items()}
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=self._stream):
            self._info = self._step(Batch(**self._places))


def make_step(
    config: TrainConfig, size: Sequence[int], scale: ActionScale, init: Checkpoint | None, device: torch.device
) -> TrainingStep:
    """Networks of a run, fresh or those of a checkpoint, and the step that trains them.

    Args:
        config: of the run.
        size: (width, height) of its images, or (D,) of its states.
        scale: of its actions.
        init: what to start from, or None.
        device: where to compute.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        networks = make_algorithm(size, torch.from_numpy(scale.free), config.algorithm, config.network)
    if init:
        start_from(networks, init)
    dtype = choose_dtype(config.precision, device)
    settings = StepSettings(
        config.learning_rate, dtype, config.compile, config.cuda_graph, apart=not config.critic_decays
    )
    return TrainingStep(networks.to(device), device, settings)


def weight_not_finite(networks: nn.Module) -> str | None:
    """Name of a weight that is not finite, or None: a step can break weights although its loss was finite."""
    for name, weights in networks.named_parameters():
        if not torch.isfinite(weights).all():
            return name
    return None
