"""How fast batches are drawn, beside the plain NumPy sampler and a bare copy of as many bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from crl_learning.action_scale import ActionScale
from crl_learning.batches import Batches, batch_settings
from crl_learning.bench_train import TrainBench, forget_peak, peak_bytes, random_data, timed
from crl_learning.config import TrainConfig
from crl_learning.dataset import TrajectoryData, transitions
from crl_learning.draws import Draws, draw
from crl_learning.machine import CPU, choose_device, keep_freed_memory, set_threads
from crl_learning.reference_sampler import reference_batch, tensors_of


@dataclass(frozen=True)
class SampleBench(TrainBench):
    """What to measure; see `TrainBench`."""

    seconds: float = 5.0


def run(bench: SampleBench, on_part: Callable[[str], None] = lambda name: None) -> dict[str, Any]:
    """Measure one shape, and compare one batch with the NumPy sampler's; see docs/training_speed.md."""
    config = bench.config()
    set_threads(config.threads)
    keep_freed_memory()
    device = choose_device(config.device)
    data = random_data(config, bench.observations, bench.seed)
    scale, settings = ActionScale.from_actions(data.actions), batch_settings(config)
    forget_peak(device)
    batches = Batches(data, scale, settings, device)
    on_host = transitions(data, range(len(data.lengths)))
    rows = on_host.to(batches.generator_device)
    generator = torch.Generator(batches.generator_device).manual_seed(bench.seed)
    on_part(f"{bench.shape}: batches")
    seconds, drawn = timed(lambda: batches.draw(rows, generator), bench.seconds, device)
    peak = peak_bytes(device)
    on_part(f"{bench.shape}: a copy of their bytes")
    size = _bytes_of(tensors_of(batches.draw(rows, generator)))
    source, target = (torch.zeros(size, dtype=torch.uint8, device=device) for _ in range(2))
    copied, _ = timed(lambda: target.copy_(source), bench.seconds / 4, device)
    on_part(f"{bench.shape}: plain NumPy sampler")
    width = config.network.chunk * data.actions.shape[1]
    draws = draw(settings.of_draws(), len(on_host), width, torch.Generator().manual_seed(bench.seed))
    plain, _ = timed(lambda: reference_batch(data, scale, settings, on_host, draws), bench.seconds / 2, CPU)
    return {
        "shape": bench.shape,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "threads": torch.get_num_threads(),
        "batch_size": config.batch_size,
        "batches": drawn,
        "ms_per_batch": 1000 * seconds,
        "samples_per_s": config.batch_size / seconds,
        "bytes_per_batch": size,
        "ms_to_copy_as_many_bytes": 1000 * copied,
        "numpy_ms_per_batch": 1000 * plain,
        "ratio_to_numpy": plain / seconds,
        "equal_to_numpy": _equal(batches, data, scale, config, draws),
        "observations": len(data.images),
        "observation_bytes": data.images.nbytes,
        "peak_memory_bytes": peak,
    }


def _equal(batches: Batches, data: TrajectoryData, scale: ActionScale, config: TrainConfig, draws: Draws) -> bool:
    """Whether the same random numbers give the same batch both ways."""
    rows = transitions(data, range(len(data.lengths)))
    if batches.generator_device.type != "cpu":
        batches = Batches(data, scale, batch_settings(config), CPU)
    got = tensors_of(batches.build(rows, draws))
    expected = reference_batch(data, scale, batch_settings(config), rows, draws)
    return got.keys() == expected.keys() and all(
        np.array_equal(values.cpu().numpy(), expected[name]) for name, values in got.items()
    )


def _bytes_of(tensors: dict[str, torch.Tensor]) -> int:
    return sum(values.numel() * values.element_size() for values in tensors.values())
