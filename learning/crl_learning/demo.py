"""`crl-demo`: a goal image goes in, the simulated arm moves there over ROS 2, pictures and facts come out.

Nothing here needs torch: the policy runs in its own process.
"""

from __future__ import annotations

import json
import logging
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from crl_learning.assets import checkpoint_folder
from crl_learning.demo_series import DemoSeries
from crl_learning.demo_words import outcome_lines, shown, status_line
from crl_learning.outputs import writable_folder
from crl_learning.runtime.settings import UNATTENDED
from crl_robot.errors import CheckpointError, ConfigError, CrlError, GoalImageError, nearest
from crl_robot.goal_image import load_goal_image
from crl_robot.graph import Graph, GraphError, NodeCommand

USAGE = """\
usage: crl-demo [goal=FILE] [task=reach] [checkpoint=FOLDER] [out=out/demo] [seed=20261] [timeout=40]

Starts the simulated arm and the policy as ROS 2 nodes, gives the policy one goal image and records what happens.

  goal        image of what you want; without it one is rendered from an episode drawn with the seed
  task        reach or push: how the simulated scene starts
  checkpoint  folder of the policy; models/TASK when not given
  out         folder that gets demo.mp4, summary.png, report.json, data.csv, goal.png and log/; an earlier demo
              in it is replaced
  seed        draws the start, and the goal when none is given
  timeout     seconds after which the goal counts as not reached

Exit code: 0 reached, 1 not reached or something failed, 2 bad input. With a goal of your own nothing measures the
distance: 0 then means that the critic believes it is reached and the camera's picture confirms it.
"""
PATIENCE_S = 10.0
SETTLE_S = 0.6
CAMERA = "over_shoulder"
RESULTS = ("report.json", "data.csv", "summary.png", "demo.mp4")


@dataclass(frozen=True)
class DemoOptions:
    """What the user may set; see USAGE."""

    goal: str = ""
    task: str = "reach"
    checkpoint: str = ""
    out: str = "out/demo"
    seed: int = 20261
    timeout: float = 40.0

    def __post_init__(self) -> None:
        if self.seed < 0 or not 0 < self.timeout <= 3600:
            raise ConfigError(
                f"seed={self.seed} timeout={self.timeout}, expected a seed of at least 0 and a timeout of up to 3600 s"
            )


def parse(arguments: Sequence[str]) -> DemoOptions:
    """``key=value`` arguments -> options; an empty value keeps the default. Raises ConfigError."""
    types: dict[str, Any] = {f.name: type(f.default) for f in fields(DemoOptions)}
    values: dict[str, Any] = {}
    for argument in arguments:
        key, equals, text = argument.partition("=")
        if key not in types or not equals:
            raise ConfigError(f"got '{argument}', expected key=value; {nearest(key, types)}")
        try:
            if text:
                values[key] = types[key](text)
        except ValueError as error:
            raise ConfigError(f"{key}={text} is not usable, expected a value like {key}=7") from error
    return DemoOptions(**values)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `crl-demo`; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    console = Console(stderr=True, highlight=False)
    if {"-h", "--help", "help"} & set(given):
        sys.stdout.write(USAGE)
        return 0
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _leave)  # the default would orphan the nodes
    try:
        return _demo(parse(given), console, "crl-demo " + shlex.join(given))
    except GraphError as error:
        console.print(f"crl-demo: {error}", style="red", markup=False, soft_wrap=True)
        return 2 if error.exit_code == 2 else 1
    except (ConfigError, GoalImageError, CheckpointError) as error:
        console.print(f"crl-demo: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    except CrlError as error:
        console.print(f"crl-demo: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _demo(options: DemoOptions, console: Console, command: str) -> int:
    out = writable_folder(options.out).absolute()
    series, goal_file = _goal(options, out, console)
    checkpoint = checkpoint_folder(options.checkpoint or f"models/{options.task}")
    if not checkpoint.is_dir():
        raise CheckpointError(
            f"no checkpoint folder at {checkpoint}, expected one; name another with checkpoint=FOLDER"
        )
    _clear(out, console)
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
    ) as progress:
        _run(options, series, goal_file, checkpoint, out, progress)
        progress.add_task("writing pictures and video")
        facts = {"task": options.task, "seed": options.seed, "command": command.strip()}
        places = {"checkpoint": shown(checkpoint), "goal": shown(goal_file)}
        report = series.report() | places | facts
        _write(out, series, report)
    sys.stdout.write("\n".join(outcome_lines(report, out)) + "\n")
    return 0 if report["reached"] else 1


def _clear(out: Path, console: Console) -> None:
    """Delete the results of an earlier demo, so that none of them can be taken for those of this one."""
    old = [out / name for name in RESULTS if (out / name).is_file()]
    if old:
        console.print(f"note: replacing the demo in {shown(out)}", style="yellow", markup=False, soft_wrap=True)
    for file in old:
        file.unlink()


def _goal(options: DemoOptions, out: Path, console: Console) -> tuple[DemoSeries, Path]:
    """The user's goal, or one rendered from the episode that the simulation will start with."""
    from crl_robot.sim.tasks import get_task

    task = get_task(options.task)
    if options.goal:
        file = Path(options.goal).expanduser().absolute()
        goal = load_goal_image(file)
        for warning in goal.warnings:
            console.print(f"note: {warning}", style="yellow", markup=False, soft_wrap=True)
        return DemoSeries(goal.image, goal_is_ours=False, tolerance_m=task.tolerance_m), file
    file = out / "goal.png"
    render_goal_file(options.task, options.seed, file)
    return DemoSeries(load_goal_image(file).image, goal_is_ours=True, tolerance_m=task.tolerance_m), file


def render_goal_file(task: str, seed: int, file: Path) -> None:
    """Write the goal image of the episode that ``seed`` draws. Play never visits this pose except by chance."""
    from PIL import Image

    from crl_robot.sim.env import SimEnv

    with SimEnv(task, cameras=(CAMERA,)) as env:
        env.reset(np.random.default_rng(seed))
        Image.fromarray(env.goal_image(CAMERA)).save(file)


def demo_nodes(options: DemoOptions, goal_file: Path, checkpoint: Path) -> list[NodeCommand]:
    """The executables and parameter files that the launch files start, too."""
    sim = {"task": options.task, "episode_seed": options.seed, "cameras": [CAMERA]}
    policy = {"goal": str(goal_file), "checkpoint": str(checkpoint), "start_on_activate": False} | UNATTENDED
    return [
        NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml", sim),
        NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", policy),
    ]


def _run(
    options: DemoOptions, series: DemoSeries, goal_file: Path, checkpoint: Path, out: Path, progress: Progress
) -> None:
    """Fill ``series`` until the goal is reached or the time is over, then end the graph."""
    line = progress.add_task("starting the simulated arm and the policy")
    with Graph(demo_nodes(options, goal_file, checkpoint), out / "log") as graph:
        from crl_learning.nodes.demo_observer import DemoObserver

        with DemoObserver(series, CAMERA, graph.env, graph.check) as observer:

            def over() -> bool:
                progress.update(line, description=status_line(series))
                return series.reached() or observer.seconds() >= options.timeout

            observer.wait_until_ready()
            observer.start()
            observer.wait(over, options.timeout + PATIENCE_S, "end of the run")
            observer.stop()
            observer.wait_for(SETTLE_S)
    progress.remove_task(line)


def _write(out: Path, series: DemoSeries, report: dict[str, Any]) -> None:
    from crl_learning.demo_report import write_demo_video, write_summary_png

    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    series.write_csv(out / "data.csv")
    write_summary_png(out / "summary.png", series, report)
    write_demo_video(out / "demo.mp4", series)


if __name__ == "__main__":
    sys.exit(main())
