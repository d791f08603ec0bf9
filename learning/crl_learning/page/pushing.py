"""What one browser is told over its socket: the newest pictures and facts, as fast as it takes them.

A text message is the board's snapshot. A binary message is a picture: its name, its age in ms and a newline, then the
file.
A browser that is too slow gets fewer pictures, never old ones.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress

from aiohttp import ClientConnectionResetError, web

from crl_learning.page.board import Board
from crl_learning.page.controls import controls

PICTURES_PERIOD_S = 1 / 20
FACTS_EVERY = 4
"""Rounds of pictures between two snapshots."""


async def push(board: Board, socket: web.WebSocketResponse, viewers: Callable[[], int]) -> None:
    """Tell one browser until it leaves."""
    telling = asyncio.create_task(_tell(board, socket, viewers))
    try:
        async for _ in socket:  # nothing is expected; this answers pings and notices the end
            pass
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError, ClientConnectionResetError):
            await telling


async def _tell(board: Board, socket: web.WebSocketResponse, viewers: Callable[[], int]) -> None:
    seen: dict[str, int] = {}
    numbers: dict[str, int] = {}
    rounds = 0
    while not socket.closed:
        for name, picture in board.pictures(seen).items():
            seen[name] = picture.number
            await socket.send_bytes(f"{name} {picture.age_ms}\n".encode() + picture.data)
        if rounds % FACTS_EVERY == 0:
            facts = board.snapshot(numbers)
            numbers = facts["numbers"]
            blocked = controls(facts["arm"], facts["policy"], facts["recorder"], facts["run"])
            await socket.send_str(json.dumps({**facts, "blocked": blocked, "viewers": viewers()}))
        rounds += 1
        await asyncio.sleep(PICTURES_PERIOD_S)
