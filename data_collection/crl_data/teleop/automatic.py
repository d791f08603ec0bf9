"""Presses a session's buttons where no operator does: starts, stops after a while, keeps what passes the audit."""

from __future__ import annotations

from crl_data.teleop.session import Session
from crl_data.teleop.session_settings import Call

SETTLE_S = 1.0
"""Pause before a start, also before trying again."""
AUDIT_WAIT_S = 10.0
"""An episode whose audit has not come by then is kept: the recorder has said that it is complete."""


class AutomaticOperator:
    """Looks at the session now and then; gives up after as many failures in a row as its settings allow."""

    def __init__(self) -> None:
        self._entered = -1
        self._since_s = 0.0

    def step(self, session: Session, now_s: float) -> Call | None:
        """Let time pass; returns the call that a press led to, if any."""
        if session.entered != self._entered:
            self._entered, self._since_s = session.entered, now_s
        settings, passed_s = session.settings, now_s - self._since_s
        if session.failures >= settings.patience and session.state not in ("done", "failed"):
            session.give_up(f"{session.failures} attempts failed in a row; the last: {session.last_failure}")
        if session.state in ("ready", "paused") and passed_s >= SETTLE_S:
            return session.press(frozenset({"start"}))
        if session.state == "recording" and passed_s >= settings.episode_s:
            return session.press(frozenset({"stop"}))
        if session.state == "review" and (session.audit or passed_s >= AUDIT_WAIT_S):
            return self._judge(session)
        return None

    def _judge(self, session: Session) -> Call | None:
        if not session.choices() or session.audit.get("verdict") != "bad":
            return session.press(frozenset({"keep"}))
        session.fail_once(f"the audit says {'; '.join(map(str, session.audit.get('reasons', [])))}")
        return session.press(frozenset({"drop"}))
