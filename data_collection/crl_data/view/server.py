"""The local web server of `crl-data view`: a page, JSON and frames, read-only.

It listens on this machine only unless told otherwise; then every request needs the token in the printed address.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from crl_data.store import Store
from crl_data.view.episodes import Library
from crl_robot.errors import ConfigError, StoreError

STATIC = Path(__file__).resolve().parent / "static"
PAGE_FILES = {
    "index.html": "text/html",
    "style.css": "text/css",
    "page.js": "text/javascript",
    "list.js": "text/javascript",
    "player.js": "text/javascript",
    "plots.js": "text/javascript",
}
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
EVERYWHERE = ("0.0.0.0", "::")
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serve(store: Store, host: str, port: int, announce: Callable[[str], None]) -> int:
    """Serve the page until SIGINT or SIGTERM; ``announce`` gets its address. Returns the exit code 0.

    Raises:
        ConfigError: the address cannot be used.
    """
    token = None if host in LOCAL_HOSTS else secrets.token_urlsafe(16)
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

    app = web.Application(middlewares=[_guard(token), _refusals])
    app.router.add_get("/", _page)
    app.router.add_get("/static/{name}", _page)
    app.router.add_get("/api/store", about)
    app.router.add_get("/api/episodes", rows)
    app.router.add_get("/api/episodes/{id}", episode)
    app.router.add_get("/api/episodes/{id}/frames/{camera}/{step:\\d{1,9}}", frame)
    return app


async def _page(request: web.Request) -> web.Response:
    name = request.match_info.get("name", "index.html")
    if name not in PAGE_FILES:
        raise web.HTTPNotFound(text=f"no file '{name}'")
    data = await asyncio.to_thread((STATIC / name).read_bytes)
    return web.Response(
        body=data, content_type=PAGE_FILES[name], charset="utf-8", headers={"Cache-Control": "no-cache"}
    )


def _guard(token: str | None) -> Any:
    """Refuses strangers: with a token, those without it; without one, pages of other sites that reach this machine."""

    # A name of its own for each token: browsers share cookies between the ports of a host.
    cookie = f"crl_view_{hashlib.sha256((token or '').encode()).hexdigest()[:8]}"

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.query.get("token") or request.cookies.get(cookie) or ""
        if token is not None and not secrets.compare_digest(given.encode(), token.encode()):
            raise web.HTTPForbidden(text="the token is missing or wrong; use the address that crl-data view printed")
        if token is None and (request.url.host or "") not in LOCAL_HOSTS:
            raise web.HTTPForbidden(text="this page is served to localhost only; crl-data view --host opens it")
        response = await handler(request)
        response.headers.update(_HEADERS)
        if token is not None:
            response.set_cookie(cookie, token, httponly=True, samesite="Strict")
        return response

    return guard


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
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        # One address only: with two of them, port 0 would give two ports.
        await web.TCPSite(runner, "127.0.0.1" if host == "localhost" else host, port).start()
        shown = socket.gethostname() if host in EVERYWHERE else f"[{host}]" if ":" in host else host
        announce(f"http://{shown}:{runner.addresses[0][1]}/{f'?token={token}' if token else ''}")
        await stopped.wait()
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}, port {port}: {error}; choose another --host or --port") from error
    finally:
        await runner.cleanup()
