"""The local web server of `crl-data view`: a page, JSON and frames, read-only."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from crl_data.local_page import Handler, add_files, guard, listening, token_for
from crl_data.store import Store
from crl_data.view.episodes import Library
from crl_robot.errors import StoreError

STATIC = Path(__file__).resolve().parent / "static"
PAGE_FILES = {
    "index.html": "text/html",
    "style.css": "text/css",
    "page.js": "text/javascript",
    "list.js": "text/javascript",
    "player.js": "text/javascript",
    "goals.js": "text/javascript",
    "plots.js": "text/javascript",
}


def serve(store: Store, host: str, port: int, announce: Callable[[str], None]) -> int:
    """Serve the page until SIGINT or SIGTERM; ``announce`` gets its address. Returns the exit code 0.

    Raises:
        ConfigError: the address cannot be used.
    """
    token = token_for(host)
    asyncio.run(_serve(make_app(store, token), host, port, token, announce))
    return 0


def make_app(store: Store, token: str | None = None) -> web.Application:
    """The application; with a token, requests without it are refused."""
    library = Library(store)

    async def about(request: web.Request) -> web.Response:
        return web.json_response(library.about())

    async def rows(request: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(library.rows))

    async def episode(request: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(library.episode, request.match_info["id"]))

    async def frame(request: web.Request) -> web.Response:
        where = request.match_info
        data, kind = await asyncio.to_thread(library.frame, where["id"], where["camera"], int(where["step"]))
        # Committed frames never change, but an id may be used again after a delete.
        return web.Response(body=data, content_type=kind, headers={"Cache-Control": "private, max-age=300"})

    async def goal(request: web.Request) -> web.Response:
        where = request.match_info
        data, kind = await asyncio.to_thread(library.goal, where["id"], where["camera"], int(where["number"]))
        return web.Response(body=data, content_type=kind, headers={"Cache-Control": "private, max-age=300"})

    app = web.Application(middlewares=[guard(token, "crl-data view", "crl-data view --host"), _refusals])
    add_files(app, STATIC, PAGE_FILES)
    app.router.add_get("/api/store", about)
    app.router.add_get("/api/episodes", rows)
    app.router.add_get("/api/episodes/{id}", episode)
    app.router.add_get("/api/episodes/{id}/frames/{camera}/{step:\\d{1,9}}", frame)
    app.router.add_get("/api/episodes/{id}/goals/{camera}/{number:\\d{1,9}}", goal)
    return app


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What the store refuses becomes an answer with the reason."""
    try:
        return await handler(request)
    except StoreError as error:
        return web.json_response({"error": str(error)}, status=404)


async def _serve(
    app: web.Application, host: str, port: int, token: str | None, announce: Callable[[str], None]
) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not in a thread that is not the main one
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with listening(app, host, port, token, "choose another --host or --port") as address:
        announce(address)
        await stopped.wait()
