"""Goals of several cameras that come picture by picture: whole or not at all, later ones count, nothing piles up."""

import numpy as np
import pytest

from crl_learning.goals.collecting import REMEMBERED, WAIT_S, GoalCollector
from crl_learning.goals.topics import goal_topics, strange_cameras
from crl_robot.errors import GoalImageError

CAMERAS = ("over_shoulder", "wrist", "top")


class Desk:
    """A collector, and what came of what it was given."""

    def __init__(self, cameras=CAMERAS):
        self.told, self.whole = [], []
        self.collector = GoalCollector(cameras, self.told.append)

    def add(self, camera, stamp, now_s=0.0, picture=None):
        try:
            whole = self.collector.add(camera, stamp, picture or (camera, stamp), now_s)
        except GoalImageError as error:
            self.told.append(str(error))
            return None
        if whole is not None:
            self.whole.append(whole)
        return whole


@pytest.fixture
def desk():
    return Desk()


@pytest.mark.parametrize("seed", range(40))
def test_however_pictures_are_shuffled_doubled_and_lost_a_goal_is_of_one_stamp_and_all_cameras(seed):
    """Interleaved sets in any order: what is taken is whole, no goal twice, none older than the one before."""
    rng, desk, now_s = np.random.default_rng(seed), Desk(), 0.0
    pictures = [(camera, stamp) for stamp in range(1, 13) for camera in CAMERAS for _ in range(rng.integers(0, 3))]
    near = np.argsort(np.arange(len(pictures)) + rng.uniform(0, rng.integers(1, 20), len(pictures)))
    for number in near:
        camera, stamp = pictures[number]
        desk.add(camera, stamp, now_s)
        now_s += rng.exponential(0.05)
        assert desk.collector.held < len(CAMERAS)
    for whole in desk.whole:
        assert list(whole) == list(CAMERAS)
        assert len({stamp for _, stamp in whole.values()}) == 1
        assert all(camera == name for name, (camera, _) in whole.items())
    taken = [whole["top"][1] for whole in desk.whole]
    assert taken == sorted(set(taken))


@pytest.mark.parametrize("seed", range(10))
def test_goals_that_come_one_after_the_other_are_all_taken_whatever_the_order_of_their_cameras(seed, desk):
    rng = np.random.default_rng(seed)
    for stamp in range(1, 200):
        for camera in rng.permutation(CAMERAS):
            desk.add(str(camera), stamp, 0.01 * stamp)
    assert [whole["wrist"][1] for whole in desk.whole] == list(range(1, 200))
    assert desk.told == []


def test_the_last_of_goals_that_are_whole_is_taken_and_each_other_is_told_once(desk):
    for stamp in (1, 2, 3):
        desk.add("wrist", stamp)
    for camera in ("top", "over_shoulder"):
        for stamp in (1, 2, 3):
            desk.add(camera, stamp)
    assert [whole["top"] for whole in desk.whole] == [("top", 3)]
    assert ["stamp 1 was given up" in desk.told[0], "stamp 2 was given up" in desk.told[1]] == [True, True]
    assert len(desk.told) == 2
    assert desk.told[0].endswith(
        "a later one began, with stamp 2 before over_shoulder, top had come; got wrist, expected a picture of each "
        "with the same stamp; send all of them again"
    )


def test_a_goal_that_stays_incomplete_is_given_up_in_time_and_its_late_rest_begins_none(desk):
    desk.add("wrist", 5, 0.0)
    desk.add("top", 5, 0.9 * WAIT_S)  # what comes meanwhile does not lengthen it
    desk.collector.look(WAIT_S)
    assert desk.told == []
    desk.collector.look(WAIT_S + 0.1)
    assert "3 s went by before over_shoulder had come" in desk.told[0]
    assert desk.collector.held == 0
    desk.add("over_shoulder", 5, WAIT_S + 0.2)
    assert desk.collector.held == 0
    for camera in CAMERAS:  # sent again, much later
        desk.add(camera, 5, 3 * WAIT_S)
    assert len(desk.whole) == len(desk.told) == 1


def test_of_one_camera_and_stamp_the_first_picture_counts_before_and_after_the_goal_is_whole(desk):
    """As when raw and compressed pictures of one goal are sent."""
    for camera in CAMERAS:
        desk.add(camera, 7, picture="first")
        desk.add(camera, 7, picture="second")
    assert desk.whole == [dict.fromkeys(CAMERAS, "first")]
    assert desk.collector.passed_over == 3
    assert (desk.collector.held, desk.told) == (0, [])


def test_a_goal_older_than_the_one_before_is_refused_until_that_was_long_ago(desk):
    for camera in CAMERAS:
        desk.add(camera, 100, 0.0)
    desk.add("wrist", 99, 0.1)
    desk.add("top", 99, 0.1)
    assert len(desk.told) == 1
    assert "stamp 99 is older than one that came before it, with stamp 100" in desk.told[0]
    for camera in CAMERAS:  # a clock was put back
        desk.add(camera, 50, WAIT_S + 1)
    assert [whole["top"][1] for whole in desk.whole] == [100, 50]


def test_a_stamp_from_the_far_future_holds_up_goals_for_no_longer_than_the_wait(desk):
    desk.add("wrist", 2**62, 0.0)
    desk.add("wrist", 10, 1.0)
    assert "older" in desk.told[0]
    for camera in CAMERAS:
        desk.add(camera, 11, WAIT_S + 0.1)
    assert [whole["top"][1] for whole in desk.whole] == [11]


@pytest.mark.parametrize(
    ("camera", "stamp", "says"),
    [
        ("front", 1, "camera 'front', expected one of over_shoulder, wrist, top"),
        ("wrist", 0, "stamp 0, expected one"),
        ("wrist", -5, "stamp -5, expected one above 0"),
    ],
)
def test_an_unknown_camera_or_no_stamp_is_refused_and_disturbs_nothing(desk, camera, stamp, says):
    desk.add("wrist", 1)
    desk.add("top", 1)
    desk.add(camera, stamp)
    assert says in desk.told[0]
    assert desk.add("over_shoulder", 1) is not None


def test_a_flood_of_incomplete_goals_is_told_one_by_one_and_holds_one_picture(desk):
    for stamp in range(1, 5001):
        desk.add("wrist", stamp, 1e-4 * stamp)
        assert desk.collector.held == 1
    assert len(desk.told) == 4999
    assert len(desk.collector._done) <= REMEMBERED
    for camera in CAMERAS:
        desk.add(camera, 6000, 1.0)
    assert desk.whole[0]["top"] == ("top", 6000)


def test_a_goal_that_came_by_another_way_gives_up_what_is_not_whole(desk):
    desk.add("wrist", 3)
    desk.collector.give_up("another goal was given", 0.0)
    assert "another goal was given before over_shoulder, top had come" in desk.told[0]
    desk.collector.give_up("another goal was given", 0.0)
    assert len(desk.told) == 1


def test_a_goal_older_than_the_one_taken_is_refused_also_after_a_later_one_was_given_up(desk):
    """A stale goal came into force after a capture, which gave up the one that was being collected."""
    for camera in CAMERAS:
        desk.add(camera, 100, 0.0)
    desk.add("wrist", 200, 0.5)
    desk.collector.give_up("another goal was given", 0.6)
    for camera in CAMERAS:
        desk.add(camera, 99, 0.7)
    assert [whole["top"][1] for whole in desk.whole] == [100]
    assert "stamp 99 is older than one that came before it, with stamp 100" in desk.told[1]
    for camera in CAMERAS:  # a clock was put back
        desk.add(camera, 50, WAIT_S + 1)
    assert [whole["top"][1] for whole in desk.whole] == [100, 50]


def test_each_of_several_cameras_has_a_topic_and_one_alone_has_the_usual_one():
    assert goal_topics(("over_shoulder",)) == {"over_shoulder": "goal/image"}
    assert goal_topics(("over_shoulder", "wrist")) == {
        "over_shoulder": "goal/over_shoulder/image",
        "wrist": "goal/wrist/image",
    }


def test_topics_of_other_cameras_are_found_among_all():
    names = ["/arm/goal/front/image", "/goal/image", "/goal/image/compressed", "/goal/stage", "/goal/wrist/image"]
    strange = ["/goal/wirst/image", "/goal/front/image/compressed"]
    assert strange_cameras([*names, *strange], "/goal", ("over_shoulder", "wrist")) == strange
    assert strange_cameras(names, "/arm/goal", ("wrist",)) == ["/arm/goal/front/image"]
