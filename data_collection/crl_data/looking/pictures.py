"""Pictures of what a store holds: where tool and object went, and how the actions are spread.

A scene with several things has a picture of its own, `crl_data.looking.scene_pictures`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import TRUTH_ARRAY
from crl_data.looking.drawing import BINS, BOX, draw_map, draw_plane, new_figure, save_figure, say_nothing
from crl_data.looking.scene import scene_tracks
from crl_data.looking.scene_pictures import write_scene
from crl_data.looking.survey import Survey
from crl_robot.contracts import ACTION_NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {"commanded": "#1f5fa8", "achieved": "#d9772b"}
_LENGTH_BINS = 30


def write_pictures(survey: Survey, folder: Path) -> list[Path]:
    """Write coverage.png and actions.png of a store with episodes, and scene.png where it knows several things.

    Returns their paths. Raises StoreError.
    """
    tracks = scene_tracks(survey)
    several = len(tracks.objects) > 1 or tracks.slides
    scene = [write_scene(survey, tracks, folder / "scene.png")] if several else []
    return [_coverage(survey, folder / "coverage.png"), _actions(survey, folder / "actions.png"), *scene]


def _coverage(survey: Survey, path: Path) -> Path:
    title = f"{survey.store.path.name}: {len(survey.scans)} episodes, base frame"
    figure, axes = new_figure((2, 3), (15.5, 8.4), title)
    tool, thing = (_positions(survey, name) for name in ("tool_measured", TRUTH_ARRAY))
    draw_map(axes[0], tool, (1, 0), "tool from above", "tool")
    draw_map(axes[1], tool, (0, 2), "tool from the side", "tool")
    draw_map(axes[2], thing, (1, 0), "object from above", "object")
    _starts(axes[3], tool, thing)
    _gripper(axes[4], survey)
    _lengths(axes[5], survey)
    return save_figure(figure, path)


def _actions(survey: Survey, path: Path) -> Path:
    figure, axes = new_figure((2, 4), (14.5, 6.8), f"{survey.store.path.name}: actions per control tick")
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
    return save_figure(figure, path)


def _starts(axes: Axes, tool: list[NDArray[np.float64]], thing: list[NDArray[np.float64]]) -> None:
    title = "where episodes start, from above"
    if not tool and not thing:
        say_nothing(axes, title, "no poses in this store")
        return
    for tracks, colour, marker, name in ((thing, "#c0392b", "s", "object"), (tool, "#1f5fa8", "o", "tool")):
        if tracks:
            first = np.array([track[0] for track in tracks])
            axes.scatter(first[:, 1], first[:, 0], s=22, c=colour, marker=marker, alpha=0.6, label=name, lw=0)
    axes.set_title(title)
    axes.margins(0.15)
    axes.grid(alpha=0.3)
    draw_plane(axes, (1, 0))
    axes.legend(fontsize=9)


def _gripper(axes: Axes, survey: Survey) -> None:
    """Opening over the share of the episode, as quantiles over episodes."""
    tracks = [track for track in survey.all("gripper") if len(track)]
    title = "gripper over the episode"
    if not tracks:
        say_nothing(axes, title, "no measured gripper in this store")
        return
    share = np.linspace(0, 1, 101)
    curves = np.array([np.interp(share, np.linspace(0, 1, len(track)), track) for track in tracks])
    for low, high, alpha, name in ((0, 100, 0.15, "all episodes"), (25, 75, 0.35, "the middle half")):
        band = np.percentile(curves, [low, high], axis=0)
        axes.fill_between(share * 100, *band, color="#1f5fa8", alpha=alpha, lw=0, label=name)
    axes.plot(share * 100, np.median(curves, axis=0), color="#1f5fa8", label="median")
    axes.set(title=title, xlabel="share of the episode (%)", ylabel="0 closed .. 1 open", ylim=(-0.05, 1.05))
    axes.set_box_aspect(BOX)
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
    axes.set_box_aspect(BOX)
    axes.legend(fontsize=9)


def _histogram(axes: Axes, columns: dict[str, NDArray[np.float32]]) -> None:
    joined = np.concatenate(list(columns.values()))
    low, high = float(joined.min()), float(joined.max())
    edges = np.linspace(low, high, BINS + 1) if high - low > 1e-6 else np.linspace(low - 0.01, high + 0.01, BINS + 1)
    for label, values in columns.items():
        kind = "stepfilled" if label == "commanded" else "step"
        alpha = 0.5 if label == "commanded" else 1.0
        axes.hist(values, bins=edges.tolist(), color=_COLOURS[label], label=label, histtype=kind, alpha=alpha, lw=1.5)
    axes.axvline(0, color="black", lw=0.5, alpha=0.5)


def _positions(survey: Survey, name: str) -> list[NDArray[np.float64]]:
    return [track[:, :3] for track in survey.all(name) if len(track)]
