"""Panels and figures that the pictures of a store share.

matplotlib is imported when something is drawn, and its figures are used without a screen or global state.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crl_data.words import not_written
from crl_robot.errors import StoreError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 60
BOX = 0.8
"""Height of a panel over its width."""
_CELL_M = 0.01
"""Side of the squares of a map, or a multiple of it where there would be more than BINS."""
_TICKS = [step * 10**power for power in range(7) for step in (1, 3)]


def draw_map(axes: Axes, tracks: list[NDArray[np.float64]], plane: tuple[int, int], title: str, what: str) -> None:
    """Density of positions in two of x, y, z; from above, y runs to the left as for someone behind the arm."""
    if not tracks:
        say_nothing(axes, title, f"no {what} poses in this store")
        return
    from matplotlib.colors import LogNorm

    points = np.concatenate(tracks)[:, plane]
    side = _CELL_M * max(1, math.ceil(float(np.ptp(points, axis=0).max()) / _CELL_M / BINS))
    low, high = (np.floor(points.min(axis=0) / side) - 1) * side, (np.ceil(points.max(axis=0) / side) + 1) * side
    edges = [np.arange(start, stop + side / 2, side) for start, stop in zip(low, high, strict=True)]
    counts = axes.hist2d(*points.T, bins=edges, cmin=1, norm=LogNorm(vmin=1), cmap="viridis")  # type: ignore[arg-type]
    most = int(np.nanmax(counts[0]))
    ticks = [tick for tick in _TICKS if tick < 0.7 * most] + [most]
    axes.figure.colorbar(counts[3], ax=axes, ticks=ticks, format="%d", shrink=0.9).ax.minorticks_off()
    axes.set_title(f"{title}, steps in squares of {side * 100:.0f} cm")
    draw_plane(axes, plane)


def draw_plane(axes: Axes, plane: tuple[int, int]) -> None:
    """Equal scales inside a box of one shape, so that the panels line up."""
    axes.set(xlabel=f"{'xyz'[plane[0]]} (m)", ylabel=f"{'xyz'[plane[1]]} (m)", facecolor="#f4f4f4")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_box_aspect(BOX)
    axes.locator_params(nbins=6)
    if plane[0] == 1:
        axes.invert_xaxis()


def say_nothing(axes: Axes, title: str, reason: str) -> None:
    """A panel that says why it is empty."""
    axes.set_title(title)
    axes.text(0.5, 0.5, reason, ha="center", va="center", color="#8a8f98", transform=axes.transAxes)
    axes.set_axis_off()


def new_figure(grid: tuple[int, int], inches: tuple[float, float], title: str) -> tuple[Any, list[Axes]]:
    """A figure of so many rows and columns, without a screen, and its panels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=13)
    return figure, list(figure.subplots(*grid).ravel())


def save_figure(figure: Any, path: Path) -> Path:
    """Write a figure; returns its path. Raises StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise StoreError(f"{not_written(path, error)} with --png") from error
    return path
