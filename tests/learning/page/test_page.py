"""The page itself in headless Chromium, before a robot that only remembers what it was asked."""

import asyncio

import cv2
import numpy as np
import pytest
from aiohttp.test_utils import TestServer
from page_browser import ready

from crl_learning.page.board import Board
from crl_learning.page.server import make_app

pytestmark = pytest.mark.slow


def jpeg(red, green, blue):
    image = np.full((24, 32, 3), (blue, green, red), np.uint8)
    return cv2.imencode(".jpg", image)[1].tobytes()


def pixel(canvas):
    return f"[...document.getElementById('{canvas}').getContext('2d').getImageData(5, 5, 1, 1).data].slice(0, 3)"


def near(canvas, red, green, blue):
    return f"{pixel(canvas)}.every((value, i) => Math.abs(value - [{red}, {green}, {blue}][i]) < 12)"


def test_clicks_on_the_buttons_ask_the_robot(served):
    async def scenario():
        async with served() as (board, robot, page):
            board.hear("arm", {"mode": "disabled", "reason": "waits for its operator"})
            await page.until_text("#hint", "arm")
            await page.click("[data-do=enable]")
            ready(board)
            await page.until_text("#hint", "press Start")
            await page.click("[data-do=start]")
            ready(board, state="running")
            for name in ("pause", "stop", "estop"):
                await page.click(f"[data-do={name}]")
            await page.until_text("#toast", "done")
            asked = [service for service, _ in robot.asked]
            assert asked[:4] == ["arm/enable", "policy/start", "policy/pause", "policy/stop"]
            assert asked[4:] == ["arm/estop", "policy/pause"]
            assert page.complaints == []

    asyncio.run(scenario())


def test_an_arm_is_handed_over_and_taken_back_and_its_run_judged(served):
    async def scenario():
        async with served() as (board, robot, page):
            stages = [{"source": f"{name}.png", "reached": False} for name in ("open", "close")]
            ready(board, state="running", stages=stages)
            board.hear("run", {"state": "recording", "folder": "runs/a", "run": "a"})
            await page.click("[data-do=next_stage]")
            assert await page.value("document.getElementById('handed').hidden")
            await page.click("[data-do=hand_over]")
            ready(board, state="handed_over")
            await page.until_text("#policy-state", "handed over")
            assert await page.value("document.querySelector('[data-do=hand_over]').disabled")
            robot.refuse = {"policy/resume": "somebody else still moves the arm"}
            await page.click("#handed [data-do=resume]")
            await page.until_text("#toast", "still moves the arm")
            await page.until_text("#events", "resume: somebody else still moves the arm")
            robot.refuse = {}
            ready(board, state="handed_over")  # on a busy machine it may count as away by now
            await page.click("#handed [data-do=resume]")
            await page.until_text("#toast", "done")
            ready(board, state="running")
            await page.until("document.getElementById('handed').hidden")
            await page.click("[data-do=run_failure]")
            await page.until("document.querySelector('[data-do=run_failure].waiting') === null")
            asked = [("policy/next_stage", None), ("policy/hand_over", None)]
            assert robot.asked == [*asked, *2 * [("policy/resume", None)], ("run/success", False)]
            board.hear("run", {"state": "waiting", "folder": "", "run": "a"})
            await page.until("document.getElementById('run-card').hidden")
            assert page.complaints == []

    asyncio.run(scenario())


def test_a_button_that_cannot_be_pressed_says_why(served):
    async def scenario():
        async with served() as (board, _robot, page):
            ready(board, goal="")
            await page.until_text("#hint", "There is no goal yet")
            assert await page.value("document.querySelector('[data-do=start]').disabled")
            assert "no goal" in await page.value("document.querySelector('[data-do=start]').title")

    asyncio.run(scenario())


def test_live_view_goal_and_their_blend_are_drawn(served):
    async def scenario():
        async with served() as (board, _robot, page):
            board.show("live", jpeg(200, 0, 0))
            board.show("goal", jpeg(0, 0, 200))
            await page.until(near("live", 200, 0, 0))
            await page.until(near("goal", 0, 0, 200))
            await page.value("document.getElementById('overlay').value = 50")
            board.show("live", jpeg(200, 0, 0))
            await page.until(near("live", 100, 0, 100))
            await page.click("#difference")
            await page.until(near("live", 200, 0, 200))
            await page.until("document.querySelector('.screen.stale') !== null")

    asyncio.run(scenario())


def test_a_click_on_a_thumbnail_chooses_the_goal_and_a_file_becomes_one(served, tmp_path):
    async def scenario():
        async with served() as (board, robot, page):
            first = board.goals.put(np.zeros((24, 32, 3), np.uint8), "first.png")
            board.goals.put(np.ones((24, 32, 3), np.uint8), "second.png")
            await page.click(f"[data-goal='{first}']")
            await page.until_text("#toast", "sent to the policy")
            file = tmp_path / "cup.jpg"
            file.write_bytes(jpeg(1, 2, 3))
            await page.choose_file("#file", file)
            while len(robot.asked) < 2:
                await asyncio.sleep(0.02)
            assert robot.asked == [("goal", first), ("file", file.read_bytes())]
            board.goals.put(np.full((24, 32, 3), 2, np.uint8), "image")
            await page.until_text("#shelf .chosen", "cup.jpg")

    asyncio.run(scenario())


def test_a_click_on_a_stage_goes_there(served):
    async def scenario():
        async with served() as (board, robot, page):
            stages = [{"source": f"{name}.png", "reached": name == "open"} for name in ("open", "pick", "close")]
            ready(board, stages=stages, stage=1)
            board.show("goal_strip", cv2.imencode(".png", np.zeros((120, 480, 3), np.uint8))[1].tobytes())
            await page.click("[data-stage='2']")
            await page.until_text("#toast", "sent to the policy")
            assert robot.asked == [("stage", 2)]
            assert "done" in await page.value("document.querySelector('[data-stage=\"0\"]').className")

    asyncio.run(scenario())


def test_progress_timing_checks_and_events_are_shown(served):
    async def scenario():
        async with served() as (board, _robot, page):
            check = {"name": "goal", "verdict": "warning", "sentence": "far from the data"}
            ready(board, state="running", checks=[check])
            steps = {"expected": 12.2, "low": 8.0, "high": 19.0}
            board.hear("progress", {"acting": True, "steps": steps, "reached": False, "improving": True})
            board.sample("progress", 12.2, 8.0, 19.0, 0.0, -0.5)
            board.sample("timing", 0.4, 31.0, 11.0)
            await page.until_text("#steps", "12")
            await page.until_text("#steps-unit", "8 to 19")
            assert "2.4 s" in await page.text("#steps-unit")
            assert await page.text("#verdict") == "approaching"
            assert "31.0" in await page.text("#timing-numbers")
            assert "far from the data" in await page.text("#checks")
            assert "goal: far from the data" in await page.text("#events")
            board.hear("progress", {"acting": True, "steps": steps, "reached": True, "improving": True})
            await page.until_text("#verdict", "at the goal")

    asyncio.run(scenario())


def test_keep_and_drop_appear_with_a_recorder(served):
    async def scenario():
        async with served() as (board, robot, page):
            assert await page.value("document.getElementById('recorder-card').hidden")
            board.hear("recorder", {"state": "recording", "steps": 40, "seconds": 8.0, "lost": {}, "committed": 2})
            await page.click("[data-do=keep]")
            await page.until_text("#toast", "done")
            await page.click("[data-do=drop]")
            await page.until("document.querySelector('[data-do=drop].waiting') === null")
            assert [name for name, _ in robot.asked] == ["recorder/stop", "recorder/accept", "recorder/discard"]
            assert "40 steps in 0:08, 0 lost" in await page.text("#recorder-facts")

    asyncio.run(scenario())


def test_a_page_without_its_server_says_that_it_cannot_stop_the_arm(browse, make_robot):
    async def scenario():
        board = Board()
        server = TestServer(make_app(board, make_robot(board)))
        await server.start_server()
        async with browse(str(server.make_url("/"))) as page:
            await page.until("document.getElementById('link').classList.contains('on')")
            ready(board)
            await page.until_text("#hint", "press Start")
            await server.close()
            await page.until("!document.getElementById('lost').hidden")
            assert "hardware stop" in await page.text("#lost")
            assert await page.value("document.querySelector('[data-do=start]').disabled")
            await page.click("#estop")
            await page.until_text("#unconfirmed:not([hidden])", "E-STOP NOT CONFIRMED")

    asyncio.run(scenario())
