"""What the page's server serves, asks of the robot and refuses; without a browser."""

import asyncio
import json
import re

import numpy as np
import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from crl_learning.page.board import Board
from crl_learning.page.pushing import FACTS_EVERY, PICTURES_PERIOD_S
from crl_learning.page.server import PAGE_FILES, STATIC, make_app


@pytest.fixture
def page(make_robot):
    """Runs a coroutine with a client, the board and a robot that remembers."""

    def run(scenario, token=None):
        async def scene():
            board = Board()
            robot = make_robot(board)
            async with TestClient(TestServer(make_app(board, robot, token))) as client:
                await scenario(client, board, robot)

        asyncio.run(scene())

    return run


async def body(client, method, path, **more):
    async with client.request(method, path, **more) as answer:
        return answer.status, await answer.json()


def test_every_file_of_the_page_is_served_and_links_only_to_such_files(page):
    async def scenario(client, board, robot):
        for name in PAGE_FILES:
            async with client.get(f"/static/{name}") as answer:
                assert answer.status == 200
        async with client.get("/") as answer:
            links = re.findall(r'(?:src|href)="static/([^"]+)"', await answer.text())
        assert set(links) <= set(PAGE_FILES)

    page(scenario)
    assert sorted(file.name for file in STATIC.iterdir()) == sorted(PAGE_FILES)
    scripts = "".join((STATIC / name).read_text() for name in PAGE_FILES)
    assert set(re.findall(r'from "\./([^"]+)"', scripts)) <= set(PAGE_FILES)
    assert not re.search(r"https?://", scripts)
    assert "innerHTML" not in scripts


def test_a_button_calls_its_services_and_tells_their_answer(page):
    async def scenario(client, board, robot):
        assert await body(client, "POST", "/do/enable") == (200, {"success": True, "message": "done"})
        robot.refuse["policy/start"] = "no goal yet"
        assert (await body(client, "POST", "/do/start"))[1] == {"success": False, "message": "no goal yet"}
        assert robot.asked == [("arm/enable", True), ("policy/start", None)]
        assert board.snapshot({})["events"][-1]["text"] == "start: no goal yet"

    page(scenario)


def test_an_e_stop_makes_all_its_calls_and_tells_what_the_arm_said(page):
    async def scenario(client, board, robot):
        robot.refuse["policy/pause"] = "nobody is there"
        assert (await body(client, "POST", "/do/estop"))[1]["success"]
        robot.refuse = {"arm/estop": "the arm does not answer"}
        assert (await body(client, "POST", "/do/estop"))[1]["message"] == "the arm does not answer"
        assert robot.asked == 2 * [("arm/estop", None), ("policy/pause", None)]

    page(scenario)


def test_an_e_stop_is_answered_although_the_policy_hangs(page):
    async def scenario(client, board, robot):
        robot.silent = {"policy/pause"}
        answer = await asyncio.wait_for(body(client, "POST", "/do/estop"), 5)
        assert answer == (200, {"success": True, "message": "done"})
        assert ("policy/pause", None) in robot.asked

    page(scenario)


def test_the_name_of_a_file_is_not_given_to_a_goal_that_was_captured_instead(page):
    async def scenario(client, board, robot):
        await body(client, "POST", "/goals?name=bad.png", data=b"no image")
        await body(client, "POST", "/do/capture_goal")
        board.goals.put(np.zeros((6, 8, 3), np.uint8))
        assert board.goals.facts()["items"][0]["label"] == ""

    page(scenario)


def test_keep_is_not_followed_by_accept_when_the_recorder_cannot_stop(page):
    async def scenario(client, board, robot):
        board.hear("recorder", {"state": "recording"})
        robot.refuse["recorder/stop"] = "the disk is full"
        assert not (await body(client, "POST", "/do/keep"))[1]["success"]
        assert robot.asked == [("recorder/stop", None)]

    page(scenario)


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("POST", "/do/explode", "there is no command 'explode'"),
        ("POST", "/do/keep", "nothing to keep"),
        ("POST", "/goals/0123", "load the page again"),
        ("DELETE", "/goals/0123", "load the page again"),
        ("POST", "/goals", "the file is empty"),
        ("POST", "/cameras/wirst", "did you mean 'wrist'"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(page, method, path, words):
    async def scenario(client, board, robot):
        board.cameras = ("over_shoulder", "wrist")
        status, answer = await body(client, method, path)
        assert (status, answer["success"]) == (409, False)
        assert words in answer["message"]

    page(scenario)


def test_goals_stages_and_speed_are_sent_to_the_robot(page):
    async def scenario(client, board, robot):
        image = np.zeros((6, 8, 3), np.uint8)
        goal = board.goals.put(image, "cup.png")
        async with client.get(f"/goals/{goal}.png") as answer:
            assert (answer.content_type, (await answer.read())[:4]) == ("image/png", b"\x89PNG")
        await body(client, "POST", f"/goals/{goal}")
        await body(client, "POST", "/goals?name=plate.png", data=b"file")
        await body(client, "POST", "/stages/2")
        await body(client, "POST", "/speed/50")
        assert robot.asked == [("goal", goal), ("file", b"file"), ("stage", 2), ("speed", 0.5)]
        board.goals.put(image + 1, "image")
        assert board.goals.facts()["items"][0]["label"] == "plate.png"

    page(scenario)


def test_a_socket_tells_pictures_and_facts_and_counts_its_viewers(page):
    async def scenario(client, board, robot):
        board.show("live", b"JPEG\nwith a newline")
        board.hear("arm", {"mode": "disabled", "reason": "waits"})
        async with client.ws_connect("/live") as socket:
            messages = [await socket.receive(5) for _ in range(2)]
            assert robot.viewers == 1
        binary, text = sorted(messages, key=lambda message: message.type == WSMsgType.TEXT)
        head, _, picture = binary.data.partition(b"\n")
        name, age_ms = head.split()
        assert (name, picture, int(age_ms) < 5000) == (b"live", b"JPEG\nwith a newline", True)
        facts = json.loads(text.data)
        assert facts["arm"]["mode"] == "disabled"
        assert facts["blocked"]["start"]
        for _ in range(100):
            if robot.viewers == 0:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("a browser that left is still counted")

    page(scenario)


def test_nothing_piles_up_before_a_browser_that_does_not_answer_and_what_comes_then_says_how_old_it_is(page):
    """Behind a slow network pictures came 10 s late, and were called 6 ms old."""

    async def scenario(client, board, robot):
        async with client.ws_connect("/live") as socket:
            assert (await socket.receive(5)).type == WSMsgType.TEXT
            for number in range(30):
                board.show("live", str(number).encode())
                await asyncio.sleep(PICTURES_PERIOD_S)
            board.show("live", b"newest")
            await socket.send_str("")
            messages = []
            while not messages or messages[-1].type != WSMsgType.TEXT:
                messages.append(await socket.receive(5))
        *before, (head, picture) = (message.data.split(b"\n") for message in messages[:-1])
        assert len(before) < FACTS_EVERY
        assert picture == b"newest"
        assert int(head.split()[1]) >= 1e3 * 30 * PICTURES_PERIOD_S

    page(scenario)


@pytest.mark.parametrize("path", ["/do/estop", "/live", "/", "/goals/0.png"])
def test_a_page_of_another_site_may_ask_nothing(page, path):
    async def scenario(client, board, robot):
        method = "POST" if path.startswith("/do") else "GET"
        for strange in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
            async with client.request(method, path, headers=strange) as answer:
                assert answer.status == 403
        assert robot.asked == []

    page(scenario)


def test_with_a_token_nobody_without_it_may_do_or_see_anything(page):
    async def scenario(client, board, robot):
        for method, path in (("GET", "/"), ("GET", "/live"), ("POST", "/do/enable"), ("POST", "/do/estop?token=x")):
            async with client.request(method, path, headers={"Host": "robot.lab"}) as answer:
                assert answer.status == 403
        assert robot.asked == []
        async with client.get("/?token=secret") as answer:
            assert answer.status == 200
        assert (await body(client, "POST", "/do/enable"))[0] == 200, "the cookie carries it on"

    page(scenario, token="secret")
