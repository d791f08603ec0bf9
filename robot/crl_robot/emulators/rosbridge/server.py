"""A websocket server that is rosbridge_server to its clients, with a robot behind it, and whose line can fail.

It runs in a thread of its own and steps the robot on the wall clock. Not emulated: fragmentation, PNG and CBOR
compression, authentication, services offered by clients, a client's topics reaching another client.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from types import TracebackType

from aiohttp import WSMsgType, web

from crl_robot.emulators.rosbridge.session import Robot, Session
from crl_robot.errors import ConfigError


class _Client:
    """One websocket: what is on its way to it, and the protocol's state."""

    def __init__(
        self, server: RosbridgeServer, socket: web.WebSocketResponse, transport: asyncio.Transport | None
    ) -> None:
        self.socket = socket
        self.transport = transport
        self.session = Session(server.robot, self._send, server.discovery_s)
        self._server = server
        self._outgoing: deque[tuple[float, str]] = deque()
        self._wake = asyncio.Event()

    async def write(self) -> None:
        """Send what is due, in order; nothing while the line is silent, and what was silenced is lost."""
        while True:
            while self._outgoing:
                due_s, text = self._outgoing.popleft()
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                await self.socket.send_str(text)
            self._wake.clear()
            await self._wake.wait()

    def _send(self, text: str) -> None:
        if not self._server.silent:
            self._outgoing.append((time.monotonic() + self._server.latency_s, text))
            self._wake.set()


class RosbridgeServer:
    """Listens from `start` (or ``with``) to `stop`.

    Attributes:
        silent: nothing is sent any more, though connections stay open and are listened to.
        latency_s: delay of every message, each way.
        clients: websockets that are open now.

    Args:
        robot: stands behind it.
        port: 0 takes a free one; see `port` after start.
        rate_hz: rate at which the robot is stepped and publishes.
        discovery_s: time after an advertise in which ROS connects nobody yet: messages are lost unless latched.
    """

    def __init__(self, robot: Robot, port: int = 0, rate_hz: float = 100.0, discovery_s: float = 0.05) -> None:
        self.robot = robot
        self.port = port
        self.discovery_s = discovery_s
        self.silent = False
        self.latency_s = 0.0
        self._period_s = 1.0 / rate_hz
        self._clients: set[_Client] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._error: OSError | None = None

    @property
    def clients(self) -> int:
        return len(self._clients)

    @property
    def serving(self) -> bool:
        """Whether it steps the robot and listens: from `start` to `stop`."""
        return self._loop is not None and self._thread.is_alive()

    def start(self) -> None:
        """Listen on 127.0.0.1. Raises ConfigError when the port cannot be had."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="rosbridge", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise ConfigError(f"cannot listen on port {self.port}: {self._error}; choose another") from self._error

    def stop(self) -> None:
        """Cut every connection and stop listening."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def cut(self) -> None:
        """Cut every connection without a closing handshake, as a pulled cable and a reset do; new ones are taken."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._abort)

    def __enter__(self) -> RosbridgeServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _main(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.router.add_get("/", self._accept)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        try:
            await site.start()
            self.port = runner.addresses[0][1]
        except OSError as error:
            self._error = error
            self._stopping.set()
        self._ready.set()
        await self._run()
        self._abort()
        await runner.cleanup()

    async def _run(self) -> None:
        """Step the robot on an absolute schedule until stopped."""
        next_s = time.monotonic()
        while not self._stopping.is_set():
            now_s = time.monotonic()
            for client in list(self._clients):
                client.session.settle(now_s)
            for topic, message in self.robot.tick(self._period_s):
                for client in list(self._clients):
                    client.session.deliver(topic, message, now_s)
            next_s = max(next_s + self._period_s, time.monotonic() - self._period_s)
            await asyncio.sleep(max(0.0, next_s - time.monotonic()))

    async def _accept(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, heartbeat=None)
        await socket.prepare(request)
        client = _Client(self, socket, request.transport)
        writer = asyncio.create_task(client.write())
        self._clients.add(client)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._later(client, message.data)
        finally:
            self._clients.discard(client)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    def _later(self, client: _Client, text: str) -> None:
        assert self._loop is not None
        if self.latency_s > 0.0:
            self._loop.call_later(self.latency_s, lambda: client.session.handle(text, time.monotonic()))
        else:
            client.session.handle(text, time.monotonic())

    def _abort(self) -> None:
        for client in self._clients:
            if client.transport is not None:
                client.transport.abort()
