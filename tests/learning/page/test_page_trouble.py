"""The page beside a running graph in which something hangs or dies: what it says, and what it no longer claims."""

import asyncio
import os
import signal
from contextlib import contextmanager
from dataclasses import replace

import pytest

pytest.importorskip("rclpy")

from page_graphs import PAGE, running

pytestmark = [pytest.mark.ros, pytest.mark.slow]

SOON = replace(PAGE, parameters=PAGE.parameters | {"answer_s": 3.0})


@contextmanager
def halted(desk, name):
    """That node's process stands still inside, as one on a machine that hangs."""
    os.kill(desk.graph.pid(name), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(desk.graph.pid(name), signal.SIGCONT)


def test_what_hangs_or_dies_is_not_shown_as_live_and_an_e_stop_is_not_confirmed_without_the_arm(browse, tmp_path):
    async def see_the_simulation_hang(desk, page):
        with halted(desk, "sim"):
            await page.click("[data-do=home]")
            await page.until("document.querySelector('[data-do=home].waiting:disabled') !== null")
            await page.click("#estop")
            await page.until_text("#unconfirmed:not([hidden])", "NOT CONFIRMED: no answer within 2 s")
            await page.until_text("#live-old:not([hidden])", "not live")
            await page.until_text("#arm-mode", "not heard")
            await page.until_text("#toast:not(.fine)", "its node may still do it")
            assert not await page.hidden("#unconfirmed")
            await page.reload()
            await page.until("document.getElementById('live-empty').hidden")
            assert not await page.hidden("#live-old")
            await page.click("#estop")
            await page.until_text("#unconfirmed:not([hidden])", "NOT CONFIRMED")
        await page.until_text("#arm-mode", "e-stopped")
        await page.until("document.getElementById('unconfirmed').hidden")
        await page.until("document.getElementById('live-old').hidden")

    async def see_the_pages_node_hang(desk, page):
        with halted(desk, "page"):
            await page.until("!document.getElementById('lost').hidden")
            assert await page.text("#arm-mode") == "unknown"
            assert await page.hidden("#latched")
        await page.until("document.getElementById('lost').hidden")
        await page.until_text("#arm-mode", "e-stopped")

    async def see_the_pages_node_die(desk, page, ears):
        desk.kill("page")
        await page.until("!document.getElementById('lost').hidden")
        await page.until_text("#live-old:not([hidden])", "not live")
        assert [await page.text(f"#{chip}") for chip in ("arm-mode", "policy-state", "run-time")] == ["unknown"] * 3
        assert "Hz" not in await page.text("#live-facts")
        assert await page.value("[...document.querySelectorAll('[data-do]')].every((b) => b.disabled === !b.id)")
        await page.click("#estop")
        await page.until_text("#unconfirmed:not([hidden])", "the server was not reached")
        heard = ears.count
        await asyncio.to_thread(ears.wait, lambda: ears.count > heard, 20.0, "word of the arm, which goes on")

    async def scenario():
        async with running(browse, [SOON], tmp_path / "logs") as desk:
            page, ears = desk.page, desk.ears
            await page.until("document.getElementById('live-empty').hidden")
            await page.click("[data-do=enable]")
            await ears.until("arm", lambda arm: arm["mode"] == "holding")
            await see_the_simulation_hang(desk, page)
            await see_the_pages_node_hang(desk, page)
            await see_the_pages_node_die(desk, page, ears)

    asyncio.run(scenario())
