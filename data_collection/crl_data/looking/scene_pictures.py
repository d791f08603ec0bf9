"""The picture of a scene with several things: where each was, from above and from the side, and its drawers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crl_data.looking.drawing import draw_map, new_figure, save_figure
from crl_data.looking.scene import SceneTracks
from crl_data.looking.survey import Survey

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 40


def write_scene(survey: Survey, tracks: SceneTracks, path: Path) -> Path:
    """Write the picture of a store with tracks of several things; returns its path. Raises StoreError."""
    columns = len(tracks.objects) + 1
    title = f"{survey.store.path.name}: {len(survey.scans)} episodes, base frame"
    figure, axes = new_figure((2, columns), (5.2 * columns, 8.2), title)
    above, side = axes[:columns], axes[columns:]
    for index, (name, positions) in enumerate(tracks.objects.items()):
        draw_map(above[index], positions, (1, 0), f"{name} from above", name)
        draw_map(side[index], positions, (1, 2), f"{name} from the side", name)
    _drawers(above[-1], tracks)
    _fingers(side[-1], survey)
    return save_figure(figure, path)


def _drawers(axes: Axes, tracks: SceneTracks) -> None:
    axes.set(title="how far drawers are open", xlabel="m", ylabel="steps", yscale="log")
    for name, openings in tracks.slides.items():
        axes.hist(np.concatenate(openings), bins=_BINS, alpha=0.6, label=name)
    if tracks.slides:
        axes.legend(fontsize=9)


def _fingers(axes: Axes, survey: Survey) -> None:
    """Opening over the height of the tool: full fingers show as openings that are neither end."""
    tools, grippers = survey.joined("tool_measured"), survey.joined("gripper")
    axes.set(title="gripper over height", xlabel="0 closed .. 1 open", ylabel="z of the tool (m)")
    if tools is not None and grippers is not None:
        counts = axes.hist2d(grippers, tools[:, 2], bins=_BINS, cmin=1, norm="log", cmap="viridis")
        axes.figure.colorbar(counts[3], ax=axes, shrink=0.9)
