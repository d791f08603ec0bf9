"""Pictures of what a store holds: where tool and object went, and how the actions are spread.

matplotlib is imported here only, and its figures are used without a screen or global state.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import TRUTH_ARRAY
from crl_data.looking.survey import Survey
from crl_data.words import not_written
from crl_robot.contracts import ACTION_NAMES
from crl_robot.errors import StoreError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 60
_COLOURS = {"commanded": "#1f5fa8", "achieved": "#d9772b"}
_LENGTH_BINS = 30
_CELL_M = 0.01
"""Side of the squares of a map, or a multiple of it where there would be more than _BINS."""
_TICKS = [step * 10**power for power in range(7) for step in (1, 3)]
_BOX = 0.8
"""Height of a panel over its width."""


def write_pictures(survey: Survey, folder: Path) -> list[Path]:
    """Write coverage.png and actions.png of a store with episodes; returns their paths. Raises StoreError."""
    return [_coverage(survey, folder / "coverage.png"), _actions(survey, folder / "actions.png")]


def _coverage(survey: Survey, path: Path) -> Path:
    figure, axes = _figure((2, 3), (15.5, 8.4), f"{survey.store.path.name}: {len(survey.scans)} episodes, base frame")
    tool, thing = (_positions(survey, name) for name in ("tool_measured", TRUTH_ARRAY))
    _map(axes[0], tool, (1, 0), "tool from above", "tool")
    _map(axes[1], tool, (0, 2), "tool from the side", "tool")
    _map(axes[2], thing, (1, 0), "object from above", "object")
    _starts(axes[3], tool, thing)
    _gripper(axes[4], survey)
    _lengths(axes[5], survey)
    return _save(figure, path)


def _actions(survey: Survey, path: Path) -> Path:
    figure, axes = _figure((2, 4), (14.5, 6.8), f"{survey.store.path.name}: actions per control tick")
    labels = survey.store.spec.labels
    columns = {label: np.concatenate(survey.all(f"action_{label}")) for label in labels}
    for index, name in enumerate(ACTION_NAMES):
        _histogram(axes[index], {label: values[:, index] for label, values in columns.items()})
        unit = "m" if index < 3 else "rad" if index < 6 else "0 closed .. 1 open"
        axes[index].set(title=f"{name} ({unit})", yscale="log", ylabel="ticks" if index % 4 == 0 else "")
    lengths = {label: np.linalg.norm(values[:, :3], axis=1) for label, values in columns.items()}
    _histogram(axes[7], lengths)
    axes[7].set(title="length of the move (m)", yscale="log")
    axes[7].legend(fontsize=9)
    return _save(figure, path)


def _map(axes: Axes, tracks: list[NDArray[np.float64]], plane: tuple[int, int], title: str, what: str) -> None:
    """Density of positions in two of x, y, z; from above, y runs to the left as for someone behind the arm."""
    if not tracks:
        _nothing(axes, title, f"no {what} poses in this store")
        return
    from matplotlib.colors import LogNorm

    points = np.concatenate(tracks)[:, plane]
    side = _CELL_M * max(1, math.ceil(float(np.ptp(points, axis=0).max()) / _CELL_M / _BINS))
    low, high = (np.floor(points.min(axis=0) / side) - 1) * side, (np.ceil(points.max(axis=0) / side) + 1) * side
    edges = [np.arange(start, stop + side / 2, side) for start, stop in zip(low, high, strict=True)]
    counts = axes.hist2d(*points.T, bins=edges, cmin=1, norm=LogNorm(vmin=1), cmap="viridis")  # type: ignore[arg-type]
    most = int(np.nanmax(counts[0]))
    ticks = [tick for tick in _TICKS if tick < 0.7 * most] + [most]
    axes.figure.colorbar(counts[3], ax=axes, ticks=ticks, format="%d", shrink=0.9).ax.minorticks_off()
    axes.set_title(f"{title}, steps in squares of {side * 100:.0f} cm")
    _plane(axes, plane)


def _plane(axes: Axes, plane: tuple[int, int]) -> None:
    """Equal scales inside a box of one shape, so that the panels line up."""
    axes.set(xlabel=f"{'xyz'[plane[0]]} (m)", ylabel=f"{'xyz'[plane[1]]} (m)", facecolor="#f4f4f4")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_box_aspect(_BOX)
    axes.locator_params(nbins=6)
    if plane[0] == 1:
        axes.invert_xaxis()


def _starts(axes: Axes, tool: list[NDArray[np.float64]], thing: list[NDArray[np.float64]]) -> None:
    title = "where episodes start, from above"
    if not tool and not thing:
        _nothing(axes, title, "no poses in this store")
        return
    for tracks, colour, marker, name in ((thing, "#c0392b", "s", "object"), (tool, "#1f5fa8", "o", "tool")):
        if tracks:
            first = np.array([track[0] for track in tracks])
            axes.scatter(first[:, 1], first[:, 0], s=22, c=colour, marker=marker, alpha=0.6, label=name, lw=0)
    axes.set_title(title)
    axes.margins(0.15)
    axes.grid(alpha=0.3)
    _plane(axes, (1, 0))
    axes.legend(fontsize=9)


def _gripper(axes: Axes, survey: Survey) -> None:
    """Opening over the share of the episode, as quantiles over episodes."""
    tracks = [track for track in survey.all("gripper") if len(track)]
    title = "gripper over the episode"
    if not tracks:
        _nothing(axes, title, "no measured gripper in this store")
        return
    share = np.linspace(0, 1, 101)
    curves = np.array([np.interp(share, np.linspace(0, 1, len(track)), track) for track in tracks])
    for low, high, alpha, name in ((0, 100, 0.15, "all episodes"), (25, 75, 0.35, "the middle half")):
        band = np.percentile(curves, [low, high], axis=0)
        axes.fill_between(share * 100, *band, color="#1f5fa8", alpha=alpha, lw=0, label=name)
    axes.plot(share * 100, np.median(curves, axis=0), color="#1f5fa8", label="median")
    axes.set(title=title, xlabel="share of the episode (%)", ylabel="0 closed .. 1 open", ylim=(-0.05, 1.05))
    axes.set_box_aspect(_BOX)
    axes.legend(fontsize=9)


def _lengths(axes: Axes, survey: Survey) -> None:
    steps = np.array([meta.steps for meta in survey.metas])
    groups = {"success": True, "failure": False, "unmarked": None}
    split = {name: steps[[meta.success is mark for meta in survey.metas]] for name, mark in groups.items()}
    shown = {name: values for name, values in split.items() if len(values)}
    colours = {"success": "#2e8b57", "failure": "#c0392b", "unmarked": "#8a8f98"}
    width = max(1, math.ceil((int(np.ptp(steps)) + 1) / _LENGTH_BINS))
    edges = np.arange(steps.min() - 0.5, steps.max() + width + 0.5, width)
    colour = [colours[name] for name in shown]
    axes.hist(list(shown.values()), bins=edges.tolist(), stacked=True, color=colour, label=list(shown))
    middle, half = (edges[0] + edges[-1]) / 2, max(5.0, 0.55 * (edges[-1] - edges[0]))
    axes.set(title="length of the episodes", xlabel="steps", ylabel="episodes", xlim=(middle - half, middle + half))
    axes.locator_params(integer=True)
    axes.set_box_aspect(_BOX)
    axes.legend(fontsize=9)


def _histogram(axes: Axes, columns: dict[str, NDArray[np.float32]]) -> None:
    joined = np.concatenate(list(columns.values()))
    low, high = float(joined.min()), float(joined.max())
    edges = np.linspace(low, high, _BINS + 1) if high - low > 1e-6 else np.linspace(low - 0.01, high + 0.01, _BINS + 1)
    for label, values in columns.items():
        kind = "stepfilled" if label == "commanded" else "step"
        alpha = 0.5 if label == "commanded" else 1.0
        axes.hist(values, bins=edges.tolist(), color=_COLOURS[label], label=label, histtype=kind, alpha=alpha, lw=1.5)
    axes.axvline(0, color="black", lw=0.5, alpha=0.5)


def _positions(survey: Survey, name: str) -> list[NDArray[np.float64]]:
    return [track[:, :3] for track in survey.all(name) if len(track)]


def _nothing(axes: Axes, title: str, reason: str) -> None:
    axes.set_title(title)
    axes.text(0.5, 0.5, reason, ha="center", va="center", color="#8a8f98", transform=axes.transAxes)
    axes.set_axis_off()


def _figure(grid: tuple[int, int], inches: tuple[float, float], title: str) -> tuple[Any, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=13)
    return figure, list(figure.subplots(*grid).ravel())


def _save(figure: Any, path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise StoreError(f"{not_written(path, error)} with --png") from error
    return path
