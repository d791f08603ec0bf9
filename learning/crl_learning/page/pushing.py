"""What one browser is told over its socket: the newest pictures and facts, as fast as it takes them.

A text message is the board's snapshot. A binary message is a picture: its name, its age in ms and a newline, then the
file. The browser answers each snapshot, and the next one waits for that: what piles up on a slow network is old when it
comes. So such a browser gets fewer pictures, and is told how old they are.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress

from aiohttp import ClientConnectionResetError, web

from crl_learning.page.board import Board
from crl_learning.page.controls import controls

PICTURES_PERIOD_S = 1 / 20
FACTS_EVERY = 4
"""Rounds of pictures between two snapshots."""


class _Way:
    """To the browser and back.

    Attributes:
        free: set when the last snapshot was answered.
        lag_ms: how long that took; what is sent then is at most so old when it comes.
    """

    def __init__(self) -> None:
        self.free, self.lag_ms = asyncio.Event(), 0
        self._begun_s = 0.0
        self.free.set()

    def begin(self) -> None:
        """Pictures and a snapshot are sent from now on."""
        self._begun_s = time.monotonic()

    def answered(self) -> None:
        """The browser has the snapshot."""
        self.lag_ms = round(1e3 * (time.monotonic() - self._begun_s))
        self.free.set()


async def push(board: Board, socket: web.WebSocketResponse, viewers: Callable[[], int]) -> None:
    """Tell one browser until it leaves."""
    way = _Way()
    telling = asyncio.create_task(_tell(board, socket, viewers, way))
    try:
        async for _ in socket:
            way.answered()
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError, ClientConnectionResetError):
            await telling


async def _tell(board: Board, socket: web.WebSocketResponse, viewers: Callable[[], int], way: _Way) -> None:
    seen: dict[str, int] = {}
    numbers: dict[str, int] = {}
    rounds = 0
    while not socket.closed:
        tells = rounds % FACTS_EVERY == 0
        if tells:
            await way.free.wait()
            way.begin()
        for name, picture in board.pictures(seen).items():
            seen[name] = picture.number
            await socket.send_bytes(f"{name} {picture.age_ms + way.lag_ms}\n".encode() + picture.data)
        if tells:
            way.free.clear()
            facts = board.snapshot(numbers)
            numbers = facts["numbers"]
            blocked = controls(facts["arm"], facts["policy"], facts["recorder"], facts["run"])
            await socket.send_str(json.dumps({**facts, "blocked": blocked, "viewers": viewers()}))
        rounds += 1
        await asyncio.sleep(PICTURES_PERIOD_S)
