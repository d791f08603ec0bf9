"""Goals and garbage of `crl-bench goals`: what is offered, what is made of it, and the whole campaign in small."""

import json
from dataclasses import replace

import numpy as np
import pytest

from crl_learning.bench_cli import main
from crl_learning.campaigns.explaining import Explainer
from crl_learning.campaigns.goal_offers import Offers, png_bomb
from crl_learning.campaigns.goals_report import Outcome
from crl_learning.campaigns.usage import UsageLog, leaks
from crl_robot.errors import ConfigError, GoalImageError
from crl_robot.goal_image import goal_from_bytes

NATIVE = (320, 240)
HELD = {f"{name}_{when}": 10.0 for name in ("memory_mb", "files", "threads") for when in ("begin", "end", "max")}


@pytest.fixture(scope="module")
def goals():
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (240, 320, 3), dtype=np.uint8) for _ in range(2)]


@pytest.fixture(scope="module")
def offers(goals):
    return Offers(goals, np.random.default_rng(7))


def test_the_same_seed_offers_the_same_goals(goals, offers):
    other = Offers(goals, np.random.default_rng(7))
    drawn = [offers.draw() for _ in range(40)]
    assert [offer.data for offer in drawn] == [other.draw().data for _ in range(40)]
    assert {offer.expected for offer in drawn} >= {"taken", "refused"}


def test_every_kind_is_named_as_it_is_listed(goals, offers):
    for name, make in (offers.good | offers.garbage).items():
        assert make(goals[0]).kind == name


def test_coded_garbage_is_refused_by_the_one_way_that_goals_take(goals, offers):
    coded = [make(goals[0]) for make in offers.garbage.values()]
    coded = [offer for offer in coded if offer.way == "compressed"]
    assert len(coded) >= 6
    for offer in coded:
        with pytest.raises(GoalImageError):
            goal_from_bytes(offer.data, NATIVE, offer.kind)


def test_good_coded_goals_are_taken(goals, offers):
    for kind in ("jpeg", "png", "photo"):
        goal = goal_from_bytes(offers.good[kind](goals[0]).data, NATIVE, kind)
        assert goal.image.shape == (240, 320, 3)


def test_a_policy_of_several_cameras_is_refused_before_anything_starts(untrained_pair):
    with pytest.raises(ConfigError, match="sees over_shoulder, wrist, expected a policy of one camera"):
        Explainer(untrained_pair)


def test_a_small_file_of_many_pixels_is_refused_from_its_header():
    bomb = png_bomb(8_000, 8_000)
    assert len(bomb) < 1_000_000
    with pytest.raises(GoalImageError, match="too large"):
        goal_from_bytes(bomb, NATIVE, "goal/image/compressed")


@pytest.mark.parametrize("more", [{"memory_mb_end": 40.0}, {"files_end": 13.0}, {"threads_end": 14.0}])
def test_what_grows_is_a_leak(more):
    assert not leaks(HELD)
    assert leaks(HELD | more)


def test_usage_of_a_living_process_has_memory_files_and_threads():
    import os

    log = UsageLog(os.getpid)
    log.look()
    log.look()  # too early for another
    facts = log.facts()
    assert len(log.samples) == 1
    assert facts["memory_mb_end"] > 1
    assert facts["files_end"] >= 3
    assert facts["threads_end"] >= 1


def test_an_answer_other_than_promised_is_wrong():
    right = Outcome(0.0, "black", "image", "refused", "refused", 5.0, 1, 0, 0, "too dark")
    assert not right.wrong
    assert replace(right, answer="taken").wrong
    assert replace(right, answer="").wrong
    assert not replace(right, answer="taken", expected="either").wrong


@pytest.mark.ros
@pytest.mark.slow
def test_a_short_campaign_leaves_facts_raw_data_and_a_picture(tmp_path, capsys):
    pytest.importorskip("rclpy")
    file = tmp_path / "goals.json"
    main(["goals", "--n", "8", "--task", "reach", "--out", str(tmp_path), "--json", str(file)])
    facts = json.loads(file.read_text())
    assert facts["offered"] == 8 == facts["taken"] + facts["refused"]
    assert (facts["wrong"], facts["strays"], facts["unanswered"]) == (0, 0, 0)
    assert facts["acted"] > 0
    assert len((tmp_path / "offers.csv").read_text().splitlines()) == 9
    assert (tmp_path / "goals.png").stat().st_size > 1000
    assert "towards no goal" in capsys.readouterr().out
