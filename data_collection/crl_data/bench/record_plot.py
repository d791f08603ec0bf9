"""The plot of `crl-bench record`: memory and processor share of each process over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crl_data.bench.process_usage import Usage, cpu_shares


def plot_usage(path: Path, usage: Mapping[str, Sequence[Usage]]) -> None:
    """Write a PNG with one line for each process, memory above and processor share below."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    memory, share = figure.subplots(2, 1, sharex=True)
    for name, samples in usage.items():
        seconds = [s.time_s - samples[0].time_s for s in samples]
        memory.plot(seconds, [s.memory_mb for s in samples], label=name)
        share.plot(seconds[1:], cpu_shares(list(samples)), label=name)
    memory.set_ylabel("own memory, MB")
    share.set_ylabel("processor, cores")
    share.set_xlabel("s")
    memory.legend()
    for axes in (memory, share):
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
