"""Charts of an evaluation's page as SVG text: they stay sharp, need no files beside the page and no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#555555", "#6f4fa0")
"""Okabe and Ito's palette, which colour-blind readers can tell apart; the yellow darkened for white paper."""
WIDTH, LABEL, ROW = 680, 250, 24
CURVE_HEIGHT, LEFT, BOTTOM, TOP = 260, 46, 34, 10
LABEL_CHARACTERS = 36


@dataclass(frozen=True)
class Bar:
    """A share 0..1 with the bounds of its interval, and what stands beside it."""

    label: str
    value: float
    low: float
    high: float
    colour: str


@dataclass(frozen=True)
class Curve:
    """Values (T,) over control ticks 0..T-1: the median, and a band around it."""

    label: str
    median: Array
    low: Array
    high: Array
    colour: str


def colour_of(index: int) -> str:
    """The colour of the series with that number."""
    return COLOURS[index % len(COLOURS)]


def short(label: str, characters: int = LABEL_CHARACTERS) -> str:
    """A label without its middle where it is too long: the end tells paths apart."""
    return label if len(label) <= characters else f"{label[:8]}...{label[-(characters - 11) :]}"


def bar_chart(bars: Sequence[Bar]) -> str:
    """Horizontal bars from 0 to 100 %, each with a whisker for its interval and its number."""
    height = ROW * len(bars) + 22
    grid = [_line(_bar_x(share), 0, _bar_x(share), height - 20, "#ddd") for share in (0, 0.25, 0.5, 0.75, 1)]
    grid += [_text(_bar_x(share), height - 6, f"{100 * share:.0f} %", "middle") for share in (0, 0.5, 1)]
    return _svg(height, [*grid, *(part for row, bar in enumerate(bars) for part in _bar(bar, row))])


def curve_chart(curves: Sequence[Curve], tolerance: float, unit: str) -> str:
    """Medians over control ticks with their bands; a dashed line at ``tolerance``."""
    ticks = max(len(curve.median) for curve in curves) - 1
    top = 1.05 * max(tolerance, *(float(curve.high.max()) for curve in curves))
    plot = _Plot(ticks, top)
    parts = [*_axes(plot, unit), _line(LEFT, plot.y(tolerance), WIDTH - 8, plot.y(tolerance), "#000", "5 4")]
    parts.append(_text(WIDTH - 10, plot.y(tolerance) - 4, f"success {tolerance:g} {unit}", "end"))
    for curve in curves:
        parts += _curve(plot, curve)
    return _svg(CURVE_HEIGHT, parts) + legend([(curve.label, curve.colour) for curve in curves])


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """Names beside their colours."""
    items = (f'<span><i style="background:{colour}"></i>{escape(short(label))}</span>' for label, colour in entries)
    return f'<p class="legend">{"".join(items)}</p>'


@dataclass(frozen=True)
class _Plot:
    ticks: int
    top: float

    def x(self, tick: float) -> float:
        return LEFT + (WIDTH - LEFT - 8) * tick / max(self.ticks, 1)

    def y(self, value: float) -> float:
        return TOP + (CURVE_HEIGHT - TOP - BOTTOM) * (1 - value / self.top)

    def points(self, values: Array, first: int = 0) -> str:
        return " ".join(f"{self.x(first + tick):.1f},{self.y(value):.1f}" for tick, value in enumerate(values))


def _axes(plot: _Plot, unit: str) -> list[str]:
    parts = [_text(WIDTH / 2, CURVE_HEIGHT - 4, "control tick", "middle")]
    for value in _ticks(plot.top):
        parts += [
            _line(LEFT, plot.y(value), WIDTH - 8, plot.y(value), "#e4e4e4"),
            _text(LEFT - 5, plot.y(value) + 4, f"{value:g}", "end"),
        ]
    parts += [_text(plot.x(tick), CURVE_HEIGHT - 19, f"{tick:g}", "middle") for tick in _ticks(plot.ticks)]
    return [*parts, _text(4, TOP + 2, unit, "start")]


def _ticks(top: float) -> list[float]:
    """Four to ten round values from 0 to ``top``."""
    step = 10.0 ** np.floor(np.log10(max(top, 1e-9) / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if top / (step * factor) <= 8)
    return [float(round(step * k, 9)) for k in range(int(top / step + 1e-9) + 1)]


def _curve(plot: _Plot, curve: Curve) -> list[str]:
    there, back = plot.points(curve.low), plot.points(curve.high).split(" ")[::-1]
    band = f'<polygon points="{there} {" ".join(back)}" fill="{curve.colour}" opacity="0.13"/>'
    line = f'<polyline points="{plot.points(curve.median)}" fill="none" stroke="{curve.colour}" stroke-width="2"/>'
    return [band, line]


def _bar(bar: Bar, row: int) -> list[str]:
    y, zero = ROW * row, _bar_x(0)
    middle = y + ROW / 2
    words = f"{100 * bar.value:.1f} % [{100 * bar.low:.1f}, {100 * bar.high:.1f}]"
    return [
        _text(LABEL - 8, middle + 4, short(bar.label), "end"),
        f'<rect x="{zero:.1f}" y="{y + 4}" width="{max(_bar_x(bar.value) - zero, 0.5):.1f}" height="{ROW - 8}" '
        f'fill="{bar.colour}" opacity="0.75"/>',
        _line(_bar_x(bar.low), middle, _bar_x(bar.high), middle, "#000"),
        *(_line(_bar_x(end), middle - 4, _bar_x(end), middle + 4, "#000") for end in (bar.low, bar.high)),
        _text(WIDTH - 4, middle + 4, words, "end"),
    ]


def _bar_x(share: float) -> float:
    return LABEL + (WIDTH - LABEL - 150) * share


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(height: float, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img">{"".join(parts)}</svg>'
