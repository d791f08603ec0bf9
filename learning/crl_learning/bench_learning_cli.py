"""crl-bench train and crl-bench sample: their flags and what they show."""

from __future__ import annotations

import argparse
from typing import Any

SHAPE_NAMES = ("paper", "small")
TRAIN_ROWS = {
    "ms_per_step": ("ms per step", ".1f"),
    "steps_per_s": ("steps/s", ".2f"),
    "samples_per_s": ("samples/s", ".0f"),
    "tflops": ("TFLOP/s", ".3f"),
    "matmul_tflops": ("TFLOP/s of matrix products", ".3f"),
    "fraction_of_matmul": ("part of it", ".2f"),
    "peak_memory_bytes": ("peak memory, bytes", ".3g"),
    "eager_fp32_ms_per_step": ("plain eager fp32, ms", ".1f"),
    "ratio_to_eager_fp32": ("times as fast", ".2f"),
    "eager_fp32_ms_at_batch_256": ("plain at batch 256, ms", ".1f"),
}
SAMPLE_ROWS = {
    "ms_per_batch": ("ms per batch", ".2f"),
    "samples_per_s": ("samples/s", ".0f"),
    "ms_to_copy_as_many_bytes": ("ms to copy as many bytes", ".2f"),
    "numpy_ms_per_batch": ("NumPy sampler, ms", ".1f"),
    "ratio_to_numpy": ("times as fast", ".1f"),
    "observation_bytes": ("bytes of all observations", ".3g"),
    "peak_memory_bytes": ("peak memory, bytes", ".3g"),
}


def add_parsers(benches: Any) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Add both to the sub-parsers of crl-bench."""
    train = benches.add_parser("train", help="training steps beside plain eager float32 and large matrix products")
    sample = benches.add_parser("sample", help="drawing batches beside a plain NumPy sampler")
    for bench, seconds, work in ((train, 20.0, run_train), (sample, 5.0, run_sample)):
        bench.add_argument(
            "--shape", choices=SHAPE_NAMES, action="append", help="paper (48 px, 2048, td) or small; default both"
        )
        bench.add_argument("--seconds", type=float, default=seconds, help=f"for each part (default {seconds:g})")
        bench.add_argument("--batch", type=int, default=0, help="samples of a batch (default that of the shape)")
        bench.add_argument("--observations", type=int, default=20_000, help="images to draw from (default 20000)")
        bench.add_argument("--seed", type=int, default=0, help="of data and batches (default 0)")
        bench.add_argument("settings", nargs="*", metavar="key=value", help="settings of crl-train, as threads=1")
        bench.set_defaults(measure=work)
    return train, sample


def run_train(options: argparse.Namespace) -> dict[str, Any]:
    """Measure training steps; show a table of the shapes."""
    from crl_learning.bench_train import TrainBench, run

    return _measured(options, run, TrainBench, "training step", TRAIN_ROWS)


def run_sample(options: argparse.Namespace) -> dict[str, Any]:
    """Measure batches; show a table of the shapes."""
    from crl_learning.bench_sample import SampleBench, run

    return _measured(options, run, SampleBench, "batches", SAMPLE_ROWS)


def _measured(
    options: argparse.Namespace, run: Any, kind: Any, title: str, rows: dict[str, tuple[str, str]]
) -> dict[str, Any]:
    """The facts of the first shape, and those of each under ``shapes``."""
    from rich.console import Console

    console = Console()
    found: dict[str, dict[str, Any]] = {}
    with console.status("") as status:
        asked = tuple(dict.fromkeys(options.shape or SHAPE_NAMES))
        for shape in sorted(asked, key=SHAPE_NAMES.index, reverse=True):  # a process keeps the peak of the largest
            bench = kind(
                shape, options.seconds, options.observations, options.batch, options.seed, tuple(options.settings)
            )
            found[shape] = run(bench, status.update)
    found = {shape: found[shape] for shape in asked}
    console.print(shapes_table(title, found, rows))
    return {**next(iter(found.values())), "shapes": found}


def shapes_table(title: str, found: dict[str, dict[str, Any]], rows: dict[str, tuple[str, str]]) -> Any:
    """One column a shape."""
    from rich.table import Table

    table = Table("", title=title, title_justify="left")
    for shape, facts in found.items():
        size, precision = facts["batch_size"], facts.get("precision", "")
        table.add_column(f"{shape}, batch {size} {precision}".strip(), justify="right")
    for key, (words, form) in rows.items():
        table.add_row(words, *(format(facts[key], form) for facts in found.values()))
    return table
