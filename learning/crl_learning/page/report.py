"""One page about one recorded run: film, goals, progress, timing and safety events in a single file without links."""

from __future__ import annotations

import base64
import json
import mimetypes
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crl_data.looking.film import write_film
from crl_data.store import Store
from crl_data.words import not_written
from crl_learning.page.reading import plain
from crl_learning.page.report_data import report_data, start_ns
from crl_learning.runs import Run
from crl_robot.durable import replace_file
from crl_robot.errors import ConfigError, StoreError

TEMPLATES = Path(__file__).resolve().parent / "report_static"
SHARED = Path(__file__).resolve().parent / "static"


def write_report(run: Run, path: Path) -> Path:
    """Write the report of a run as one HTML file; returns its path. Its folder is made.

    A run that was cut off has a report too: of what is there, saying what is not.

    Raises:
        StoreError: the run's records are damaged.
        ConfigError: the file cannot be written.
    """
    film, missing, film_ns = _film(run)
    ticks, events = run.ticks(), run.events()
    zero_ns = film_ns or start_ns(ticks, events)
    data = report_data(run.facts, ticks, events, zero_ns)
    data |= {"film": film, "film_missing": missing, "goals": _goals(run, zero_ns), "folder": str(run.folder)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, page(data).encode())
    except OSError as error:
        raise ConfigError(not_written(path, error)) from error
    return path


def page(data: Mapping[str, Any]) -> str:
    """The page's HTML with everything in it."""
    styles = [(SHARED / "tokens.css").read_text(), (TEMPLATES / "report.css").read_text()]
    scripts = [(SHARED / "chart.js").read_text(), (TEMPLATES / "report.js").read_text()]
    script = "\n".join(_without_modules(text) for text in scripts)
    # In a script element only "</" could end it.
    facts = json.dumps(plain(data), allow_nan=False).replace("</", "<\\/")
    parts = {"STYLE": "\n".join(styles), "SCRIPT": script, "DATA": facts}
    before, *rest = (TEMPLATES / "report.html").read_text().split("/*")
    filled = [parts[name] + after for name, _, after in (piece.partition("*/") for piece in rest)]
    return "".join([before, *filled])


def _without_modules(script: str) -> str:
    """Modules as one script: they only import from each other."""
    lines = [line for line in script.splitlines() if not line.startswith("import ")]
    return "\n".join(line.removeprefix("export ") for line in lines)


def _film(run: Run) -> tuple[str, str, int]:
    """The film in true time as a data URI, why there is none, and the stamp of its first picture."""
    episode = str(run.facts.get("episode") or "")
    if not episode:
        return "", "There is no film: the run still goes on, or its recorder ended before it.", 0
    try:
        store = Store.open(run.folder / "data.zarr")
        zero_ns = int(store.array(store.meta(episode), "stamp_ns")[0])
        with tempfile.TemporaryDirectory() as folder:
            film = write_film(store, episode, Path(folder) / "film.mp4", realtime=True)
            return _data_uri(film), "", zero_ns
    except StoreError as error:
        return "", f"There is no film: {error}", 0


def _goals(run: Run, zero_ns: int) -> list[dict[str, Any]]:
    """The goals in order; ``seconds`` is when each came into force, where that was written."""
    return [
        {
            "native": _data_uri(run.folder / str(goal["file"])),
            "seen": _data_uri(run.folder / str(goal.get("seen") or "")),
            "source": str(goal.get("source", "")),
            "warnings": [str(warning) for warning in goal.get("warnings") or ()],
            "seconds": (goal["stamp_ns"] - zero_ns) / 1e9 if goal.get("stamp_ns") else None,
        }
        for goal in run.facts.get("goals") or ()
    ]


def _data_uri(file: Path) -> str:
    """A file as part of a page; empty where it is not there."""
    if not file.is_file():
        return ""
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"
