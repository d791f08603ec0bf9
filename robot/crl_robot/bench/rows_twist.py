"""Rows: what goes wrong with a command source that sends velocities."""

from __future__ import annotations

import time

from crl_robot.bench.known_arm import START_JOINTS, tool_position
from crl_robot.bench.rig import Rig
from crl_robot.bench.row import AT_ONCE_MS, Row, goals_stand

TWIST_SILENCE_MS = 100.0
_PERIOD_S = 0.05
_SPEED = 0.06
_HANDOVER_S = 0.6
"""The source of Actions must have been silent for two control periods before another one gets the arm."""


def _drive(rig: Rig) -> None:
    """Move sideways, towards the middle, by velocities alone."""
    rig.quiet()
    rig.client.run(_HANDOVER_S)
    end_s = time.monotonic() + float(rig.rng.uniform(0.5, 0.9))
    while time.monotonic() < end_s:
        _send(rig)
        rig.client.run(_PERIOD_S)


def _send(rig: Rig, frame: str = "base_link") -> float:
    tool = tool_position(rig.client.joints or START_JOINTS)
    return rig.client.send_twist(-_SPEED if tool[1] > 0 else _SPEED, frame)


def _wrong_frame(rig: Rig) -> float:
    return _send(rig, "camera")


def rows() -> list[Row]:
    """Those of the plain session."""
    silence = TWIST_SILENCE_MS + AT_ONCE_MS
    return [
        Row("twist_silence", _send, silence, goals_stand, ("silence",), prepare=_drive),
        Row("twist_frame", _wrong_frame, AT_ONCE_MS, goals_stand, ("bad_action",), prepare=_drive),
    ]
