"""The page of an evaluation: one HTML file that holds everything, to be read, mailed and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crl_learning.eval_comparison import Group, SubjectComparison
from crl_learning.eval_html import facts, gallery, heading, image_pair, note, page, table, video
from crl_learning.eval_page_charts import distances, stages, successes
from crl_learning.eval_report import failures_first
from crl_learning.trials import ARM_RIGHT_M, Trial, summarise

FAILURES = 8
"""Failures shown of each subject and task."""
VIDEO_BYTES = 12_000_000
"""What all videos on the page may weigh; the others are in the folder."""


def write_page(
    path: Path,
    groups: Sequence[Group],
    comparisons: Sequence[SubjectComparison],
    about: Mapping[str, Any],
    videos: Sequence[Path],
) -> Path:
    """Write the page; ``about`` tells of the evaluation as a whole, ``videos`` are shown as far as they fit."""
    tasks = list(dict.fromkeys(group.task for group in groups))
    parts = [heading(1, _title(groups)), facts((name, str(value)) for name, value in about.items())]
    parts += [heading(2, "Success"), _overview(groups), note(_reading())]
    if comparisons:
        parts += _compared(comparisons)
    for task in tasks:
        parts += _task(task, [group for group in groups if group.task == task])
    parts += _videos(videos)
    path.write_text(page(_title(groups), parts), encoding="utf-8")
    return path


def _title(groups: Sequence[Group]) -> str:
    subjects, tasks = (list(dict.fromkeys(names)) for names in zip(*((g.subject, g.task) for g in groups), strict=True))
    who = subjects[0] if len(subjects) == 1 else f"{len(subjects)} policies"
    return f"{who} on {tasks[0] if len(tasks) == 1 else f'{len(tasks)} tasks'}"


def _overview(groups: Sequence[Group]) -> str:
    head = ("policy", "task", "trials", "at the end", "at any time", "median left", "arm right, object wrong")
    return table(head, [_row(group) for group in groups])


def _row(group: Group) -> tuple[str, ...]:
    summary = summarise(group.trials)
    return (
        group.subject,
        group.task,
        str(summary["episodes"]),
        share(summary, "success_final"),
        share(summary, "success_any"),
        f"{summary['median_final_distance_cm']:.2f} cm",
        "-" if summary["arm_right_object_wrong"] is None else str(summary["arm_right_object_wrong"]),
    )


def share(summary: Mapping[str, Any], key: str) -> str:
    """A share of a summary with its interval, in percent."""
    low, high = summary[f"{key}_low"], summary[f"{key}_high"]
    return f"{100 * summary[key]:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def _reading() -> str:
    return (
        "In brackets: 95 % Wilson interval. At the end: at the goal one control period after the last action. At any "
        f"time: after any action. Arm right, object wrong: failures with the tool within {100 * ARM_RIGHT_M:g} cm of "
        "where the goal image shows it."
    )


def _compared(comparisons: Sequence[SubjectComparison]) -> list[str]:
    head = ("task", "first", "second", "trials", "only first", "only second", "difference", "p", "p (Holm)")
    rows = [
        (
            one.task,
            one.first,
            one.second,
            str(one.counts.trials),
            str(one.counts.only_first),
            str(one.counts.only_second),
            f"{100 * one.difference.value:+.1f} [{100 * one.difference.low:+.1f}, {100 * one.difference.high:+.1f}]",
            _p(one.counts.p_value),
            _p(one.p_adjusted),
        )
        for one in comparisons
    ]
    words = (
        "The same starts and goals were given to both. Difference: first minus second in percentage points with its "
        "95 % interval (Newcombe, paired). p: exact McNemar test; Holm: adjusted for the number of rows."
    )
    return [heading(2, "Two by two, on the same trials"), table(head, rows), note(words)]


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def _task(task: str, groups: Sequence[Group]) -> list[str]:
    parts = [heading(2, task), heading(3, "At the goal at the last control tick"), successes(groups)]
    parts += [heading(3, "Distance to the goal: median, and 10 to 90 % of trials"), distances(groups)]
    if groups[0].trials[0].stages:
        parts += [heading(3, "Stages reached, one after the other"), stages(groups)]
    for group in groups:
        parts += _failures(group)
    return parts


def _failures(group: Group) -> list[str]:
    failed = [trial for trial in failures_first(group.trials, len(group.trials)) if not trial.success_final]
    shown = [trial for trial in failed if trial.pictures is not None][:FAILURES]
    if not shown:
        return []
    title = f"{group.subject}: {len(shown)} of {len(failed)} failures, the farthest first (goal image, final view)"
    return [heading(3, title), gallery(_failure(trial) for trial in shown)]


def _failure(trial: Trial) -> str:
    assert trial.pictures is not None
    words = f"seed {trial.seed}, trial {trial.index}: {100 * trial.final_m:.1f} cm left"
    if trial.stages:
        words += f"; {trial.stage_words}"
    if trial.arm_right_object_wrong:
        words += "; arm right, object wrong"
    return image_pair(trial.pictures.goal, trial.pictures.final, words, good=False)


def _videos(paths: Sequence[Path]) -> list[str]:
    shown, left = [], VIDEO_BYTES
    for path in paths:
        left -= path.stat().st_size
        if left >= 0:
            name = path.as_posix().rpartition("videos/")[2]
            shown.append(video(path.read_bytes(), name, good=path.stem.endswith("_success")))
    if not shown:
        return []
    return [heading(2, "Videos: camera beside goal image"), gallery(shown)]
