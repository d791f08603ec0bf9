"""The page of a comparison of two folders: shares against each other, and what they allow to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from crl_learning.eval_html import facts, heading, note, page, table
from crl_learning.eval_svg import colour_of, legend
from crl_learning.statistics import Interval

if TYPE_CHECKING:
    from crl_learning.eval_compare import TaskComparison

SIDE, MARGIN = 320, 44
READING = (
    "Dots: success of one policy, whiskers: 95 % Wilson intervals; on the line both sides are equal. MMRV: mean over "
    "policies of the largest real difference to a policy that the first side ranks the wrong way round; 0 is best. "
    "Intervals of r and MMRV: bootstrap over policies and trials. Ends: of the starts that both sides ran, how many "
    "had one outcome. Ways: how many went through the same states, to the bit."
)


def write_compare_page(path: Path, compared: Sequence[TaskComparison], about: Mapping[str, str]) -> Path:
    """Write the page of all tasks."""
    from crl_learning.eval_compare import HEADINGS, cells, said

    parts = [heading(1, "Success here and there"), facts(about.items()), note(READING)]
    for one in compared:
        parts += [
            heading(2, one.task),
            table(("policy", *HEADINGS), [(row.pair.name, *cells(row)) for row in one.rows]),
        ]
        parts += [f"<p>{escape(line)}</p>" for line in said(one.prediction)]
        parts.append(scatter([(row.pair.name, *row.pair.shares) for row in one.rows]))
    path.write_text(page("Success here and there", parts), encoding="utf-8")
    return path


def scatter(points: Sequence[tuple[str, Interval, Interval]]) -> str:
    """An SVG of shares (name, first, second) 0..1 against each other, with their intervals as whiskers."""
    parts = [f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#bbb" stroke-dasharray="4 4"/>']
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts += [
            f'<line x1="{_x(0)}" y1="{_y(share)}" x2="{_x(1)}" y2="{_y(share)}" stroke="#e4e4e4"/>',
            f'<line x1="{_x(share)}" y1="{_y(0)}" x2="{_x(share)}" y2="{_y(1)}" stroke="#e4e4e4"/>',
            f'<text x="{_x(share)}" y="{_y(0) + 15}" text-anchor="middle">{100 * share:.0f} %</text>',
            f'<text x="{_x(0) - 5}" y="{_y(share) + 4}" text-anchor="end">{100 * share:.0f} %</text>',
        ]
    parts.append(f'<text x="{_x(0.5)}" y="{SIDE - 4}" text-anchor="middle">first: simulation</text>')
    parts.append(f'<text x="6" y="{MARGIN / 2 - 8}">second: real</text>')
    for index, (_, first, second) in enumerate(points):
        parts += _point(first, second, colour_of(index))
    names = legend([(name, colour_of(index)) for index, (name, _, _) in enumerate(points)])
    return f'<svg viewBox="0 0 {SIDE} {SIDE}" style="max-width:{SIDE + 80}px" role="img">{"".join(parts)}</svg>{names}'


def _point(first: Interval, second: Interval, colour: str) -> list[str]:
    x, y = _x(first.value), _y(second.value)
    return [
        f'<line x1="{_x(first.low):.1f}" y1="{y:.1f}" x2="{_x(first.high):.1f}" y2="{y:.1f}" stroke="{colour}"/>',
        f'<line x1="{x:.1f}" y1="{_y(second.low):.1f}" x2="{x:.1f}" y2="{_y(second.high):.1f}" stroke="{colour}"/>',
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>',
    ]


def _x(share: float) -> float:
    return MARGIN + (SIDE - MARGIN - 14) * share


def _y(share: float) -> float:
    return SIDE - MARGIN - (SIDE - MARGIN - MARGIN / 2) * share
