"""How fast a training step is, and how near to what the machine can do.

Steps on random images at a published shape, sampling and augmentation included; beside them the plain eager float32
step of the same mathematics, and the rate of large matrix products in the same number format.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from crl_learning.action_scale import ActionScale
from crl_learning.algorithms.stable_crl import StableCrl
from crl_learning.batch import Batch
from crl_learning.batches import Batches, batch_settings
from crl_learning.config import TrainConfig, load_train_config
from crl_learning.dataset import TrajectoryData, transitions
from crl_learning.flops import needed_flops
from crl_learning.machine import choose_device, choose_dtype, keep_freed_memory, set_threads
from crl_learning.plain_step import PlainStep
from crl_learning.training_step import TrainingStep, make_step
from crl_robot.contracts import ActionSpec

SHAPES = {"paper": ("algorithm=stable_crl_paper",), "small": ("algorithm=stable_crl",)}
"""The shapes of Stable CRL as released (48 pixels, batch 2048, td) and of the policies that are shipped here."""
TRAJECTORY = 50
EAGER_BATCH = 256
MATMUL_SIDE = 2048
WARM_UP = 5


@dataclass(frozen=True)
class TrainBench:
    """What to measure. ``batch`` 0 takes that of the shape; ``words`` are more settings of crl-train."""

    shape: str
    seconds: float = 20.0
    observations: int = 20_000
    batch: int = 0
    seed: int = 0
    words: tuple[str, ...] = ()

    def config(self, *more: str) -> TrainConfig:
        """The run's settings."""
        batch = (f"batch_size={self.batch}",) if self.batch else ()
        return load_train_config(["data=none", "out=none", *SHAPES[self.shape], *batch, *self.words, *more])


def run(bench: TrainBench, on_part: Callable[[str], None] = lambda name: None) -> dict[str, Any]:
    """Measure one shape; see docs/training_speed.md for what the facts mean."""
    config = bench.config()
    set_threads(config.threads)
    keep_freed_memory()
    device, rig = choose_device(config.device), _Rig(config, bench)
    on_part(f"{bench.shape}: training step")
    forget_peak(device)
    seconds, steps = timed(rig.fast_step(), bench.seconds, device)
    peak = peak_bytes(device)
    on_part(f"{bench.shape}: plain eager float32 step")
    plain_seconds, _ = timed(rig.plain_step(), bench.seconds, device)
    on_part(f"{bench.shape}: plain eager float32 step, batch {EAGER_BATCH}")
    small = _Rig(bench.config(f"batch_size={EAGER_BATCH}"), bench)
    at_256, _ = timed(small.plain_step(), bench.seconds / 2, device)
    on_part("matrix products")
    rate, flops = matmul_rate(device, rig.dtype), needed_flops_of(config, rig)
    return {
        "shape": bench.shape,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "threads": torch.get_num_threads(),
        "precision": str(rig.dtype).removeprefix("torch."),
        "cuda_graph": config.cuda_graph and device.type == "cuda",
        "compile": config.compile,
        "batch_size": config.batch_size,
        "objective": config.algorithm.objective,
        "image_size": list(config.image.size),
        "steps": steps,
        "steps_per_s": 1 / seconds,
        "ms_per_step": 1000 * seconds,
        "samples_per_s": config.batch_size / seconds,
        "flops_per_step": flops,
        "tflops": flops / seconds / 1e12,
        "matmul_tflops": rate / 1e12,
        "fraction_of_matmul": flops / seconds / rate,
        "peak_memory_bytes": peak,
        "eager_fp32_ms_per_step": 1000 * plain_seconds,
        "ratio_to_eager_fp32": plain_seconds / seconds,
        f"eager_fp32_ms_at_batch_{EAGER_BATCH}": 1000 * at_256,
        "observations": bench.observations,
    }


class _Rig:
    """Data, batches and networks of one measurement."""

    def __init__(self, config: TrainConfig, bench: TrainBench) -> None:
        self.config = config
        self.device = choose_device(config.device)
        self.dtype = choose_dtype(config.precision, self.device)
        data = random_data(config, bench.observations, bench.seed)
        self._scale = ActionScale.from_actions(data.actions)
        self.batches = Batches(data, self._scale, batch_settings(config), self.device)
        self._rows = transitions(data, range(len(data.lengths))).to(self.batches.generator_device)
        self._generator = torch.Generator(self.batches.generator_device).manual_seed(bench.seed)

    def draw(self) -> Batch:
        return self.batches.draw(self._rows, self._generator)

    def step(self) -> TrainingStep:
        """Fresh networks, and the step that trains them."""
        return make_step(self.config, self.config.image.spec().size, self._scale, None, self.device)

    def networks(self) -> StableCrl:
        made = self.step().networks
        assert isinstance(made, StableCrl)
        return made

    def fast_step(self) -> Callable[[], object]:
        step = self.step()
        return lambda: step.run(self.draw())

    def plain_step(self) -> Callable[[], object]:
        step = PlainStep(self.networks(), self.config.algorithm, self.config.learning_rate)
        return lambda: step.run(self.draw())


def random_data(config: TrainConfig, observations: int, seed: int) -> TrajectoryData:
    """Random images and actions of the shape that a run has."""
    rng = np.random.default_rng(seed)
    spec = config.image.spec()
    count = observations // TRAJECTORY * TRAJECTORY
    width, height = spec.size
    images = rng.integers(0, 256, (count, height, width, 3), np.uint8)
    actions = rng.uniform(-0.05, 0.05, (count, 7)).astype(np.float32)
    actions[:, 6] = rng.uniform(0, 1, count)
    lengths = np.full(count // TRAJECTORY, TRAJECTORY)
    return TrajectoryData(images, actions, lengths, spec, ActionSpec())


def timed(step: Callable[[], object], seconds: float, device: torch.device) -> tuple[float, int]:
    """(seconds of one step, steps measured): the mean of steps after a few that are not counted."""
    for _ in range(WARM_UP):
        step()
    _wait(device)
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < seconds or done < 3:
        for _ in range(10 if device.type == "cuda" else 1):
            step()
            done += 1
    _wait(device)
    return (time.perf_counter() - started) / done, done


def matmul_rate(device: torch.device, dtype: torch.dtype, seconds: float = 3.0) -> float:
    """Operations a second of large square matrix products: the best of many."""
    one, other = (torch.randn(MATMUL_SIDE, MATMUL_SIDE, device=device).to(dtype) for _ in range(2))
    out, best = torch.empty_like(one), 0.0
    for times in _until(seconds, 20 if device.type == "cuda" else 1):
        _wait(device)
        started = time.perf_counter()
        for _ in range(times):
            torch.mm(one, other, out=out)
        _wait(device)
        best = max(best, 2 * MATMUL_SIDE**3 * times / (time.perf_counter() - started))
    return best


def needed_flops_of(config: TrainConfig, rig: _Rig) -> int:
    """See `needed_flops`; counted on the CPU."""
    on_cpu = {name: value.cpu() for name, value in vars(rig.draw()).items() if value is not None}
    return needed_flops(rig.networks().cpu(), config.algorithm, Batch(**on_cpu))


def _until(seconds: float, value: int) -> Iterator[int]:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        yield value


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def forget_peak(device: torch.device) -> None:
    """`peak_bytes` counts from here on; that of a CPU cannot."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int:
    """Most memory so far: of the device, images included; on a CPU of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
