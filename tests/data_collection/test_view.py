"""The page of `crl-data view`: what it serves, what it refuses, and that it never writes."""

import asyncio
import os
import re
import signal
import threading

import cv2
import numpy as np
import pytest
from aiohttp.test_utils import TestClient, TestServer

from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.store import Store
from crl_data.view.server import PAGE_FILES, STATIC, make_app, serve
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ConfigError


def ask(store, *paths, token=None, headers=None, method="GET"):
    """(status, content type, body) of each path, asked one after the other in one session."""

    async def run():
        async with TestClient(TestServer(make_app(store, token))) as client:
            answers = []
            for path in paths:
                async with client.request(method, path, headers=headers) as answer:
                    is_json = answer.content_type == "application/json"
                    body = await answer.json() if is_json else await answer.read()
                    answers.append((answer.status, answer.content_type, body))
            return answers

    return asyncio.run(run())


def snapshot(path):
    return {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in sorted(path.parent.rglob("*"))}


def test_every_file_of_the_page_is_served_and_links_only_to_such_files(store):
    assert sorted(file.name for file in STATIC.iterdir()) == sorted(PAGE_FILES)
    answers = ask(store, "/", *(f"/static/{name}" for name in PAGE_FILES))
    assert {status for status, *_ in answers} == {200}
    page = answers[0][2].decode()
    assert set(re.findall(r'(?:src|href)="static/([^"]+)"', page)) <= set(PAGE_FILES)
    scripts = "".join((STATIC / name).read_text() for name in PAGE_FILES)
    assert set(re.findall(r'from "\./([^"]+)"', scripts)) <= set(PAGE_FILES)
    assert not re.search(r"https?://", scripts)
    assert "innerHTML" not in scripts


def test_the_list_has_a_row_per_episode_with_marks_and_losses(store, samples):
    with EpisodeWriter(store, source="recorder", episode_id="one", operator="Ada") as writer:
        samples.fill(writer)
        writer.mark_goal()
        writer.commit(success=True, note="<b>bold</b>", lost={"over_shoulder": 3})
    ((_, _, about), (_, _, rows)) = ask(store, "/api/store", "/api/episodes")
    assert about["cameras"]["over_shoulder"]["native"] == [32, 24]
    (row,) = rows
    assert (row["id"], row["operator"], row["success"], row["goals"]) == ("one", "Ada", True, 1)
    assert (row["lost"], row["note"]) == ({"over_shoulder": 3}, "<b>bold</b>")


def test_an_episode_has_its_series_true_times_ages_and_gaps(store, samples):
    samples.write(store, "one", 4)
    ((_, _, episode),) = ask(store, "/api/episodes/one")
    assert episode["times"] == [0.0, 0.2, 0.4, 0.6]
    assert episode["true_times"]
    assert episode["ages"]["over_shoulder"] == [5.0] * 4
    assert episode["gaps"] == []
    expected = store.array(store.meta("one"), "action_commanded")
    np.testing.assert_allclose(episode["series"]["action_commanded"], expected, atol=1e-5)
    assert len(episode["series"]["joints"][0]) == 6


def test_an_episode_without_clock_and_joints_is_shown_at_the_nominal_rate(tmp_path, samples):
    spec = StoreSpec(ActionSpec(), {"front": CameraSpec(samples.native)}, "arm", (), ("achieved",))
    store = Store.create(tmp_path / "a.zarr", spec)
    with EpisodeFile(store, "one") as file:
        for _ in range(2):
            file.add_frame("front", samples.image())
        file.commit(EpisodeMeta("one", "import", clock="none"), {"action_achieved": np.zeros((2, 7), np.float32)})
    ((status, _, episode), (frame, *_)) = ask(store, "/api/episodes/one", "/api/episodes/one/frames/front/1")
    assert (status, frame) == (200, 200)
    assert (episode["times"], episode["true_times"], episode["ages"]) == ([0.0, 0.2], False, {})
    assert list(episode["series"]) == ["action_achieved"]


def test_goals_of_a_run_are_named_and_their_pictures_served(store, samples):
    told = samples.told(4, change=2)
    with EpisodeWriter(store, source="test", episode_id="run") as writer:
        samples.fill(writer)
        writer.tell(told)
        writer.commit()
    path = "/api/episodes/run/goals/over_shoulder"
    (_, _, episode), (status, kind, data), (missing, *_) = ask(store, "/api/episodes/run", f"{path}/1", f"{path}/2")
    assert [(goal["name"], goal["from_step"]) for goal in episode["goals"]] == [("0.png", 0), ("1.png", 2)]
    assert episode["series"]["progress/steps"] == [20, 19, 18, 17]
    assert (status, kind, missing) == (200, "image/png", 404)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(picture, told.goals[1].pictures["over_shoulder"]())
    (store.folder("run") / "goals/from_step/zarr.json").unlink()
    ((_, _, damaged),) = ask(store, "/api/episodes/run")
    assert (damaged["goals"], list(damaged["errors"])) == ([], ["goals"])


def test_values_that_are_not_finite_become_null(store, samples):
    samples.write(store, "one", 2)
    meta = store.meta("one")
    arrays = {n: store.array(meta, n).copy() for n in ("stamp_ns", "action_commanded", "action_achieved", "gripper")}
    arrays["gripper"][1] = np.nan
    with EpisodeFile(store, "two") as file:
        for stamp in arrays["stamp_ns"].tolist():
            file.add_frame("over_shoulder", samples.image(), stamp, stamp)
        file.commit(EpisodeMeta("two", "test"), arrays)
    ((_, _, episode),) = ask(store, "/api/episodes/two")
    assert episode["series"]["gripper"][1] is None


@pytest.mark.parametrize(("encoding", "kind"), [("jpeg", "image/jpeg"), ("lossless", "image/png")])
def test_a_frame_is_what_the_store_holds(tmp_path, samples, encoding, kind):
    store = Store.create(tmp_path / "a.zarr", samples.spec(encoding))
    samples.write(store, "one", 3)
    ((status, got, data),) = ask(store, "/api/episodes/one/frames/over_shoulder/2")
    assert (status, got) == (200, kind)
    image = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(image, store.track(store.meta("one"), "over_shoulder").frame(2))


def test_a_damaged_episode_says_why_and_the_others_are_served(store, samples):
    for name in ("one", "two", "three"):
        samples.write(store, name, 3)
    (store.folder("one") / "zarr.json").write_text("{")
    file = store.track(store.meta("two"), "over_shoulder").file
    data = bytearray(file.read_bytes())
    data[-10] ^= 255
    file.write_bytes(data)
    (store.folder("two") / "joints" / "c.0.0").write_bytes(b"short")
    answers = ask(
        store,
        "/api/episodes",
        "/api/episodes/one",
        "/api/episodes/two",
        "/api/episodes/two/frames/over_shoulder/2",
        "/api/episodes/two/frames/over_shoulder/0",
        "/api/episodes/three",
    )
    assert [status for status, *_ in answers] == [200, 404, 200, 404, 200, 200]
    rows = {row["id"]: row for row in answers[0][2]}
    assert "not a readable zarr group" in rows["one"]["error"]
    assert "not a readable zarr group" in answers[1][2]["error"]
    assert list(answers[2][2]["errors"]) == ["joints"]
    assert "damaged" in answers[3][2]["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/..%2fserver.py",
        "/static/%2e%2e/server.py",
        "/static/server.py",
        "/api/episodes/..",
        "/api/episodes/..%2f..%2fsecret",
        "/api/episodes/%2fetc%2fpasswd",
        "/api/episodes/one/frames/..%2f..%2fjoints/0",
        "/api/episodes/one/frames/over_shoulder/-1",
        "/api/episodes/one/frames/over_shoulder/4",
        "/api/episodes/one/frames/over_shoulder/99999999999999999999",
        "/api/episodes/none",
    ],
)
def test_nothing_outside_the_store_and_the_page_is_served(store, samples, path):
    samples.write(store, "one", 4)
    (store.path.parent / "secret").mkdir()
    ((status, _, body),) = ask(store, path)
    assert status == 404
    assert b"import" not in (body if isinstance(body, bytes) else b"")


def test_looking_changes_nothing_and_other_methods_are_refused(store, samples):
    samples.write(store, "one", 4)
    before = snapshot(store.path)
    ask(store, "/", "/api/episodes", "/api/episodes/one", "/api/episodes/one/frames/over_shoulder/0")
    for method in ("POST", "PUT", "DELETE"):
        assert {status for status, *_ in ask(store, "/api/episodes/one", method=method)} == {405}
    assert snapshot(store.path) == before


def test_another_sites_name_for_this_machine_is_refused(store):
    ((status, _, body),) = ask(store, "/api/store", headers={"Host": "evil.example"})
    assert status == 403
    assert b"localhost" in body


def test_with_a_token_only_those_who_have_it_get_in_and_a_cookie_carries_it_on(store):
    assert ask(store, "/api/store", token="secret")[0][0] == 403
    assert ask(store, "/?token=wrong", token="secret")[0][0] == 403
    answers = ask(store, "/?token=secret", "/api/store", token="secret", headers={"Host": "robot.lab"})
    assert [status for status, *_ in answers] == [200, 200]


def test_it_listens_until_it_is_stopped(store):
    told = []

    def stop(address):
        told.append(address)
        threading.Timer(0, os.kill, (os.getpid(), signal.SIGTERM)).start()

    assert serve(store, "localhost", 0, stop) == 0
    assert re.fullmatch(r"http://localhost:\d+/", told[0])


def test_another_host_gets_a_token_in_its_address(store):
    told = []

    def stop(address):
        told.append(address)
        threading.Timer(0, os.kill, (os.getpid(), signal.SIGTERM)).start()

    assert serve(store, "127.0.0.2", 0, stop) == 0
    assert re.fullmatch(r"http://127\.0\.0\.2:\d+/\?token=[\w-]{20,}", told[0])


def test_an_address_that_cannot_be_used_is_refused(store):
    with pytest.raises(ConfigError, match="choose another --host or --port"):
        serve(store, "192.0.2.1", 1, lambda address: None)
