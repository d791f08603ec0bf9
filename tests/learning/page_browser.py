"""A headless Chromium that is driven by its own protocol."""

import asyncio
import json
from contextlib import suppress

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
CODES = {"ArrowDown": 40, "ArrowUp": 38, "Enter": 13}


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

    async def click(self, selector, times=1):
        """Press and release the left button over the middle of what can be seen and is not disabled."""
        found = f"document.querySelector({json.dumps(selector)})"
        free = f"(() => {{ const e = {found}; return e && !e.disabled && e.offsetParent !== null; }})()"
        await self.until(free)
        box = await self.value(
            f"(() => {{ {found}.scrollIntoView({{block: 'nearest'}}); const r = {found}.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for count in range(1, times + 1):
            where = {"x": box[0], "y": box[1], "button": "left", "clickCount": count}
            await self.send("Input.dispatchMouseEvent", type="mousePressed", **where)
            await self.send("Input.dispatchMouseEvent", type="mouseReleased", **where)

    async def click_until(self, selector, there):
        """A click may be refused as long as word of what allows it is on its way; an operator clicks again."""
        for _ in range(10):
            await self.click(selector)
            with suppress(AssertionError):
                return await self.until(there, deadline_s=8)
        return await self.until(there)

    async def press(self, key, shift=False):
        for kind in ("keyDown", "keyUp"):
            text = key if kind == "keyDown" and key not in CODES else ""
            code = {"windowsVirtualKeyCode": CODES[key]} if key in CODES else {}
            await self.send("Input.dispatchKeyEvent", type=kind, key=key, text=text, modifiers=8 * shift, **code)

    async def choose(self, selector, key):
        """Go to another entry of a list with an arrow key."""
        await self.value(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.press(key)

    async def drop_file(self, selector, path):
        """Drag a file from outside to the middle of what can be seen."""
        rect = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = await self.value(f"(() => {{ const r = {rect}; return [r.x + r.width / 2, r.y + r.height / 2]; }})()")
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            await self.send("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    async def reload(self):
        """As with the browser's own button; the old page is gone when this returns."""
        await self.value("window.before = true")
        await self.send("Page.reload")
        await self.until("!window.before && document.getElementById('link')?.classList.contains('on')")

    async def hidden(self, selector):
        return await self.value(f"document.querySelector({json.dumps(selector)}).hidden")

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


def ready(board, **more):
    """Tell a page's board of an arm and a policy that could start."""
    board.hear("arm", {"mode": "holding", "reason": "", "robot": "widowx"})
    stages = [{"source": "goal.png", "reached": False}]
    policy = {"state": "ready", "reason": "", "goal": "goal.png", "stage": 0, "stages": stages}
    board.hear("policy", policy | {"action_spec": {"rate_hz": 5.0}} | more)
