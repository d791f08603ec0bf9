"""What a sitting tells the operator: one line on the console, and /session/status for machines."""

from __future__ import annotations

from typing import Any

from crl_data.teleop.session import Session

_MEANING = {
    "paused": {"start": "go on"},
    "resetting": {"start": "try again"},
    "ready": {"start": "start recording", "drop": "another scene", "goal": "take goal images"},
    "recording": {"stop": "stop", "drop": "throw away", "success": "mark success", "goal": "mark as goal"},
    "review": {"keep": "keep", "drop": "throw away", "success": "mark success", "goal": "take goal images"},
}


def prompt(session: Session) -> str:
    """Where we are and what the buttons do now."""
    wanted = session.settings.episodes
    number = session.kept + 1
    count = f"[{min(number, wanted)} of {wanted}]" if wanted else f"[{number}]"
    meaning = _MEANING.get(session.state, {})
    keys = ", ".join(f"{session.label(button)}: {meaning[button]}" for button in session.choices())
    verdict = _verdict(session.audit) if session.state == "review" else ""
    return " | ".join(part for part in (f"{count} {session.state}", session.note, verdict, keys) if part)


def _verdict(audit: dict[str, Any]) -> str:
    if "verdict" not in audit:
        return "no audit yet"
    return f"audit: {audit['verdict']}, {audit.get('steps', '?')} steps in {audit.get('seconds', '?')} s"


def status(session: Session) -> dict[str, Any]:
    """What /session/status says."""
    return {
        "state": session.state,
        "episode": session.kept + 1,
        "of": session.settings.episodes,
        "kept": session.kept,
        "dropped": session.dropped,
        "success": session.success,
        "audit": session.audit,
        "buttons": {button: session.label(button) for button in session.choices()},
        "busy": session.busy,
        "note": session.note,
        "prompt": prompt(session),
    }


def progress_line(recorder: dict[str, Any]) -> str:
    """What /recorder/status says of a running episode, in one line."""
    lost = sum(recorder.get("lost", {}).values())
    line = f"{recorder.get('seconds', 0):.0f} s, {recorder.get('steps', 0)} steps, {lost} messages lost"
    left_s = recorder.get("seconds_left")
    return line if left_s is None else f"{line}, disk for {left_s / 3600:.1f} h"


def audit_lines(audit: dict[str, Any]) -> list[str]:
    """The recorder's verdict and each of its reasons, for the console."""
    return [f"audit: {audit.get('verdict', 'none')}", *(f"  {reason}" for reason in audit.get("reasons", []))]
