"""A headless Chromium, and a graph that only remembers what it was asked."""

import asyncio
import os
import shutil
import signal
import subprocess
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from page_browser import DEADLINE_S, FLAGS, Browser

from crl_learning.page.board import Board
from crl_learning.page.server import make_app


class FakeRobot:
    """Remembers what it was asked; ``refuse`` maps services to sentences, those in ``silent`` never answer."""

    def __init__(self, board):
        self.board, self.asked, self.refuse, self.silent, self.viewers = board, [], {}, set(), 0

    async def call(self, call):
        self.asked.append((call.service, call.value))
        if call.service in self.silent:
            await asyncio.Event().wait()
        refusal = self.refuse.get(call.service)
        return refusal is None, refusal or "done"

    def send_goal(self, goal_id):
        self.asked.append(("goal", goal_id))

    def send_goal_file(self, data):
        self.asked.append(("file", data))

    def send_stage(self, stage):
        self.asked.append(("stage", stage))

    async def set_speed(self, speed):
        self.asked.append(("speed", speed))
        return "speed" not in self.refuse, self.refuse.get("speed", f"speed {speed}")

    def set_viewers(self, viewers):
        self.viewers = viewers


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """WebSocket address of a Chromium of our own; its user data are empty and thrown away."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no chromium")
    folder = tmp_path_factory.mktemp("chromium")
    log = folder / "log.txt"
    with log.open("wb") as file:
        command = [program, *FLAGS, f"--user-data-dir={folder / 'data'}", "about:blank"]
        process = subprocess.Popen(command, stderr=file, stdout=file, start_new_session=True)
    yield folder / "data" / "DevToolsActivePort"
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait(20)


@pytest.fixture
def browse(chromium):
    """A context that opens an address in a page of its own."""

    @asynccontextmanager
    async def opened(url):
        port = await _port(chromium)
        async with aiohttp.ClientSession() as session:
            async with session.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
                target = await answer.json()
            socket = await session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=2**26)
            browser = Browser(socket)
            try:
                await browser.open(url)
                yield browser
            finally:
                await browser.leave()
                await session.get(f"http://127.0.0.1:{port}/json/close/{target['id']}")

    return opened


@pytest.fixture
def served(browse):
    """A context with board, fake robot and an open page."""

    @asynccontextmanager
    async def serving():
        board = Board()
        robot = FakeRobot(board)
        async with TestServer(make_app(board, robot)) as server, browse(str(server.make_url("/"))) as browser:
            await browser.until("document.getElementById('link').classList.contains('on')")
            yield board, robot, browser

    return serving


async def _port(file):
    end = asyncio.get_running_loop().time() + DEADLINE_S
    while not (file.is_file() and file.read_text().strip()):
        assert asyncio.get_running_loop().time() < end, "chromium did not start"
        await asyncio.sleep(0.05)
    return int(file.read_text().split()[0])


@pytest.fixture
def make_robot():
    """Makes a `FakeRobot` of a board."""
    return FakeRobot
