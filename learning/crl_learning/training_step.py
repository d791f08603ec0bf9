"""One gradient step: forward under autocast, one backward, a fused optimiser. Nothing in it waits for the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from crl_learning.action_scale import ActionScale
from crl_learning.algorithms.algorithm import Algorithm, Info
from crl_learning.algorithms.make import make_algorithm
from crl_learning.batch import Batch
from crl_learning.checkpoint import Checkpoint
from crl_learning.config import TrainConfig
from crl_learning.fine_tune import start_from
from crl_learning.graphed_step import GraphedStep
from crl_learning.machine import choose_dtype


@dataclass(frozen=True)
class StepSettings:
    """How a step is computed: learning rate, number format, what to speed it up with (``cuda_graph`` only on CUDA), and
    whether the critic has a learning rate apart from the policy's."""

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
        groups: list[dict[str, Any]] = [{"params": one} for one in _trained(networks, settings.apart)]
        if settings.cuda_graph:
            groups = [one | {"lr": torch.tensor(settings.learning_rate, device=device)} for one in groups]
        self.optimiser = torch.optim.Adam(groups, lr=settings.learning_rate, fused=True, capturable=settings.cuda_graph)
        self._loss: Callable[[Batch], tuple[Tensor, Info]] = networks.loss
        if settings.compile:
            self._loss = torch.compile(networks.loss)
        self._graph = GraphedStep() if settings.cuda_graph else None

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
        return self._update(batch) if self._graph is None else self._graph.run(self._update, batch)

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
    graphed = config.cuda_graph and device.type == "cuda"
    settings = StepSettings(config.learning_rate, dtype, config.compile, graphed, apart=not config.critic_decays)
    return TrainingStep(networks.to(device), device, settings)


def weight_not_finite(networks: nn.Module) -> str | None:
    """Name of a weight that is not finite, or None: a step can break weights although its loss was finite."""
    for name, weights in networks.named_parameters():
        if not torch.isfinite(weights).all():
            return name
    return None
