"""From the trials of one task to the charts of an evaluation's page: one colour a policy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crl_learning.eval_comparison import Group
from crl_learning.eval_svg import Bar, Curve, bar_chart, colour_of, curve_chart
from crl_learning.statistics import wilson


def successes(groups: Sequence[Group]) -> str:
    """A bar a policy, with the interval of its share."""
    return bar_chart(
        [
            _bar(group.subject, [trial.success_final for trial in group.trials], colour_of(index))
            for index, group in enumerate(groups)
        ]
    )


def distances(groups: Sequence[Group]) -> str:
    """A curve a policy: median over control ticks with the band of 10 to 90 % of its trials, cm."""
    curves = []
    for index, group in enumerate(groups):
        cm = 100 * np.array([trial.distances_m for trial in group.trials])  # (N, T + 1)
        low, median, high = np.quantile(cm, (0.1, 0.5, 0.9), axis=0)
        curves.append(Curve(group.subject, median, low, high, colour_of(index)))
    return curve_chart(curves, round(100 * groups[0].trials[0].tolerance_m, 3), "cm")


def stages(groups: Sequence[Group]) -> str:
    """A bar a stage and policy: the share of trials that got as far as that."""
    bars = [
        _bar(_stage_label(groups, group, name), [trial.stage_reached > stage for trial in group.trials], colour_of(i))
        for stage, name in enumerate(groups[0].trials[0].stages)
        for i, group in enumerate(groups)
    ]
    return bar_chart(bars)


def _stage_label(groups: Sequence[Group], group: Group, stage: str) -> str:
    return stage if len(groups) == 1 else f"{stage}: {group.subject}"


def _bar(label: str, outcomes: Sequence[bool], colour: str) -> Bar:
    interval = wilson(sum(outcomes), len(outcomes))
    return Bar(label, interval.value, interval.low, interval.high, colour)
