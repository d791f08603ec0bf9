"""Real clicks in headless Chromium against the running graph: simulated arm, policy, recorders and the page's node."""

import asyncio
import json

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy")

from page_graphs import PAGE, policy, recorder, run_recorder, running

from crl_data.store import Store

pytestmark = [pytest.mark.ros, pytest.mark.slow]

WRIST_SEEN = "[...document.getElementById('camera').options].some(({value}) => value === 'wrist')"
CAPTURED = "document.querySelector('#shelf .chosen')?.textContent.includes('captured')"
CAMERA_SHOWN = "document.getElementById('camera').value"
BRIGHTNESS = """(() => {
  const pen = new OffscreenCanvas(32, 24).getContext("2d", { willReadFrequently: true });
  pen.drawImage(document.getElementById("live"), 0, 0, 32, 24);
  return pen.getImageData(0, 0, 32, 24).data.reduce((sum, value) => sum + value);
})()"""


def picture(path, seed):
    image = np.random.default_rng(seed).integers(0, 255, (240, 320, 3), np.uint8)
    cv2.imwrite(str(path), image)
    return path


def test_an_operator_moves_stops_and_records_with_the_mouse_and_a_second_page(browse, tmp_path):
    async def enable_home_and_disable(page, ears):
        await page.click("[data-do=enable]")
        await ears.until("arm", lambda arm: arm["mode"] == "holding")
        await page.click("[data-do=home]", times=2)
        await ears.until("arm", lambda arm: arm["counters"].get("homed") == 1)
        await page.click("[data-do=disable]")
        await ears.until("arm", lambda arm: arm["mode"] == "disabled")
        await page.until("!document.querySelector('[data-do=enable]').hidden")

    async def see_another_camera(page):
        await page.until("document.getElementById('live-empty').hidden")
        await page.until(WRIST_SEEN)
        before = await page.value(BRIGHTNESS)
        await page.choose("#camera", "ArrowDown")
        await page.until(f"Math.abs({BRIGHTNESS} / {before} - 1) > 0.05")
        assert await page.value(CAMERA_SHOWN) == "wrist"

    async def record_drop_and_record_again(page, ears):
        await page.click("[data-do=record]")
        await ears.until("recorder", lambda status: status.get("steps", 0) > 0)
        await page.click("[data-do=drop]")
        await ears.until("recorder", lambda status: status["state"] == "idle")
        await page.until("!document.querySelector('[data-do=record]').disabled")
        await page.press("r")
        await page.until("/[1-9][0-9]* steps/.test(document.getElementById('recorder-facts').textContent)")

    async def stop_on_a_second_page(desk, page, ears):
        async with browse(desk.address) as other:
            await page.until_text("#viewers", "2 pages are open")
            await other.click("#estop")
            await ears.until("arm", lambda arm: arm["mode"] == "estopped")
            await page.until_text("#arm-mode", "e-stopped")
            assert "reset" in await page.value("document.querySelector('[data-do=enable]').title")
            ears.hold_stop(True)
            await page.click("[data-do=reset]")
            await page.until_text("#toast:not(.fine)", "release that e-stop")
            await other.until_text("#events .error", "release that e-stop")
            ears.hold_stop(False)
            await other.click_until("[data-do=reset]", "document.getElementById('arm-mode').textContent === 'disabled'")
            await ears.until("arm", lambda arm: arm["mode"] == "disabled")
        await page.until("document.getElementById('viewers').hidden")

    async def judge_and_keep(page, ears):
        steps = ears.heard["recorder/status"]["steps"]
        await page.reload()
        await page.until_text("#record-state", "recording")
        await ears.until("recorder", lambda status: status["steps"] > steps)
        await page.click("[data-do=success]")
        await page.until_text("#recorder-facts", "marked success")
        await page.click("[data-do=failure]")
        await page.until_text("#recorder-facts", "marked failure")
        await page.click("[data-do=keep]", times=2)
        await page.until_text("#recorder-facts", "1 kept")
        await page.until_text("#toast.fine", "committed episode")
        assert "keep:" not in await page.text("#events")

    async def scenario():
        async with running(browse, [recorder(tmp_path / "kept.zarr"), PAGE], tmp_path / "logs") as desk:
            page, ears = desk.page, desk.ears
            await page.until_text("#arm-mode", "disabled")
            await see_another_camera(page)
            await enable_home_and_disable(page, ears)
            await record_drop_and_record_again(page, ears)
            await stop_on_a_second_page(desk, page, ears)
            await judge_and_keep(page, ears)

    asyncio.run(scenario())
    store = Store.open(tmp_path / "kept.zarr")
    (episode,) = store.episode_ids()
    assert store.meta(episode).success is False


def test_an_operator_chooses_goals_and_runs_and_judges_the_policy_with_the_mouse(browse, tmp_path):
    goals = [picture(tmp_path / f"{name}.png", seed) for seed, name in enumerate(("open", "pick", "cup", "plate"))]

    def state(wanted):
        return lambda status: status["state"] == wanted

    def actions(arm):
        return sum(arm["counters"].get(answer, 0) for answer in ("accepted", "stale_action"))

    async def go_through_the_stages(page, ears):
        await page.click("[data-do=next_stage]")
        await ears.until("policy", lambda status: status["stage"] == 1)
        await page.click("[data-stage='0']")
        await ears.until("policy", lambda status: status["stage"] == 0)
        await page.click("[data-do=check]")
        await page.until_text("#toast", "latency")

    async def take_a_step_and_judge_it_later(page, ears):
        await page.click("[data-do=enable]")
        await page.click("[data-do=step]", times=2)
        await page.until_text("#hint", "The single step is done")
        await ears.until("arm", lambda arm: actions(arm) == 1)
        await asyncio.to_thread(ears.wait_for, 1.2)  # a second one would be told by now
        assert actions(ears.heard["arm/status"]) == 1
        await page.click("[data-do=stop]")
        await page.until_text("#run-facts", "waits for your verdict")
        await page.click("[data-do=run_success]")
        await ears.until("run", state("waiting"))

    async def run_at_half_speed_and_judge(page, ears):
        await page.click("[data-do=start]", times=2)
        await ears.until("policy", state("running"))
        await page.until_text("#toast.fine", "acting")
        await page.until_text("[data-do=home]:disabled", "Home")
        await page.choose("#speed", "ArrowUp")
        await ears.until("policy", lambda status: status["speed"] == 0.5)
        await page.until_text("#run-time", "speed 0.5")
        await page.press("p")  # although the list has the focus
        await ears.until("policy", state("paused"))
        await page.click("[data-do=run_failure]")
        await page.until_text("#run-facts", "noted: it failed")
        await page.reload()
        await page.until_text("#policy-state", "paused")
        assert await page.value("document.getElementById('speed').value") == "50"

    async def hand_over_and_stop(page, ears):
        await page.click("[data-do=hand_over]")
        await ears.until("policy", lambda status: status["state"] == "handed_over" and not status["commands_arm"])
        await page.click("[data-do=resume]")
        await ears.until("policy", state("running"))
        await page.click("[data-do=pause]")
        await ears.until("policy", state("paused"))
        await page.click("[data-do=start]")
        await ears.until("policy", state("running"))
        await page.click("#estop")
        await ears.until("arm", lambda arm: arm["mode"] == "estopped")
        await ears.until("policy", state("paused"))
        await page.click("[data-do=stop]")
        await ears.until("run", lambda status: status["state"] == "waiting" and status["runs"] == 2)

    async def choose_goals(page, ears):
        await page.choose_file("#file", tmp_path / "cup.png")
        await page.until_text("#shelf .chosen", "cup.png")
        await page.drop_file("#live", tmp_path / "plate.png")
        await page.until_text("#shelf .chosen", "plate.png")
        await page.click("#overlay")
        await page.until_text("#overlay-value", "50 %")
        await page.click("#shelf .tile:nth-child(2)")
        await page.until_text("#shelf .chosen", "cup.png")
        await page.click("#shelf .tile:nth-child(1) .remove")
        await page.until("!document.getElementById('shelf').textContent.includes('plate.png')")
        no_image = tmp_path / "words.png"
        no_image.write_text("no image")
        await page.choose_file("#file", no_image)
        await page.until_text("#refused:not([hidden])", "The goal before it stays in force")
        assert "cup.png" in await page.text("#shelf .chosen")
        await page.click_until("[data-do=capture_goal]", CAPTURED)
        await page.until("document.getElementById('refused').hidden")

    async def scenario():
        nodes = [policy(",".join(map(str, goals[:2]))), run_recorder(tmp_path / "runs"), PAGE]
        async with running(browse, nodes, tmp_path / "logs") as desk:
            page, ears = desk.page, desk.ears
            await page.until_text("#policy-state", "ready")
            await page.until("document.getElementById('live-empty').hidden")
            await go_through_the_stages(page, ears)
            await take_a_step_and_judge_it_later(page, ears)
            await run_at_half_speed_and_judge(page, ears)
            await hand_over_and_stop(page, ears)
            await choose_goals(page, ears)

    asyncio.run(scenario())
    runs = [json.loads((run / "run.json").read_text()) for run in sorted((tmp_path / "runs").iterdir())]
    assert [(run["success"], run["judge"]) for run in runs] == [(True, "operator"), (False, "operator")]
