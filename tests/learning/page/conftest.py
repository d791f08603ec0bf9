"""A headless Chromium that is driven by its own protocol, and a graph that only remembers what it was asked."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from crl_learning.page.board import Board
from crl_learning.page.server import make_app

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--window-size=1440,900",
)
DEADLINE_S = 60.0


class Browser:
    """One page of a running Chromium; what it does is what a person's mouse and keyboard do."""

    def __init__(self, socket):
        self._socket, self._answers, self._number = socket, {}, 0
        self.complaints = []
        self._reading = asyncio.create_task(self._read())

    async def send(self, method, **parameters):
        self._number += 1
        self._answers[self._number] = answer = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        return await asyncio.wait_for(answer, DEADLINE_S)

    async def open(self, url):
        for domain in ("Page", "Runtime", "Log"):
            await self.send(f"{domain}.enable")
        await self.send("Page.navigate", url=url)

    async def value(self, expression):
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def text(self, selector):
        return await self.value(f"document.querySelector({json.dumps(selector)})?.textContent")

    async def until(self, expression, deadline_s=DEADLINE_S):
        """The first truthy value of the expression, asked for again and again."""
        end = asyncio.get_running_loop().time() + deadline_s
        while True:
            with suppress(AssertionError):  # the page may not have loaded yet
                value = await self.value(expression)
                if value:
                    return value
            if asyncio.get_running_loop().time() > end:
                shown = await self.value("document.body.innerText")
                raise AssertionError(f"never true: {expression}\n{shown}\n{self.complaints}")
            await asyncio.sleep(0.05)

    async def until_text(self, selector, words):
        found = f"document.querySelector({json.dumps(selector)})?.textContent.includes({json.dumps(words)})"
        await self.until(found)

    async def click(self, selector):
        """Press and release the left button over the middle of what can be seen and is not disabled."""
        found = f"document.querySelector({json.dumps(selector)})"
        free = f"(() => {{ const e = {found}; return e && !e.disabled && e.offsetParent !== null; }})()"
        await self.until(free)
        box = await self.value(
            f"(() => {{ {found}.scrollIntoView({{block: 'nearest'}}); const r = {found}.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        where = {"x": box[0], "y": box[1], "button": "left", "clickCount": 1}
        await self.send("Input.dispatchMouseEvent", type="mousePressed", **where)
        await self.send("Input.dispatchMouseEvent", type="mouseReleased", **where)

    async def press(self, key, shift=False):
        for kind in ("keyDown", "keyUp"):
            text = key if kind == "keyDown" else ""
            await self.send("Input.dispatchKeyEvent", type=kind, key=key, text=text, modifiers=8 * shift)

    async def choose_file(self, selector, path):
        document = await self.send("DOM.getDocument")
        node = await self.send("DOM.querySelector", nodeId=document["root"]["nodeId"], selector=selector)
        await self.send("DOM.setFileInputFiles", nodeId=node["nodeId"], files=[str(path)])

    async def leave(self):
        self._reading.cancel()
        await self._socket.close()

    async def _read(self):
        async for message in self._socket:
            got = json.loads(message.data)
            if "id" in got and "error" not in got:
                self._answers.pop(got["id"]).set_result(got["result"])
            elif "id" in got:
                self._answers.pop(got["id"]).set_exception(AssertionError(got["error"]))
            elif got.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.complaints.append(got["params"])


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
        return True, f"speed {speed}"

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
