"""The training loop: batches in, checkpoints and curves out, stoppable and resumable at any step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import torch

from crl_learning.batches import Batches, batch_settings
from crl_learning.checkpoint import Checkpoint
from crl_learning.config import TrainConfig
from crl_learning.data_checks import require_actions_in_range, require_learnable
from crl_learning.dataset import TrajectoryData, split_trajectories, transitions, usable_trajectories
from crl_learning.fine_tune import load_init
from crl_learning.machine import choose_device, choose_dtype, enough_memory, keep_freed_memory, set_threads
from crl_learning.metrics import Curves, Means
from crl_learning.run_facts import action_scale_of, checkpoint_meta, largest_actions
from crl_learning.run_folder import DivergenceError, RunFolder
from crl_learning.snapshot import Progress, load_snapshot, save_snapshot
from crl_learning.training_step import learning_rate_factor, make_step, weight_not_finite

__all__ = ["DivergenceError", "OnLog", "Result", "Trainer"]

VALIDATION_BATCHES = 4


class OnLog(Protocol):
    """Told of the newest metrics."""

    def __call__(self, progress: Progress, values: dict[str, float], /) -> None: ...


@dataclass(frozen=True)
class Result:
    """How a run ended: 'finished', 'minutes' (time limit) or 'stopped' (asked to), and its newest checkpoint."""

    reason: str
    progress: Progress
    checkpoint: Path


class Trainer:
    """One run. Everything random comes from one seeded generator, so a resumed run continues the same draws."""

    def __init__(self, config: TrainConfig, data: TrajectoryData) -> None:
        self.config, self._data = config, data
        self.folder = RunFolder(config.out)
        set_threads(config.threads)
        keep_freed_memory()
        self._device = choose_device(config.device)
        self._dtype = choose_dtype(config.precision, self._device)
        require_learnable(data, config)
        init = load_init(config.init, config, data) if config.init else None
        self._scale = init.meta.action_scale if init else action_scale_of(data, config.robot)
        require_actions_in_range(data, self._scale, largest_actions(data, config.robot))
        with enough_memory(self._device, "the data", "free some, or use device=cpu"):
            self._batches = Batches(data, self._scale, batch_settings(config), self._device)
        training, held_out = split_trajectories(usable_trajectories(data), config.validation, config.seed)
        place = self._batches.generator_device
        self._training = transitions(data, training).to(place)
        self._held_out = transitions(data, held_out).to(place) if len(held_out) else None
        self.held_out_trajectories = held_out
        self._step = make_step(config, data.size, self._scale, init, self._device)
        self._generator = torch.Generator(place).manual_seed(config.seed)
        self._means = Means()
        self.progress = self._restore() if config.resume else self._start()

    @property
    def description(self) -> str:
        """How it is trained, in a few words."""
        precision = str(self._dtype).removeprefix("torch.")
        return f"{self.config.algorithm.name} on {self._device}, {precision}, {torch.get_num_threads()} threads"

    @property
    def has_estimate(self) -> bool:
        """Whether its checkpoints tell how far a goal in an image is."""
        return self._step.networks.critic is not None and self._data.image_spec is not None

    def run(
        self, on_log: OnLog = lambda progress, values: None, should_stop: Callable[[], bool] = lambda: False
    ) -> Result:
        """Train to the last step, the time limit, or until ``should_stop``, and save.

        Raises:
            DivergenceError: the loss is not finite; the last good checkpoint stays.
            RunWriteError: the disk does not take what is written; what was saved before stays.
            ConfigError: the device has too little memory, or a step cannot be recorded as a graph.
        """
        with self.folder.writing("the curves"):
            curves = Curves(self.folder.path, self.progress.step)
        what = f"steps with batch_size={self.config.batch_size}"
        advice = "free some and continue with resume=true, or start anew with a smaller batch_size"
        with curves, enough_memory(self._device, what, advice):
            reason = self._loop(curves, on_log, should_stop)
            return Result(reason, self.progress, self._save(curves))

    def validate(self) -> dict[str, float]:
        """Metrics on the held-out trajectories, always of the same batches; changes nothing."""
        assert self._held_out is not None
        generator = torch.Generator(self._batches.generator_device).manual_seed(self.config.seed)
        means = Means()
        for _ in range(VALIDATION_BATCHES):
            batch = self._batches.draw(self._held_out, generator)
            with self._step.autocast():
                means.add(self._step.networks.validate(batch))
        return {f"held_out/{name}": value for name, value in means.take().items()}

    def _loop(self, curves: Curves, on_log: OnLog, should_stop: Callable[[], bool]) -> str:
        """Train; returns why it ended."""
        config, before, started = self.config, self.progress, time.monotonic()
        logged, logged_at = before.step, started
        for step in range(before.step + 1, config.steps + 1):
            self._means.add(self._update(step - 1))
            now = time.monotonic()
            self.progress = Progress(step, before.seconds + now - started)
            if step % config.log_every == 0 or step == config.steps:
                values = self._checked_means() | {"steps_per_s": (step - logged) / max(now - logged_at, 1e-9)}
                self._write(curves, values)
                on_log(self.progress, values)
                logged, logged_at = step, now
            if self._held_out is not None and step % config.validate_every == 0:
                self._write(curves, self.validate())
            if should_stop():
                return "stopped"
            if config.minutes and self.progress.seconds >= 60 * config.minutes:
                return "minutes"
            self._keep(step, curves)
        return "finished"

    def _keep(self, step: int, curves: Curves) -> None:
        """Save, and try the policy out, where it is time to."""
        config = self.config
        evaluates = bool(config.evaluate_every) and step % config.evaluate_every == 0
        if evaluates or (step % config.checkpoint_every == 0 and step < config.steps):
            checkpoint = self._save(curves)
            if evaluates:
                from crl_learning.run_evaluation import evaluate_checkpoint

                self._write(curves, evaluate_checkpoint(checkpoint, config.evaluation, self._data.robot))

    def _write(self, curves: Curves, values: dict[str, float]) -> None:
        with self.folder.writing("the curves"):
            curves.write(self.progress.step, values)

    def _update(self, step: int) -> dict[str, torch.Tensor]:
        config = self.config
        parts = (config.decay_part, config.decay_part if config.critic_decays else 0.0)
        factors = [learning_rate_factor(step, config.steps, config.warmup_steps, part) for part in parts]
        return self._step.run(self._batches.draw(self._training, self._generator), *factors)

    def _checked_means(self) -> dict[str, float]:
        """The metrics since the last call. Raises DivergenceError."""
        values = self._means.take()
        for name, value in values.items():
            if not math.isfinite(value):
                raise self.folder.divergence(name, value, self.progress.step)
        return values

    def _save(self, curves: Curves) -> Path:
        """Write snapshot and checkpoint of this step, and point the link at it. Raises DivergenceError."""
        broken = weight_not_finite(self._step.networks)
        if broken:
            raise self.folder.divergence(f"a weight of {broken}", float("nan"), self.progress.step)
        self._write(curves, self._checked_means())
        step, settings = self._step, asdict(self.config)
        with self.folder.writing(f"step {self.progress.step}"):
            save_snapshot(
                self.folder.resume,
                step.networks,
                step.optimiser,
                self._generator,
                self.progress,
                settings,
                self._data.fingerprint,
            )
            return self.folder.save_checkpoint(self.progress.step, self._checkpoint())

    def _checkpoint(self) -> Checkpoint:
        meta = checkpoint_meta(self.config, self._data, self._scale, self.progress, self._device, self._dtype)
        networks = self._step.networks
        critic = networks.critic
        return Checkpoint(meta, networks.policy.state_dict(), critic.state_dict() if critic else None)

    def _start(self) -> Progress:
        self.folder.start(asdict(self.config))
        return Progress()

    def _restore(self) -> Progress:
        self.folder.clean()
        if self.folder.begun:
            return Progress()
        step, settings = self._step, asdict(self.config)
        return load_snapshot(
            self.folder.resume, step.networks, step.optimiser, self._generator, settings, self._data.fingerprint
        )
