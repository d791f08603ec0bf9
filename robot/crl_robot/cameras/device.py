"""What a live camera needs of a device, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from crl_robot.contracts import Frame
from crl_robot.errors import CameraError


class CameraOver(CameraError):
    """There will be no more frames: a film that is not repeated has been shown."""


class Device(Protocol):
    """One connection to a camera. All but making it happens on one thread."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of every frame."""
        ...

    @property
    def stamp_source(self) -> str:
        """Where the stamps come from."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """Settings that the device did not take."""
        ...

    @property
    def lost(self) -> int:
        """Frames that the device numbered and did not deliver; 0 where it does not number them."""
        ...

    def next(self) -> Frame | None:
        """Wait for the next frame; None when it arrived damaged. Raises CameraError when the connection is gone."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class CameraHealth:
    """What a live camera says of itself.

    Attributes:
        connected: whether its device is open; ``reason`` says why it is not.
        stamp_source: where the stamps come from.
        remarks: settings that the device did not take.
        captured: frames taken in.
        damaged: frames that arrived but could not be decoded.
        unordered: frames that were dropped because they were not stamped later than the one before.
        lost: frames that the device counted and did not deliver.
        reconnects: times the device came back.
    """

    connected: bool
    reason: str
    stamp_source: str
    remarks: tuple[str, ...]
    captured: int
    damaged: int
    unordered: int
    lost: int
    reconnects: int
