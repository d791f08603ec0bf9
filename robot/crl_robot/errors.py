"""The errors of the whole stack.

Every error says what was got, what was expected and what to do. Each class also subclasses the builtin that a caller
who knows nothing of this project would catch.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CrlError(Exception):
    """Base of every error this project raises on purpose; command lines print it without a traceback and exit 2."""


class ContractError(CrlError, ValueError):
    """A value breaks one of the contracts between parts (shape, dtype, range, not finite)."""


class MismatchError(CrlError, ValueError):
    """Two parts declare different rates, action semantics, image specs or schemas; names both values."""


class ConfigError(CrlError, ValueError):
    """A setting is unknown or has a value that cannot be used."""


class GoalImageError(CrlError, ValueError):
    """A goal image is missing, unreadable or not usable as a goal."""


class CheckpointError(CrlError, ValueError):
    """A checkpoint is missing, incomplete, damaged or of another schema."""


class StoreError(CrlError, ValueError):
    """A trajectory store is missing, damaged, of another schema or does not hold what was asked for."""


class PlanError(CrlError, RuntimeError):
    """No way to a goal was found, or none in time."""


class ArmError(CrlError, RuntimeError):
    """The arm cannot do what was asked, or reports a fault."""


class RefusedError(ArmError):
    """A command or a reading that a row of the safety table forbids; ``event`` is the name of that row."""

    def __init__(self, event: str, message: str) -> None:
        super().__init__(message)
        self.event = event


class CameraError(CrlError, RuntimeError):
    """A camera cannot deliver a frame."""


class RenderError(CrlError, RuntimeError):
    """No OpenGL library for rendering without a screen could be loaded."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names the closest known word, or all of them when none is close; for error messages."""
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(choices)}"
