"""The page's server on a thread of its own, beside a node's executor."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

from aiohttp import web

from crl_data.local_page import listening

START_S = 10.0


class Serving:
    """Serves an application from `start` to `stop`."""

    def __init__(self, app: web.Application, host: str, port: int, token: str | None) -> None:
        self._app, self._host, self._port, self._token = app, host, port, token
        self._address: Future[str] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="page", daemon=True)

    def start(self) -> str:
        """The address that it listens on. Raises ConfigError when it cannot."""
        self._thread.start()
        return self._address.result(START_S)

    def stop(self) -> None:
        """End it; browsers see the connection close."""
        if self._loop is not None and self._ended is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(START_S)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        advice = "choose another host or port with the node's parameters"
        try:
            async with listening(self._app, self._host, self._port, self._token, advice) as address:
                self._address.set_result(address)
                await self._ended.wait()
        except BaseException as error:
            if self._address.done():
                raise
            self._address.set_exception(error)
