import json

import pytest

from crl_learning.page.report_data import idle_periods, latency_words, report_data, spread, start_ns, verdict

ZERO = 1_000_000_000_000


def tick(seconds, **more):
    """A tick ``seconds`` after ZERO, of an image that was 50 ms old then."""
    facts = {"stamp_ns": ZERO + round(1e9 * seconds) - 50_000_000, "age_ms": 50.0, "lateness_ms": 0.5, "stage": 0}
    return facts | {"inference_ms": 10.0, "estimate": -1.0, "steps": None, "reached": False, "action": None} | more


def facts(**more):
    return {"id": "one", "rate_hz": 5.0, "ended": {"verdict": "reached", "sentence": "reached after 2 s"}} | more


def test_a_tick_is_placed_where_it_was_and_not_where_its_image_was_taken():
    data = report_data(facts(), [tick(0.0), tick(0.2)], [], zero_ns=ZERO)
    assert [row[0] for row in data["ticks"]] == [0.0, 0.2]


def test_without_a_film_the_first_tick_is_zero():
    assert start_ns([tick(7.0), tick(7.2)], [{"stamp_ns": ZERO}]) == ZERO + 7_000_000_000
    assert start_ns([{"stamp_ns": None}], [{"stamp_ns": ZERO}]) == ZERO
    assert start_ns([], []) == 0


def test_progress_action_and_stage_of_a_tick_are_told():
    steps = {"expected": 12.0, "low": 8.0, "high": 19.0}
    action = [0.01, -0.02, 0.0, 0.0, 0.0, -0.1, 1.0]
    data = report_data(facts(), [tick(0.0, steps=steps, reached=True, action=action, stage=2)], [], ZERO)
    assert data["ticks"] == [[0.0, 12.0, 8.0, 19.0, -1.0, 1.0, 0.5, 50.0, 10.0, 2.0]]
    assert data["actions"] == [[0.0, 10.0, -20.0, 0.0, pytest.approx(5.73), 1.0]]


def test_a_tick_without_an_image_has_lateness_but_no_place():
    blind = {"stamp_ns": 0, "lateness_ms": 3.0, "age_ms": None, "inference_ms": None, "action": None}
    data = report_data(facts(), [blind], [], ZERO)
    assert data["ticks"] == []
    assert data["timing"]["lateness_ms"]["max"] == 3.0
    assert data["timing"]["age_ms"] is None


def test_periods_without_a_tick_are_counted_but_not_those_of_a_pause():
    ticks = [tick(0.0), tick(0.25, lateness_ms=50.0), tick(1.0), tick(5.0), tick(5.2)]
    paused = {"stamp_ns": ZERO + 1_100_000_000, "kind": "state", "data": {"state": "paused"}}
    assert idle_periods(ticks, [paused], 200.0) == 3
    assert idle_periods(ticks, [], 200.0) == 22
    data = report_data(facts(), ticks, [paused], ZERO)
    assert (data["idle"], data["ticks_count"], data["period_ms"]) == (3, 5, 200.0)


def test_the_latency_of_the_arm_is_told_as_far_as_it_was_measured():
    motion = {"p50": 61.7, "max": 80.0, "n": 3, "resolution": 20.2}
    behind = {"shift": 110.0, "resolution": 15.0, "correlation": 0.97, "n": 40}
    latency = {"arm_state": {"p50": 12.4}, "arm_motion": motion, "arm_following": behind}
    assert report_data(facts(latency_ms=latency), [], [], ZERO)["latency"] == [
        "The arm's state was 12 ms old.",
        "The arm began to move 62 ms after a command, known to 20 ms: median of 3 motions from rest.",
        "It was 110 ms behind its commands, known to 15 ms.",
    ]
    still = {"arm_state": {"p50": 12.4}, "arm_motion": None, "arm_following": None}
    assert latency_words(facts(latency_ms=still))[1:] == ["No motion of the arm from rest was measured."]
    assert latency_words(facts()) == []


def test_a_spread_counts_every_value_that_is_known():
    found = spread([None, 1.0, 2.0, float("nan"), 3.0])
    assert (found["count"], sum(found["counts"]), found["p50"], found["max"]) == (3, 3, 2.0, 3.0)
    assert found["edges"][0] == 0.0
    assert spread([None]) is None
    assert sum(spread([0.0, 0.0])["counts"]) == 2


@pytest.mark.parametrize(
    ("ended", "words", "kind"),
    [
        ({"verdict": "reached", "sentence": "reached after 12.0 s."}, "Reached after 12.0 s", "good"),
        ({"verdict": "not_improving", "sentence": "no progress for 5 s"}, "No progress for 5 s", "warm"),
        ({"verdict": "failed", "sentence": "the camera is gone"}, "The camera is gone", "bad"),
        ({"verdict": "stopped"}, "Stopped", ""),
        (None, "Not ended: the run still goes on, or its record was cut off", "warm"),
    ],
)
def test_the_verdict_is_a_sentence_with_a_colour(ended, words, kind):
    assert verdict({"ended": ended}) == (words, kind)


def test_an_arm_that_only_moves_and_holds_is_no_safety_event():
    def arm(mode, reason=""):
        return {"stamp_ns": ZERO, "kind": "arm", "text": f"{mode} {reason}", "data": {"mode": mode, "reason": reason}}

    calm = [arm("moving"), arm("holding"), arm("holding", "enabled, waiting for actions")]
    events = [*calm, arm("holding", "no action for 0.40 s"), arm("estopped", "e-stop was called")]
    events += [{"kind": "check", "text": "moved by 31 px", "data": {"name": "camera alignment"}}]
    told = report_data(facts(), [], events, ZERO)["events"]
    assert [event["text"] for event in told if event["safety"]] == [
        "holding: no action for 0.40 s",
        "estopped: e-stop was called",
    ]
    assert told[-1]["text"] == "camera alignment: moved by 31 px"


def test_a_run_of_nothing_has_a_report_that_json_can_say():
    json.dumps(report_data({"id": "one"}, [], [], 0), allow_nan=False)
