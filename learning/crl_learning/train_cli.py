"""crl-train: learn a goal-image policy from a trajectory store."""

from __future__ import annotations

import signal
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crl_robot.errors import ConfigError, CrlError
from crl_robot.resources import config_file

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as ProgressBar

    from crl_learning.config import TrainConfig
    from crl_learning.train import Result

USAGE = """usage: crl-train data=play.zarr out=runs/NAME [algorithm=stable_crl|gcbc|...] [steps=N] [seed=S] ...

Settings are given as key=value. They and their defaults:

"""
EXPLAINED = (
    *("image/over_shoulder", "network/small"),
    *("algorithm/stable_crl", "algorithm/gcbc", "algorithm/gciql", "algorithm/hiql"),
)
"""Files of configs/ that --help prints; the others set some of the same."""
SHOWN = ("bc_loss", "critic_loss", "accuracy", "action_error", "value")
BAR_WIDTH = 12
BESIDE_METRICS = 46
"""Characters of the progress line in front of the metrics: bar, steps, speed, time and the spaces between them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run crl-train; returns the exit code.

    0 finished or stopped on request, 2 refused or diverged, 130 interrupted before the first step.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if {"-h", "--help"} & set(words):
            print(USAGE + config_file("train.yaml").read_text())
            for name in EXPLAINED:
                print(config_file(f"{name}.yaml").read_text())
            print(_other_files())
            return 0
        from crl_learning.config import load_train_config

        train(load_train_config(words))
    except CrlError as error:
        print(f"crl-train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before the first step; from then on a signal saves
        print("crl-train: stopped", file=sys.stderr)
        return 130
    return 0


def _other_files() -> str:
    """Those of configs/ that are not printed, by what chooses them."""
    lines = ["Other files; docs/algorithms.md tells what they are for and where their values come from:"]
    for group in ("algorithm", "network", "image"):
        folder = config_file("train.yaml").parent / group
        names = sorted(file.stem for file in folder.glob("*.yaml") if f"{group}/{file.stem}" not in EXPLAINED)
        lines.append(textwrap.fill(" ".join(names), 100, initial_indent=f"{group}= ", subsequent_indent="    "))
    return "\n".join(lines)


def train(config: TrainConfig) -> Result:
    """Train as configured with a progress bar; SIGINT and SIGTERM save and end the run."""
    from rich.console import Console

    from crl_learning.machine import keep_freed_memory
    from crl_learning.store_data import load_data
    from crl_learning.train import Trainer

    _require_place(config)
    keep_freed_memory()
    data = load_data(config)
    trainer = Trainer(config, data)
    console = Console()
    where = " on the disk" if data.mapped else ""
    where += f" ({data.gaps} before a gap in time are left out)" if data.gaps else ""
    _say(console, f"{len(data.lengths)} trajectories, {len(data.images)} observations{where}, {trainer.description}")
    newest: dict[str, float] = {}
    with _progress_bar(console) as bar, _StopOnSignal() as stop:
        task = bar.add_task("", total=config.steps, completed=trainer.progress.step, speed=0.0, shown="")

        def on_log(progress: Any, values: dict[str, float]) -> None:
            newest.update(values)
            shown = fitting(metric_words(values), console.width - BESIDE_METRICS)
            bar.update(task, completed=progress.step, speed=values["steps_per_s"], shown=shown)

        result = trainer.run(on_log, stop.is_set)
    _say(console, "  ".join(metric_words(newest)))
    _say_how_it_ended(console, config, result)
    held_out = trainer.held_out_trajectories
    seen = data.image_spec is not None  # the signal is for whoever shows a goal image
    if config.calibrate and seen and result.reason != "stopped" and len(held_out) and trainer.has_estimate:
        from crl_learning.run_evaluation import calibrate_checkpoint_of

        ids = [data.episodes[trajectory] for trajectory in held_out]
        _say(console, calibrate_checkpoint_of(result.checkpoint, config.data, ids))
    return result


def metric_words(values: Mapping[str, float]) -> list[str]:
    """The metrics that are shown while training, each with its value."""
    return [f"{name} {values[name]:.3f}" for name in SHOWN if name in values]


def fitting(words: Sequence[str], room: int) -> str:
    """As many of the words, from the first, as fit whole into ``room`` characters."""
    line = ""
    for word in words:
        longer = f"{line}  {word}" if line else word
        if len(longer) > room:
            break
        line = longer
    return line


def _require_place(config: TrainConfig) -> None:
    """Refuse a folder that cannot take the run before all frames are read for nothing. Raises ConfigError."""
    from crl_learning.outputs import require_no_run, writable_folder

    folder = Path(config.out).expanduser()
    if not config.resume:
        require_no_run(folder)
    elif not (folder / "settings.json").is_file():
        raise ConfigError(f"{folder} holds no run to resume; leave resume=true out to start one there")
    writable_folder(config.out)


def _progress_bar(console: Console) -> ProgressBar:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as ProgressBar

    return ProgressBar(
        BarColumn(BAR_WIDTH),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]:.1f} steps/s"),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[shown]}"),
        console=console,
    )


def _say(console: Console, words: str) -> None:
    """A whole line: neither broken at the terminal's width, so that paths can be copied, nor coloured by guesses."""
    console.print(words, soft_wrap=True, markup=False, highlight=False)


def _say_how_it_ended(console: Console, config: TrainConfig, result: Result) -> None:
    step = result.progress.step
    _say(console, f"{step} steps in {result.progress.seconds / 60:.1f} min, checkpoint: {result.checkpoint}")
    if result.reason == "stopped":
        _say(console, "Stopped as asked. Continue with the same command and resume=true.")
    if result.reason == "minutes":
        _say(
            console,
            f"The limit of {config.minutes:g} min came before step {config.steps}: the learning rate has not come down "
            f"to 0. Set steps={step} to let it, or continue with a higher limit and resume=true.",
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
