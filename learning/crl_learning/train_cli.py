"""crl-train: learn a goal-image policy from a trajectory store."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crl_robot.errors import CrlError
from crl_robot.resources import config_file

if TYPE_CHECKING:
    from crl_learning.config import TrainConfig
    from crl_learning.train import Result

USAGE = """usage: crl-train data=play.zarr out=runs/NAME [algorithm=stable_crl|gcbc] [steps=N] [seed=S] ...

Settings are given as key=value. They and their defaults:

"""
SHOWN = ("bc_loss", "action_error", "critic_loss", "accuracy", "value")


def main(argv: Sequence[str] | None = None) -> int:
    """Run crl-train; returns the exit code: 0 finished or stopped on request, 2 refused or diverged."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if {"-h", "--help"} & set(words):
            print(USAGE + config_file("train.yaml").read_text())
            for name in ("stable_crl", "gcbc"):
                print(config_file(f"algorithm/{name}.yaml").read_text())
            return 0
        from crl_learning.config import load_train_config

        train(load_train_config(words))
    except CrlError as error:
        print(f"crl-train: {error}", file=sys.stderr)
        return 2
    return 0


def train(config: TrainConfig) -> Result:
    """Train as configured with a progress bar; SIGINT and SIGTERM save and end the run."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from crl_learning.dataset import frame_cache, load_store
    from crl_learning.machine import keep_freed_memory
    from crl_learning.train import Trainer

    keep_freed_memory()
    data = load_store(config.data, config.image.spec(), config.labels, frame_cache(config.cache, config.cache_gb))
    trainer = Trainer(config, data)
    console = Console()
    where = " on the disk" if data.mapped else ""
    where += f" ({data.gaps} before a gap in time are left out)" if data.gaps else ""
    console.print(f"{len(data.lengths)} trajectories, {len(data.images)} observations{where}, {trainer.description}")
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]:.1f} steps/s"),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[shown]}"),
    )
    with Progress(*columns, console=console) as bar, _StopOnSignal() as stop:
        task = bar.add_task("", total=config.steps, completed=trainer.progress.step, speed=0.0, shown="")

        def on_log(progress: Any, values: dict[str, float]) -> None:
            shown = "  ".join(f"{name} {values[name]:.3f}" for name in SHOWN if name in values)
            bar.update(task, completed=progress.step, speed=values["steps_per_s"], shown=shown)

        result = trainer.run(on_log, stop.is_set)
    _say_how_it_ended(console, config, result)
    return result


def _say_how_it_ended(console: Any, config: TrainConfig, result: Result) -> None:
    step = result.progress.step
    console.print(f"{step} steps in {result.progress.seconds / 60:.1f} min, checkpoint: {result.checkpoint}")
    if result.reason == "stopped":
        console.print("Stopped as asked. Continue with the same command and resume=true.")
    if result.reason == "minutes":
        console.print(
            f"The limit of {config.minutes:g} min came before step {config.steps}: the learning rate has not come down "
            f"to 0. Set steps={step} to let it, or continue with a higher limit and resume=true."
        )


class _StopOnSignal:
    """Remembers SIGINT and SIGTERM instead of dying of them; a second one ends the process as usual."""

    def __init__(self) -> None:
        self._asked = False
        self._before: dict[int, Any] = {}

    def is_set(self) -> bool:
        return self._asked

    def __enter__(self) -> _StopOnSignal:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, frame: object) -> None:
        self._asked = True
        for seen, handler in self._before.items():
            signal.signal(seen, handler)


if __name__ == "__main__":
    sys.exit(main())
