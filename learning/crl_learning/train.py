"""The training loop: batches in, checkpoints and curves out, stoppable and resumable at any step.

A run's folder holds `checkpoints/step_N/`, the link `checkpoint` to the newest of them, `resume/`, `metrics.csv`,
`tensorboard/` and `settings.json`.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from crl_learning.action_scale import RANGE_HALF, ActionScale, action_statistics, range_half
from crl_learning.batches import Batches, BatchSettings
from crl_learning.checkpoint import Checkpoint, CheckpointMeta, save_checkpoint
from crl_learning.config import TrainConfig
from crl_learning.dataset import TrajectoryData, split_trajectories, transitions
from crl_learning.gcbc import Gcbc
from crl_learning.machine import choose_device, choose_dtype, keep_freed_memory, set_threads
from crl_learning.metrics import Curves, Means
from crl_learning.outputs import require_no_run, writable_folder
from crl_learning.provenance import git_commit
from crl_learning.snapshot import Progress, load_snapshot, save_snapshot
from crl_learning.stable_crl import StableCrl
from crl_robot.errors import ConfigError, CrlError
from crl_robot.robots import robot, robot_of_data

ALGORITHMS: dict[str, type[StableCrl] | type[Gcbc]] = {"stable_crl": StableCrl, "gcbc": Gcbc}
VALIDATION_BATCHES = 4


class DivergenceError(CrlError, ArithmeticError):
    """The loss is no longer a finite number; names the last checkpoint from before."""


@dataclass(frozen=True)
class Result:
    """How a run ended: 'finished', 'minutes' (time limit) or 'stopped' (asked to), and its newest checkpoint."""

    reason: str
    progress: Progress
    checkpoint: Path


def learning_rate_factor(step: int, steps: int, warmup_steps: int, decay_part: float) -> float:
    """Of the step numbered from 0: a linear rise, 1, and a linear fall to 0 over the last ``decay_part`` of all."""
    rise = min(1.0, (step + 1) / (warmup_steps + 1))
    fall = min(1.0, (steps - step) / max(1.0, decay_part * steps))
    return min(rise, fall)


class Trainer:
    """One run. Everything random comes from one seeded CPU generator, so a resumed run continues the same draws."""

    def __init__(self, config: TrainConfig, data: TrajectoryData) -> None:
        self.config = config
        self.folder = Path(config.out).expanduser()
        set_threads(config.threads)
        keep_freed_memory()
        self._data = data
        self._device = choose_device(config.device)
        self._dtype = choose_dtype(config.precision, self._device)
        self._scale = ActionScale.from_actions(data.actions, _range_of(data, config.robot))
        algorithm = config.algorithm
        settings = BatchSettings(
            config.batch_size, algorithm.goals, algorithm.gamma, config.crop_pixels, config.crop_probability
        )
        self._batches = Batches(data, self._scale, settings, self._device)
        training, held_out = split_trajectories(len(data.lengths), config.validation, config.seed)
        self._training = transitions(data, training)
        self._held_out = transitions(data, held_out) if len(held_out) else None
        self._networks = self._build_networks()
        self._optimiser = torch.optim.Adam(self._networks.parameters(), lr=config.learning_rate, fused=True)
        self._generator = torch.Generator().manual_seed(config.seed)
        self._means = Means()
        self.progress = self._restore() if config.resume else self._start()

    @property
    def description(self) -> str:
        """How it is trained, in a few words."""
        precision = str(self._dtype).removeprefix("torch.")
        return f"{self.config.algorithm.name} on {self._device}, {precision}, {torch.get_num_threads()} threads"

    def run(
        self,
        on_log: Callable[[Progress, dict[str, float]], None] = lambda progress, values: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Result:
        """Train to the last step, the time limit, or until ``should_stop``, and save.

        Raises:
            DivergenceError: the loss is not finite; the last good checkpoint stays.
        """
        config, before = self.config, self.progress
        curves = Curves(self.folder, before.step)
        started, step, logged_at = time.monotonic(), before.step, (before.step, time.monotonic())
        reason = "finished"
        try:
            while step < config.steps:
                self._means.add(self._update(step))
                step += 1
                now = time.monotonic()
                self.progress = Progress(step, before.seconds + now - started)
                if step % config.log_every == 0 or step == config.steps:
                    speed = (step - logged_at[0]) / max(now - logged_at[1], 1e-9)
                    self._log(curves, on_log, {"steps_per_s": speed})
                    logged_at = (step, now)
                if self._held_out is not None and step % config.validate_every == 0:
                    curves.write(step, self.validate())
                if should_stop():
                    reason = "stopped"
                    break
                if config.minutes and self.progress.seconds >= 60 * config.minutes:
                    reason = "minutes"
                    break
                if step % config.checkpoint_every == 0 and step < config.steps:
                    self._save(curves)
            return Result(reason, self.progress, self._save(curves))
        finally:
            curves.close()

    def validate(self) -> dict[str, float]:
        """Metrics on the held-out trajectories, always of the same batches; changes nothing."""
        assert self._held_out is not None
        generator, means = torch.Generator().manual_seed(self.config.seed), Means()
        for _ in range(VALIDATION_BATCHES):
            batch = self._batches.draw(self._held_out, generator)
            with self._autocast():
                means.add(self._networks.validate(batch))
        return {f"held_out/{name}": value for name, value in means.take().items()}

    def _update(self, step: int) -> dict[str, torch.Tensor]:
        config = self.config
        factor = learning_rate_factor(step, config.steps, config.warmup_steps, config.decay_part)
        self._optimiser.param_groups[0]["lr"] = config.learning_rate * factor
        batch = self._batches.draw(self._training, self._generator)
        with self._autocast():
            loss, info = self._networks.loss(batch)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        return {"loss": loss.detach()} | info

    def _log(
        self, curves: Curves, on_log: Callable[[Progress, dict[str, float]], None], more: dict[str, float]
    ) -> None:
        values = self._checked_means() | more
        curves.write(self.progress.step, values)
        on_log(self.progress, values)

    def _checked_means(self) -> dict[str, float]:
        """The metrics since the last call. Raises DivergenceError."""
        values = self._means.take()
        for name, value in values.items():
            if not math.isfinite(value):
                raise self._divergence(name, value)
        return values

    def _require_finite_networks(self) -> None:
        """A step can end in broken weights although its loss was finite. Raises DivergenceError."""
        for name, weights in self._networks.named_parameters():
            if not torch.isfinite(weights).all():
                raise self._divergence(f"a weight of {name}", float("nan"))

    def _divergence(self, name: str, value: float) -> DivergenceError:
        link = self.folder / "checkpoint"
        last = f"the last good checkpoint is {link.resolve()}" if link.exists() else "no checkpoint was written yet"
        return DivergenceError(
            f"{name} is {value} at step {self.progress.step}, expected a finite number; {last}; "
            "train with a lower learning_rate or precision=fp32"
        )

    def _save(self, curves: Curves) -> Path:
        """Write snapshot and checkpoint of this step, and point the link at it."""
        self._require_finite_networks()
        leftover = self._checked_means()
        if leftover:
            curves.write(self.progress.step, leftover)
        step = self.progress.step
        save_snapshot(
            self.folder / "resume",
            self._networks,
            self._optimiser,
            self._generator,
            self.progress,
            asdict(self.config),
            self._data.fingerprint,
        )
        name = f"step_{step:07d}"
        save_checkpoint(self.folder / "checkpoints" / name, self._checkpoint())
        link = self.folder / "checkpoint.new"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("checkpoints", name))
        os.replace(link, self.folder / "checkpoint")  # noqa: PTH105 - replaces the old link in one step
        return self.folder / "checkpoints" / name

    def _checkpoint(self) -> Checkpoint:
        config, data = self.config, self._data
        provenance = {
            "settings": asdict(config),
            "data": {
                "source": data.source,
                "fingerprint": data.fingerprint,
                "trajectories": len(data.lengths),
                "observations": len(data.images),
                "gaps": data.gaps,
            },
            "action_statistics": action_statistics(data.actions),
            "git_commit": git_commit(),
            "torch": torch.__version__,
            "device": str(self._device),
            "precision": str(self._dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "seconds": round(self.progress.seconds, 1),
        }
        meta = CheckpointMeta(
            config.algorithm.name,
            config.network,
            data.image_spec,
            data.action_spec,
            data.labels,
            self._scale,
            self.progress.step,
            config.seed,
            provenance,
            self._data.robot,
        )
        critic = self._networks.critic
        return Checkpoint(meta, self._networks.policy.state_dict(), critic.state_dict() if critic else None)

    def _build_networks(self) -> StableCrl | Gcbc:
        config = self.config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            make = ALGORITHMS[config.algorithm.name]
            free = torch.from_numpy(self._scale.free)
            return make(self._data.image_spec.size, free, config.algorithm, config.network).to(self._device)

    def _autocast(self) -> torch.autocast:
        half = self._dtype == torch.bfloat16
        return torch.autocast(self._device.type, torch.bfloat16 if half else None, enabled=half)

    def _start(self) -> Progress:
        require_no_run(self.folder)
        writable_folder(self.folder)
        (self.folder / "settings.json").write_text(json.dumps(asdict(self.config), indent=2) + "\n")
        return Progress()

    def _restore(self) -> Progress:
        settings = asdict(self.config)
        fingerprint = self._data.fingerprint
        return load_snapshot(
            self.folder / "resume", self._networks, self._optimiser, self._generator, settings, fingerprint
        )


def _range_of(data: TrajectoryData, name: str) -> NDArray[np.float32]:
    """(7,) largest action of the robot that moved. Raises ConfigError when it is another than ``name`` says."""
    if name != "auto" and data.robot != robot(name).data_name:
        raise ConfigError(
            f"robot={name} expects data of '{robot(name).data_name}', {data.source} holds data of '{data.robot}'; use "
            "other data, or robot=auto"
        )
    known = robot_of_data(data.robot)
    return range_half(known.limits) if known else RANGE_HALF
