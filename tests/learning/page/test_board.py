import json
from datetime import datetime

import numpy as np
import pytest

from crl_learning.page.board import KEPT_EVENTS, Board
from crl_learning.page.goal_shelf import KEPT, GoalShelf, label_of
from crl_learning.page.series import Ring
from crl_robot.errors import ConfigError


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def image(value):
    return np.full((6, 8, 3), value, np.uint8)


def test_a_node_that_falls_silent_counts_as_away():
    clock = Clock()
    board = Board(clock)
    board.hear("policy", {"state": "ready"})
    assert board.facts("policy") == {"state": "ready"}
    clock.now += 10
    assert board.facts("policy") is None
    assert board.snapshot({})["policy"] is None


def test_who_was_heard_once_and_fell_silent_is_named_and_who_was_never_there_is_not():
    clock = Clock()
    board = Board(clock)
    board.hear("run", {"state": "recording", "folder": "runs/a"})
    board.hear("recorder", {"state": "idle"})
    assert board.snapshot({})["silent"] == []
    clock.now += 10
    board.hear("recorder", {"state": "idle"})
    told = board.snapshot({})
    assert (told["run"], told["silent"]) == (None, ["run"])


def test_a_browser_gets_each_sample_and_event_once():
    board = Board(Clock())
    for value in range(3):
        board.sample("timing", value, value, value)
        board.note("info", str(value))
    first = board.snapshot({})
    assert [row[1] for row in first["samples"]["timing"]] == [0, 1, 2]
    assert [event["text"] for event in first["events"]] == ["0", "1", "2"]
    board.sample("timing", 3, None, np.inf)
    board.note("info", "3")
    second = board.snapshot(first["numbers"])
    assert second["samples"]["timing"] == [[0.0, 3.0, None, None]]
    assert [event["text"] for event in second["events"]] == ["3"]
    third = board.snapshot(second["numbers"])
    assert (third["samples"]["timing"], third["events"]) == ([], [])
    json.dumps(second, allow_nan=False)


def test_a_browser_that_was_away_for_long_gets_what_is_still_kept():
    ring = Ring(kept=3)
    for value in range(10):
        ring.add(value, [value])
    assert ring.since(0) == [[7, 7], [8, 8], [9, 9]]
    assert ring.since(9) == [[9, 9]]
    assert ring.since(99) == []
    board = Board(Clock())
    for number in range(KEPT_EVENTS + 5):
        board.note("info", str(number))
    assert len(board.snapshot({})["events"]) == KEPT_EVENTS
    assert len(board.snapshot({"events": 3})["events"]) == KEPT_EVENTS


def test_only_pictures_that_are_new_to_a_browser_are_given_with_their_age():
    clock = Clock()
    board = Board(clock)
    board.show("live", b"one")
    board.show("goal", b"goal")
    seen = {name: picture.number for name, picture in board.pictures({}).items()}
    board.show("live", b"two")
    clock.now += 2.5
    (picture,) = board.pictures(seen).values()
    assert (picture.data, picture.age_ms) == (b"two", 2500)


def test_a_goal_stands_on_the_shelf_once_newest_first():
    shelf = GoalShelf()
    first, second = shelf.put(image(1), "one.png"), shelf.put(image(2), "two.png")
    assert shelf.put(image(1), "again") == first
    assert [item["label"] for item in shelf.facts()["items"]] == ["two.png", "one.png"]
    assert shelf.facts()["chosen"] == first
    np.testing.assert_array_equal(shelf.get(second).image, image(2))


def test_a_goal_that_was_sent_from_the_page_keeps_its_files_name():
    shelf = GoalShelf()
    shelf.expect("cup.png")
    shelf.put(image(1), "image")
    shelf.put(image(2), "image")
    assert [item["label"] for item in shelf.facts()["items"]] == ["image", "cup.png"]


def test_the_goal_in_force_cannot_be_taken_off_the_shelf():
    shelf = GoalShelf()
    first, second = shelf.put(image(1), "a"), shelf.put(image(2), "b")
    shelf.take_off(first)
    with pytest.raises(ConfigError, match="in force"):
        shelf.take_off(second)
    with pytest.raises(ConfigError, match="load the page again"):
        shelf.get(first)


def test_the_shelf_forgets_the_oldest_goals():
    shelf = GoalShelf()
    for value in range(KEPT + 3):
        shelf.put(image(value), str(value))
    items = shelf.facts()["items"]
    assert (len(items), items[-1]["label"]) == (KEPT, "3")


def test_the_chosen_camera_comes_first():
    board = Board(Clock())
    board.cameras = ("over_shoulder", "wrist")
    board.choose_camera("wrist")
    assert board.snapshot({})["cameras"] == ("wrist", "over_shoulder")


def test_cameras_that_are_found_come_behind_the_shown_one_which_stays():
    board = Board(Clock())
    board.cameras = ("over_shoulder",)
    board.found_cameras(["wrist", "front"])
    assert board.cameras == ("over_shoulder", "front", "wrist")
    board.found_cameras(["over_shoulder", "wrist"])
    assert board.cameras == ("over_shoulder", "wrist")


def test_a_goal_is_named_by_the_policys_status_that_comes_after_it():
    board = Board(Clock())
    board.hear("policy", {"state": "ready", "goal": "/data/first.png"})
    board.take_goal(image(1))
    assert board.goals.facts()["items"][0]["label"] == ""
    for name in ("cup.png", "another.png"):
        board.hear("policy", {"state": "ready", "goal": f"/data/{name}"})
    assert board.goals.facts()["items"][0]["label"] == "cup.png"
    told = [event["text"] for event in board.snapshot({})["events"]]
    assert told == ["policy ready", "new goal: cup.png"]


def test_a_file_that_is_refused_does_not_name_the_next_goal():
    board = Board(Clock())
    board.goals.expect("bad.png")
    board.hear("policy", {"state": "ready", "goal": "", "goal_refused": "no image"})
    board.take_goal(image(1))
    board.hear("policy", {"state": "ready", "goal": "/data/cup.png", "goal_refused": ""})
    assert board.goals.facts()["items"][0]["label"] == "cup.png"


def test_a_known_goal_that_is_chosen_again_is_told_by_the_name_it_has():
    board = Board(Clock())
    for value in (1, 2, 1):
        board.take_goal(image(value))
        board.hear("policy", {"state": "ready", "goal": f"/data/{value}.png"})
    told = [event["text"] for event in board.snapshot({})["events"]]
    assert [text for text in told if "goal" in text] == [f"new goal: {value}.png" for value in (1, 2, 1)]


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("/data/cup.png", "cup.png"),
        ("/data/play.zarr#p00012:40", "play.zarr#p00012:40"),
        ("captured over_shoulder 1795282382835574429", "captured 09:05:07"),
        ("goal/image/compressed", "sent 09:05:07"),
        ("goal/over_shoulder/image+goal/wrist/image", "sent 09:05:07"),
        ("goal/over_shoulder/image/compressed+goal/wrist/image", "sent 09:05:07"),
        ("goal/shoulder.png+goal/wrist.png", "wrist.png"),
    ],
)
def test_a_thumbnail_has_a_name_that_a_person_can_read(source, label):
    assert label_of(source, datetime(2026, 1, 2, 9, 5, 7)) == label
