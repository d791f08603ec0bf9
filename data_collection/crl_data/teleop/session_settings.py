"""How a sitting goes, which buttons mean something when, and what is asked of other nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from crl_robot.errors import ConfigError, nearest

Reset = Literal["sim", "home", "none"]
CHOICES = {
    "waiting": (),
    "paused": ("start",),
    "resetting": ("start",),
    "ready": ("start", "drop", "goal"),
    "recording": ("stop", "drop", "success", "goal"),
    "review": ("keep", "drop", "success", "goal"),
}
"""Buttons that do something in a state; in all other states an answer is awaited."""

FOUND = {
    "recording": ("recording", "an episode was being recorded already"),
    "pending": ("review", "an episode from before waits for a decision"),
}
"""Where a sitting begins when the recorder is not idle."""
STEPS = {
    "start": ("starting", "start"),
    "stop": ("stopping", "stop"),
    "keep": ("saving", "accept"),
    "drop": ("dropping", "discard"),
}
"""The state that a button leads to, and what the recorder is asked for there."""


@dataclass(frozen=True)
class SessionSettings:
    """How the sitting goes.

    Attributes:
        episodes: number of kept episodes after which it ends; 0 goes on until it is stopped.
        reset: what makes the scene ready: 'sim' (/sim/reset), 'home' (/arm/home, then the operator), 'none'.
        automatic: nobody presses anything: start when ready, stop after episode_s, keep what passes the audit.
        episode_s: length of an automatic episode, s.
        patience: automatic episodes that may fail in a row before it gives up.
    """

    episodes: int = 0
    reset: Reset = "sim"
    automatic: bool = False
    episode_s: float = 12.0
    patience: int = 5

    def __post_init__(self) -> None:
        if self.reset not in get_args(Reset):
            raise ConfigError(f"reset is '{self.reset}', {nearest(self.reset, get_args(Reset))}")
        if self.episodes < 0 or self.episode_s <= 0 or self.patience < 1:
            raise ConfigError(
                f"episodes is {self.episodes}, episode_s {self.episode_s}, patience {self.patience}; expected 0 or "
                "more, above 0 and 1 or more"
            )


@dataclass(frozen=True)
class Call:
    """Something to ask another node for: 'reset', or a service of the recorder by its last name."""

    name: str
    value: bool | None = None
