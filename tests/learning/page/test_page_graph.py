"""Real clicks in headless Chromium against the running graph: simulated arm, policy, recorder and the page's node."""

import asyncio
import re
from contextlib import asynccontextmanager, suppress

import cv2
import numpy as np
import pytest

from crl_data.store import Store
from crl_robot.graph import Graph, NodeCommand

pytest.importorskip("rclpy")
pytestmark = [pytest.mark.ros, pytest.mark.slow]

DEADLINE_S = 60.0
ADDRESS = re.compile(r"operator page: (http://\S+)")


# A busy machine delivers old images; what is tested here is the page.
PATIENT = {"max_age_ms": 10_000.0, "align_ms": 10_000.0}
SIM = NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml", {"enable_on_start": False})
PAGE = NodeCommand("page", "crl_learning.nodes.page_node", "ros/page.yaml", {"port": 0})
ACTING = {"checkpoint": "null", "start_on_activate": False} | PATIENT
POLICY = NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", ACTING)


def recorder(store):
    record = {"store": str(store), "cameras": ["over_shoulder"], "steps_from": "clock"}
    record |= {"max_age_s": 10.0, "align_tolerance_s": 1.0}
    return NodeCommand("recorder", "crl_data.nodes.recorder_node", "ros/recorder.yaml", record)


async def address_of(graph):
    end = asyncio.get_running_loop().time() + DEADLINE_S
    while asyncio.get_running_loop().time() < end:
        graph.check()
        found = ADDRESS.search(graph.log_path("page").read_text())
        if found:
            return found[1]
        await asyncio.sleep(0.1)
    raise AssertionError("the page did not start")


@pytest.fixture
def running(browse, tmp_path):
    """A context with a page that is open beside the simulated arm and the given node."""

    @asynccontextmanager
    async def started(node):
        with Graph([SIM, node, PAGE], tmp_path / "logs", patience_s=30.0) as graph:
            async with browse(await address_of(graph)) as page:
                yield page
                assert page.complaints == []
            codes = graph.stop()
        assert set(codes.values()) == {0}, codes

    return started


def test_an_operator_enables_stops_resets_and_records_with_the_mouse(running, tmp_path):
    async def scenario():
        async with running(recorder(tmp_path / "kept.zarr")) as page:
            await page.until_text("#arm-mode", "disabled")
            await page.until("document.getElementById('live-empty').hidden")
            await page.until("[...document.getElementById('camera').options].map((o) => o.value).includes('wrist')")
            await page.click("[data-do=enable]")
            await page.until_text("#arm-mode", "holding")
            await page.click("[data-do=record]")
            await page.until("/[1-9][0-9]* steps/.test(document.getElementById('recorder-facts').textContent)")
            await page.click("#estop")
            await page.until_text("#arm-mode", "e-stopped")
            await page.until("!document.getElementById('latched').hidden")
            await page.click("[data-do=reset]")
            await page.until_text("#arm-mode", "disabled")
            await page.click("[data-do=success]")
            await page.until_text("#recorder-facts", "marked success")
            await page.click("[data-do=keep]")
            await page.until_text("#recorder-facts", "1 kept")

    asyncio.run(scenario())
    store = Store.open(tmp_path / "kept.zarr")
    (episode,) = store.episode_ids()
    assert store.meta(episode).success is True


async def capture(page):
    """Captures are refused until the policy has heard what the arm's actions mean; an operator clicks again."""
    chosen = "document.querySelector('#shelf .chosen')?.textContent.includes('captured')"
    for _ in range(10):
        await page.click("[data-do=capture_goal]")
        with suppress(AssertionError):
            return await page.until(chosen, deadline_s=5)
    return await page.until(chosen)


def test_an_operator_captures_a_goal_and_runs_the_policy_with_the_mouse(running, tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "cup.png"), picture)

    async def scenario():
        async with running(POLICY) as page:
            await page.until_text("#policy-state", "ready")
            await page.until("document.getElementById('live-empty').hidden")
            await capture(page)
            await page.until_text("#hint", "Enable the arm first")
            await page.click("[data-do=enable]")
            await page.click("[data-do=start]")
            await page.until_text("#policy-state", "running")
            await page.until("document.querySelector('#timing-numbers b')?.textContent.match(/[0-9]/)")
            await page.click("[data-do=hand_over]")
            await page.until_text("#policy-state", "handed over")
            await page.click("[data-do=resume]")
            await page.until_text("#policy-state", "running")
            await page.click("[data-do=pause]")
            await page.until_text("#policy-state", "paused")
            await page.choose_file("#file", tmp_path / "cup.png")
            await page.until_text("#shelf .chosen", "cup.png")
            await page.click("#shelf .tile:not(.chosen):not(.add)")
            await page.until_text("#shelf .chosen", "captured")
            await page.click("[data-do=start]")
            await page.until_text("#policy-state", "running")
            await page.click("#estop")
            await page.until_text("#arm-mode", "e-stopped")
            await page.until_text("#policy-state", "paused")
            await page.click("[data-do=stop]")
            await page.until_text("#policy-state", "ended")

    asyncio.run(scenario())
