"""What our local web pages share: files of the page, who may ask, and listening on one address.

A page listens on this machine only unless told otherwise; then every request needs the token in the printed address.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from crl_robot.errors import ConfigError

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
EVERYWHERE = ("0.0.0.0", "::")
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def token_for(host: str) -> str | None:
    """A new token where other machines could ask, None where only this one can."""
    return None if host in LOCAL_HOSTS else secrets.token_urlsafe(16)


def add_files(app: web.Application, folder: Path, kinds: Mapping[str, str]) -> None:
    """Serve index.html at / and every named file below /static/; ``kinds`` are the content types by name."""

    async def page(request: web.Request) -> web.Response:
        name = request.match_info.get("name", "index.html")
        if name not in kinds:
            raise web.HTTPNotFound(text=f"no file '{name}'")
        data = await asyncio.to_thread((folder / name).read_bytes)
        headers = {"Cache-Control": "no-cache"}
        return web.Response(body=data, content_type=kinds[name], charset="utf-8", headers=headers)

    app.router.add_get("/", page)
    app.router.add_get("/static/{name}", page)


def guard(token: str | None, program: str, opens: str) -> Any:
    """Middleware that refuses strangers: with a token, those without it; without one, those who call us another name.

    A page of another site in the operator's browser is refused whatever it knows: it says where it comes from.

    Args:
        program: printed the address.
        opens: setting that lets other machines ask.
    """
    # A name of its own for each token: browsers share cookies between the ports of a host.
    cookie = f"crl_page_{hashlib.sha256((token or '').encode()).hexdigest()[:8]}"

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.query.get("token") or request.cookies.get(cookie) or ""
        if token is not None and not secrets.compare_digest(given.encode(), token.encode()):
            raise web.HTTPForbidden(text=f"the token is missing or wrong; use the address that {program} printed")
        if token is None and (request.url.host or "") not in LOCAL_HOSTS:
            raise web.HTTPForbidden(text=f"this page is served to localhost only; {opens} opens it")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text=f"asked by a page of {origin}, expected one of {request.host}")
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
            if token is not None:
                response.set_cookie(cookie, token, httponly=True, samesite="Strict")
        return response

    return guarded


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int, token: str | None, advice: str) -> AsyncIterator[str]:
    """Serve while inside; gives the page's address. Port 0 takes a free one.

    Raises:
        ConfigError: the address cannot be used; ``advice`` says what to do.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            # One address only: with two of them, port 0 would give two ports.
            await web.TCPSite(runner, "127.0.0.1" if host == "localhost" else host, port).start()
        except OSError as error:
            raise ConfigError(f"cannot listen on {host}, port {port}: {error}; {advice}") from error
        shown = socket.gethostname() if host in EVERYWHERE else f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{runner.addresses[0][1]}/{f'?token={token}' if token else ''}"
    finally:
        await runner.cleanup()
