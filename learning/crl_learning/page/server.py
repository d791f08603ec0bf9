"""The operator page's web server: files, a socket that tells what happens, and the buttons' requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from aiohttp import WSCloseCode, web

from crl_data.local_page import Handler, add_files, guard
from crl_learning.page.board import Board
from crl_learning.page.controls import STOPS, Call, calls_for
from crl_learning.page.pushing import push
from crl_robot.errors import ConfigError, CrlError

STATIC = Path(__file__).resolve().parent / "static"
PAGE_FILES = {
    "index.html": "text/html",
    "tokens.css": "text/css",
    "style.css": "text/css",
    "page.js": "text/javascript",
    "link.js": "text/javascript",
    "views.js": "text/javascript",
    "goals.js": "text/javascript",
    "panels.js": "text/javascript",
    "chart.js": "text/javascript",
}
MAX_UPLOAD = 30 * 2**20
"""Bytes of a goal image file."""
MAX_LABEL = 80


class Robot(Protocol):
    """What the page asks of the running graph. Every sentence is for the operator."""

    async def call(self, call: Call) -> tuple[bool, str]:
        """Call a service: whether it succeeded, and its answer; silence is a failure."""
        ...

    def send_goal(self, goal_id: str) -> None:
        """Send a goal of the board's shelf to the policy."""
        ...

    def send_goal_file(self, data: bytes) -> None:
        """Send an image file's content to the policy, which checks it."""
        ...

    def send_stage(self, stage: int) -> None:
        """Ask the policy to go to that stage, from 0."""
        ...

    async def set_speed(self, speed: float) -> tuple[bool, str]:
        """Set the policy's share of its full speed; as `call`."""
        ...

    def set_viewers(self, viewers: int) -> None:
        """So many browsers watch; without one nobody needs pictures."""
        ...


def make_app(board: Board, robot: Robot, token: str | None = None) -> web.Application:
    """The application; with a token, requests without it are refused."""
    page = _Page(board, robot)
    middlewares = [guard(token, "the node 'page'", "its parameter host"), _refusals]
    app = web.Application(middlewares=middlewares, client_max_size=MAX_UPLOAD)
    add_files(app, STATIC, PAGE_FILES)
    app.on_shutdown.append(page.leave)
    app.router.add_get("/live", page.live)
    app.router.add_get("/goals/{id}.png", page.goal)
    app.router.add_post("/goals", page.add_goal)
    app.router.add_post("/goals/{id}", page.choose_goal)
    app.router.add_delete("/goals/{id}", page.remove_goal)
    app.router.add_post("/stages/{stage:\\d{1,3}}", page.choose_stage)
    app.router.add_post("/cameras/{name}", page.choose_camera)
    app.router.add_post("/speed/{percent:\\d{1,3}}", page.set_speed)
    app.router.add_post("/do/{command}", page.do)
    return app


class _Page:
    def __init__(self, board: Board, robot: Robot) -> None:
        self._board, self._robot = board, robot
        self._viewers: set[web.WebSocketResponse] = set()
        self._stopping: set[asyncio.Task[tuple[bool, str]]] = set()

    async def live(self, request: web.Request) -> web.WebSocketResponse:
        """What happens, until the browser leaves."""
        socket = web.WebSocketResponse(timeout=1.0, heartbeat=5.0, compress=False)
        await socket.prepare(request)
        self._viewers.add(socket)
        try:
            self._robot.set_viewers(len(self._viewers))
            await push(self._board, socket, lambda: len(self._viewers))
        finally:
            self._viewers.discard(socket)
            self._robot.set_viewers(len(self._viewers))
        return socket

    async def leave(self, app: web.Application) -> None:
        """Tell the browsers at once that nobody serves them any more."""
        await asyncio.gather(*(socket.close(code=WSCloseCode.GOING_AWAY) for socket in list(self._viewers)))

    async def goal(self, request: web.Request) -> web.Response:
        """One goal's picture; an id stands for its pixels, so it never changes."""
        png = self._board.goals.get(request.match_info["id"]).png
        return web.Response(body=png, content_type="image/png", headers={"Cache-Control": "private, max-age=86400"})

    async def add_goal(self, request: web.Request) -> web.Response:
        """An image file becomes the goal, if the policy takes it."""
        data = await request.read()
        if not data:
            raise ConfigError("the file is empty, expected an image; choose a PNG or JPEG")
        self._board.goals.expect(request.query.get("name", "")[:MAX_LABEL])
        self._robot.send_goal_file(data)
        return _answer(True, "sent to the policy")

    async def choose_goal(self, request: web.Request) -> web.Response:
        """A goal of the shelf becomes the goal."""
        self._robot.send_goal(self._board.goals.get(request.match_info["id"]).id)
        return _answer(True, "sent to the policy")

    async def remove_goal(self, request: web.Request) -> web.Response:
        """Take a goal off the shelf."""
        self._board.goals.take_off(request.match_info["id"])
        return _answer(True, "removed")

    async def choose_stage(self, request: web.Request) -> web.Response:
        """Go to another of the goals in order."""
        self._robot.send_stage(int(request.match_info["stage"]))
        return _answer(True, "sent to the policy")

    async def choose_camera(self, request: web.Request) -> web.Response:
        """Another camera is the live view, in every browser."""
        self._board.choose_camera(request.match_info["name"])
        return _answer(True, "")

    async def set_speed(self, request: web.Request) -> web.Response:
        """The policy moves that share of what it would."""
        return _answer(*await self._robot.set_speed(int(request.match_info["percent"]) / 100))

    async def do(self, request: web.Request) -> web.Response:
        """A button."""
        command = request.match_info["command"]
        calls = calls_for(command, self._board.facts("recorder"))
        if command == "capture_goal":
            self._board.goals.expect("")
        success, message = await (self._stop(calls) if command in STOPS else self._follow(calls))
        if not success:
            self._board.note("error", f"{command.replace('_', ' ')}: {message}")
        return _answer(success, message)

    async def _stop(self, calls: Sequence[Call]) -> tuple[bool, str]:
        """All at once, and the first one's answer without waiting for the others, which may hang."""
        tasks = [asyncio.create_task(self._robot.call(call)) for call in calls]
        for task in tasks:
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)
        return await tasks[0]

    async def _follow(self, calls: Sequence[Call]) -> tuple[bool, str]:
        """One after the other until one is refused; the last answer."""
        success, message = True, ""
        for call in calls:
            success, message = await self._robot.call(call)
            if not success:
                break
        return success, message


def _answer(success: bool, message: str, status: int = 200) -> web.Response:
    facts: dict[str, Any] = {"success": success, "message": message}
    return web.json_response(facts, status=status, dumps=json.dumps)


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What cannot be done becomes an answer with the reason."""
    try:
        return await handler(request)
    except CrlError as error:
        return _answer(False, str(error), status=409)
    except web.HTTPRequestEntityTooLarge:
        return _answer(False, f"the file is above {MAX_UPLOAD // 2**20} MB; choose a smaller image", status=413)
