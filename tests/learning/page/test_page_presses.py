"""Clicks and keys on the page before a robot that only remembers what it was asked: which ask, and how often."""

import asyncio

import pytest
from page_browser import ready

from crl_learning.page import board as board_module

pytestmark = pytest.mark.slow


async def asked(robot, service, times):
    """Wait until it was asked so often."""
    while [name for name, _ in robot.asked].count(service) < times:
        await asyncio.sleep(0.02)


def test_the_space_bar_is_the_e_stop_also_while_another_button_has_the_focus(served):
    async def scenario():
        async with served() as (board, robot, page):
            ready(board)
            await page.click("[data-do=start]")
            await page.press(" ")
            await page.until_text("#toast", "done")
            await page.press("p")
            await page.until("document.querySelector('[data-do=pause].waiting') === null")
            services = [service for service, _ in robot.asked]
            assert services[:3] == ["policy/start", "arm/estop", "policy/pause"]
            assert services.count("policy/start") == 1

    asyncio.run(scenario())


def test_a_key_that_moves_the_arm_needs_shift_and_one_that_stops_it_does_not(served):
    async def scenario():
        async with served() as (board, robot, page):
            ready(board)
            await page.until_text("#hint", "press Start")
            for key in ("s", "t", "p"):
                await page.press(key)
            ready(board)  # on a busy machine it may count as away by now
            await page.until("!document.querySelector('[data-do=start]').disabled")
            await page.press("S", shift=True)
            await page.until_text("#toast", "done")
            await page.until("document.querySelector('button.waiting') === null")
            assert robot.asked == [("policy/pause", None), ("policy/start", None)]

    asyncio.run(scenario())


def test_an_e_stop_that_was_not_confirmed_is_shouted(served):
    async def scenario():
        async with served() as (_board, robot, page):
            robot.refuse = {"arm/estop": "/arm/estop is not there; is its node running?"}
            await page.click("#estop")
            await page.until_text("#unconfirmed:not([hidden])", "E-STOP NOT CONFIRMED")
            assert "hardware stop" in await page.text("#unconfirmed")
            await page.click("[data-do=pause]")
            await page.until_text("#toast", "done")
            assert not await page.hidden("#unconfirmed")
            robot.refuse = {}
            await page.click("#estop")
            await page.until("document.getElementById('unconfirmed').hidden")

    asyncio.run(scenario())


def test_a_double_click_asks_once_except_for_a_stop(served):
    async def scenario():
        async with served() as (board, robot, page):
            ready(board)
            await page.click("[data-do=step]", times=2)
            await page.until_text("#toast", "done")
            ready(board, state="running")
            await page.click("[data-do=stop]", times=2)
            await asked(robot, "policy/stop", 2)
            assert robot.asked == [("policy/step", None), *2 * [("policy/stop", None)]]

    asyncio.run(scenario())


def test_a_button_waits_for_its_answer_and_stops_can_be_pressed_all_the_while(served):
    async def scenario():
        async with served() as (board, robot, page):
            robot.silent = {"policy/start", "policy/stop"}
            ready(board)
            await page.click("[data-do=start]")
            await page.until("document.querySelector('[data-do=start].waiting:disabled') !== null")
            await page.press("S", shift=True)
            for times in (1, 2):
                await page.click("[data-do=stop]")
                await asked(robot, "policy/stop", times)
                await page.until("document.querySelector('[data-do=stop].waiting:not(:disabled)') !== null")
            assert robot.asked.count(("policy/start", None)) == 1

    asyncio.run(scenario())


def test_while_a_list_has_the_focus_only_the_keys_of_stops_are_heard(served):
    async def scenario():
        async with served() as (board, robot, page):
            ready(board, state="running")
            await page.until("!document.querySelector('[data-do=hand_over]').disabled")
            await page.value("document.getElementById('speed').focus()")
            for key in ("o", "g", "p"):
                await page.press(key)
            await page.until_text("#toast", "done")
            assert robot.asked == [("policy/pause", None)]

    asyncio.run(scenario())


def test_a_speed_that_was_refused_is_not_shown_as_the_policys(served):
    async def scenario():
        async with served() as (board, robot, page):
            ready(board, speed=1.0)
            await page.until_text("#hint", "press Start")
            robot.refuse = {"speed": "the policy is not there"}
            await page.choose("#speed", "ArrowUp")
            await page.until_text("#toast:not(.fine)", "not there")
            await page.until("document.getElementById('speed').value === '100'")
            assert robot.asked == [("speed", 0.5)]

    asyncio.run(scenario())


def test_recorders_that_fell_silent_are_told_and_their_buttons_are_off(served, monkeypatch):
    async def scenario():
        async with served() as (board, _robot, page):
            ready(board, run="a", seconds=3.0)
            board.hear("recorder", {"state": "recording", "steps": 1})
            board.hear("run", {"state": "recording", "folder": "runs/a", "run": "a"})
            await page.until_text("#record-state", "recording")
            for source in ("recorder", "run"):
                monkeypatch.setitem(board_module.STALE_S, source, -1.0)
            await page.until_text("#record-state", "not heard")
            await page.until_text("#run-time", "its recorder is not heard")
            assert await page.value("document.querySelector('[data-do=keep]').disabled")

    asyncio.run(scenario())
