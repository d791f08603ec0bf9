"""The log of trials on a robot: trials.csv as crl-eval writes it, whole after every trial, so that one can go on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from crl_learning.outputs import writable_folder
from crl_learning.statistics import wilson
from crl_robot.durable import replace_file
from crl_robot.errors import ConfigError


@dataclass(frozen=True)
class RealTrial:
    """One trial.

    Attributes:
        task, policy: what was tried, and which policy tried it.
        seed, trial: scene number ``trial``; the seed has a meaning only where a simulation plays the robot.
        episode_seed: what pairs it with trials of other policies, and of the simulation where that drew the scene.
        success_final: 1 or 0, what the judge said.
        judge: who that was: operator or truth.
        signal_reached: 1 or 0, whether the learned signal called the goal reached at the last tick; empty: no signal.
        signal_any: likewise, at any tick.
        signal_score: the signal's last score; empty: no signal.
        ended: how the policy's run ended: ticks, operator, or a verdict of /policy/status.
        steps: control ticks in which it acted.
        run: id of the recorded run.
        start_difference: of the live view from the start picture before the run, 0 to 255; empty: there was none.
    """

    task: str
    policy: str
    seed: int
    trial: int
    episode_seed: int
    success_final: int
    judge: str
    signal_reached: int | str = ""
    signal_any: int | str = ""
    signal_score: float | str = ""
    ended: str = ""
    steps: int = 0
    run: str = ""
    start_difference: float | str = ""


class RealLog:
    """The trials in ``folder`` so far. Raises ConfigError when its trials.csv is of something else.

    Attributes:
        trained: what each policy was trained by, as `training_facts` has it, as far as that is known.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = writable_folder(folder)
        self._file, self._summary = self.folder / "trials.csv", self.folder / "summary.json"
        self._rows = self._read()
        self.trained = self._read_trained()

    def done(self, task: str, policy: str) -> set[int]:
        """Scenes that this policy has been through."""
        return {int(row["trial"]) for row in self._rows if (row["task"], row["policy"]) == (task, policy)}

    def add(self, trial: RealTrial) -> None:
        """Keep a trial; it is on the disk when this returns. Raises ConfigError when the disk refuses."""
        self._rows.append({name: str(value) for name, value in asdict(trial).items()})
        text = io.StringIO()
        writer = csv.DictWriter(text, [field.name for field in fields(RealTrial)])
        writer.writeheader()
        writer.writerows(self._rows)
        try:
            replace_file(self._file, text.getvalue().encode())
            replace_file(self._summary, (json.dumps(self.summary(), indent=2) + "\n").encode())
        except OSError as error:
            self._rows.pop()
            raise ConfigError(f"{self._file} cannot be written ({error.strerror}); make room and go on") from error

    def summary(self) -> dict[str, Any]:
        """By policy and task: trials, success with its 95 % Wilson interval, signal beside judge; `trained`."""
        keys = dict.fromkeys((row["policy"], row["task"]) for row in self._rows)
        policies: dict[str, Any] = {}
        for policy, task in keys:
            rows = [row for row in self._rows if (row["policy"], row["task"]) == (policy, task)]
            policies.setdefault(policy, {"tasks": {}})["tasks"][task] = _summary(rows)
        return {"policies": policies, **({"trained": self.trained} if self.trained else {})}

    def _read(self) -> list[dict[str, str]]:
        if not self._file.exists():
            return []
        with self._file.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
        if reader.fieldnames != [field.name for field in fields(RealTrial)]:
            raise ConfigError(f"{self._file} is not of trials on a robot; choose another folder")
        return rows

    def _read_trained(self) -> dict[str, Any]:
        """Of earlier policies; nothing where the summary, which can be made anew, cannot be read."""
        try:
            return dict(json.loads(self._summary.read_text(encoding="utf-8")).get("trained", {}))
        except (OSError, ValueError, AttributeError, TypeError):
            return {}


def _summary(rows: Sequence[dict[str, str]]) -> dict[str, Any]:
    share = wilson(sum(row["success_final"] == "1" for row in rows), len(rows))
    judged = [(row["success_final"] == "1", row["signal_reached"] == "1") for row in rows if row["signal_reached"]]
    return {
        "episodes": len(rows),
        "success_final": share.value,
        "success_final_low": share.low,
        "success_final_high": share.high,
        "signal": {
            "trials": len(judged),
            "both": judged.count((True, True)),
            "only_judge": judged.count((True, False)),
            "only_signal": judged.count((False, True)),
            "neither": judged.count((False, False)),
        },
    }
