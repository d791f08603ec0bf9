"""The demo's pictures: one page that is understood at a glance, and a video of camera, goal and estimate over time."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from crl_learning.demo_series import DemoSeries
from crl_learning.demo_verdict import ESTIMATE_AT_GOAL
from crl_robot.video import write_video

GREEN, RED, BLUE, ORANGE, GREY, BLACK = "#2a8c4a", "#c0392b", "#1f5fa8", "#d9822b", "#666666", "#000000"
FACT_CHARACTERS = 58
"""Characters of 9 points that fit between a fact's name and the edge of the page."""
VIDEO_SIZE_IN, VIDEO_DPI = (9.6, 6.4), 100

Points = Sequence[tuple[float, float]]


def write_summary_png(path: Path, series: DemoSeries, report: dict[str, Any]) -> None:
    """One page: the outcome in words, start, goal and final image, distance and estimate over time, timing."""
    figure = Figure(figsize=(11.0, 8.5), dpi=110, layout="constrained")
    grid = figure.add_gridspec(4, 6, height_ratios=(0.34, 2.5, 2.0, 1.5), hspace=0.08)
    _headline(figure.add_subplot(grid[0, :]), report)
    images = (("Start", series.image(0)), ("Goal image", series.goal), ("End", series.image(-1)))
    for column, (title, image) in enumerate(images):
        axes = figure.add_subplot(grid[1, 2 * column : 2 * column + 2])
        _show(axes, image, title)
        if title == "Goal image":
            axes.spines[:].set(visible=True, color=ORANGE, linewidth=3)
    _distance_curve(figure.add_subplot(grid[2, :3]), series)
    _estimate_curve(figure.add_subplot(grid[2, 3:]), series.estimate, _seconds(series))
    _timing_curve(figure.add_subplot(grid[3, :3]), series)
    _facts(figure.add_subplot(grid[3, 3:]), report)
    FigureCanvasAgg(figure).print_png(str(path))


def write_demo_video(path: Path, series: DemoSeries) -> None:
    """H.264 at the camera's own rate: camera beside goal, below them the curves growing with time."""
    stamps = np.array([seconds for seconds, _ in series.frames])
    fps = float(np.clip(1.0 / np.median(np.diff(stamps)), 1.0, 60.0)) if len(stamps) > 1 else 30.0
    write_video(path, _video_frames(series, stamps, fps), round(fps, 1))


def _video_frames(series: DemoSeries, stamps: NDArray[np.float64], fps: float) -> Iterator[NDArray[np.uint8]]:
    """Every 1/fps s the newest frame at that time, so that a lost frame shows as a pause and not as a jump in time."""
    page, camera, curves = _video_page(series)
    for seconds in np.arange(stamps[0], stamps[-1] + 0.5 / fps, 1.0 / fps):
        index = max(0, int(np.searchsorted(stamps, seconds + 1e-6)) - 1)
        image = page.copy()
        x, y, width, height = camera
        image[y : y + height, x : x + width] = cv2.resize(series.image(index), (width, height))
        for pixels, times, colour in curves:
            shown = pixels[times <= seconds]
            cv2.polylines(image, [shown[:, None]], False, colour, 2, cv2.LINE_AA, 4)
            if len(shown):
                cv2.circle(image, shown[-1].tolist(), 5 << 4, colour, -1, cv2.LINE_AA, 4)
        yield image


Curve = tuple[NDArray[np.int32], NDArray[np.float64], tuple[int, int, int]]


def _video_page(series: DemoSeries) -> tuple[NDArray[np.uint8], tuple[int, int, int, int], list[Curve]]:
    """The page without its moving parts; where the camera image goes (x, y, w, h); the curves in 1/16 pixels."""
    figure = Figure(figsize=VIDEO_SIZE_IN, dpi=VIDEO_DPI)
    canvas = FigureCanvasAgg(figure)
    camera_axes = figure.add_axes((0.01, 0.38, 0.485, 0.55))
    _show(camera_axes, series.image(0), "Camera, live")
    _show(figure.add_axes((0.505, 0.38, 0.485, 0.55)), series.goal, "Goal image")
    plots: list[tuple[Axes, Points, str]] = []
    end = _seconds(series)
    distance = [(seconds, 100 * metres) for seconds, metres in series.distance()]
    estimate_box = (0.57, 0.1, 0.41, 0.2) if distance else (0.08, 0.1, 0.9, 0.2)
    axes = figure.add_axes(estimate_box)
    _estimate_axes(axes, series.estimate, end)
    plots.append((axes, series.estimate, BLUE))
    if distance:
        axes = figure.add_axes((0.08, 0.1, 0.41, 0.2))
        _distance_axes(axes, distance, series.tolerance_m, end)
        plots.append((axes, distance, GREEN))
    canvas.draw()
    page = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    box = camera_axes.get_window_extent()
    rows = page.shape[0]
    camera = (round(box.x0), round(rows - box.y1), round(box.width), round(box.height))
    return page, camera, [_curve(axes, points, colour, rows) for axes, points, colour in plots if points]


def _curve(axes: Axes, points: Points, colour: str, rows: int) -> Curve:
    pixels = axes.transData.transform(np.asarray(points, dtype=np.float64))
    pixels[:, 1] = rows - pixels[:, 1]
    rgb = tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return np.round(pixels * 16).astype(np.int32), np.array([t for t, _ in points]), (rgb[0], rgb[1], rgb[2])


def _seconds(series: DemoSeries) -> float:
    return max((seconds for seconds, _ in (*series.frames, *series.estimate, *series.truth)), default=1.0)


def _headline(axes: Axes, report: dict[str, Any]) -> None:
    axes.axis("off")
    words = str(report["headline"])
    centimetres = report["final_distance_cm"]
    if centimetres is not None:
        words += f": {centimetres:.1f} cm from it"
    words += f" after {report['seconds']:.1f} s and {report['steps']} steps"
    measured = GREEN if report["reached"] else RED
    colour = GREY if report["reached_by"].startswith("critic") else measured
    axes.text(
        0.5, 0.5, words, ha="center", va="center", size=20 if len(words) < 60 else 16, weight="bold", color=colour
    )


def _show(axes: Axes, image: NDArray[np.uint8], title: str) -> None:
    axes.imshow(image, interpolation="bilinear")
    axes.set_title(title, fontsize=12)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(visible=False)


def _plot_axes(axes: Axes, title: str, end: float) -> None:
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlabel("seconds", fontsize=9)
    axes.set_xlim(0.0, max(end, 0.1))
    axes.tick_params(labelsize=9)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set(visible=False)


def _distance_axes(axes: Axes, centimetres: Points, tolerance_m: float, end: float) -> None:
    _plot_axes(axes, "Distance to the goal (cm)", end)
    axes.set_ylim(0.0, 1.1 * max((*(value for _, value in centimetres), 200 * tolerance_m)))
    axes.axhspan(0.0, 100 * tolerance_m, color=GREEN, alpha=0.15, lw=0)
    axes.text(
        end, 100 * tolerance_m, f"reached: {100 * tolerance_m:.1f} cm ", ha="right", va="bottom", color=GREEN, size=9
    )


def _distance_curve(axes: Axes, series: DemoSeries) -> None:
    centimetres = [(seconds, 100 * metres) for seconds, metres in series.distance()]
    if not centimetres:
        axes.axis("off")
        axes.text(0.5, 0.5, "Distance unknown: the goal image is your own", ha="center", va="center", color=GREY)
        return
    _distance_axes(axes, centimetres, series.tolerance_m, _seconds(series))
    axes.plot(*zip(*centimetres, strict=True), color=GREEN, lw=2)


def _estimate_axes(axes: Axes, estimate: Points, end: float) -> None:
    _plot_axes(axes, "Critic's estimate", end)
    axes.set_title("log-odds: noisy, may exceed 0, no distance", fontsize=8, loc="right", color=GREY)
    values = [value for _, value in estimate] or [0.0]
    low, high = min(*values, ESTIMATE_AT_GOAL), max(*values, 0.0)
    axes.set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
    axes.axhline(0.0, color=GREY, lw=1, ls="--")


def _estimate_curve(axes: Axes, estimate: Points, end: float) -> None:
    _estimate_axes(axes, estimate, end)
    if estimate:
        axes.plot(*zip(*estimate, strict=True), color=BLUE, lw=2, marker=".", ms=5)


def _timing_curve(axes: Axes, series: DemoSeries) -> None:
    _plot_axes(axes, "Timing of each control tick (ms)", _seconds(series))
    seconds = [t for t, _ in series.timing]
    for name, colour, label in (("age_ms", ORANGE, "camera image's age"), ("lateness_ms", BLUE, "tick late by")):
        axes.plot(seconds, series.timing_ms(name), color=colour, marker=".", ms=5, lw=1, label=label)
    axes.set_ylim(0.0, 1.3 * axes.get_ylim()[1])
    axes.legend(fontsize=9, frameon=False, ncols=2, loc="upper right")


def _facts(axes: Axes, report: dict[str, Any]) -> None:
    axes.axis("off")

    def at(name: str) -> str:
        got = report[name]
        return f"{got['p50']:.1f} ms, 99 %: {got['p99']:.1f} ms, max {got['max']:.1f} ms" if got else "not measured"

    rate = report["rate_hz"]
    facts = {
        "control rate": f"{rate:.2f} Hz" if rate else "not measured",
        "tick late by": at("lateness_ms"),
        "image's age": at("age_ms"),
        "lost frames": f"{report['dropped_frames']} of {report['frames'] + report['dropped_frames']}",
        "decided by": report["reached_by"],
        "checkpoint": str(report.get("checkpoint", "")),
        "goal": str(report.get("goal", "")),
    }
    lines = [(name, textwrap.wrap(str(value), FACT_CHARACTERS) or [""]) for name, value in facts.items()]
    height, row = 1.0 / sum(len(wrapped) for _, wrapped in lines), 0
    for name, wrapped in lines:
        y = 1.0 - row * height
        _fact(axes, 0.0, y, name, GREY)
        _fact(axes, 0.23, y, "\n".join(wrapped), BLACK)
        row += len(wrapped)


def _fact(axes: Axes, x: float, y: float, words: str, colour: str) -> None:
    """Text that the layout does not make room for: a long one would shrink all pictures."""
    axes.text(x, y, words, size=9, color=colour, va="top", transform=axes.transAxes).set_in_layout(False)
