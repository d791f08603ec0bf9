from crl_learning.page.noticing import notices


def texts(source, before, now):
    return [text for _, text in notices(source, before, now)]


def test_an_arm_that_moves_and_holds_is_no_news_but_an_e_stop_is():
    assert texts("arm", {"mode": "holding"}, {"mode": "moving"}) == []
    found = list(notices("arm", {"mode": "moving"}, {"mode": "estopped", "reason": "e-stop was called"}))
    assert found == [("error", "arm estopped: e-stop was called")]


def test_a_row_of_the_safety_table_that_was_counted_is_told():
    before = {"mode": "moving", "counters": {"accepted": 1, "step": 1}}
    now = {"mode": "moving", "counters": {"accepted": 9, "step": 3, "workspace": 1}}
    assert texts("arm", before, now) == ["safety: step (2 times)", "safety: workspace"]
    assert texts("arm", {}, now) == ["arm enabled"], "what was counted before the page came is not news"


def test_the_end_of_a_run_is_told_with_its_verdict():
    ended = {"verdict": "reached", "sentence": "reached after 12.0 s"}
    now = {"state": "ended", "ended": ended}
    assert list(notices("policy", {"state": "running"}, now)) == [("good", "run ended: reached after 12.0 s")]


def test_a_refused_goal_is_told_once():
    refused = {"state": "ready", "goal_refused": "goal image is 8x8, expected 32 or more; choose a larger one"}
    assert texts("policy", {"state": "ready"}, refused) == [f"goal refused: {refused['goal_refused']}"]
    assert texts("policy", refused, refused) == []


def test_checks_that_warn_or_refuse_are_told_when_they_change():
    check = {"name": "camera alignment", "verdict": "refused", "sentence": "moved by 31 px"}
    now = {"state": "ready", "checks": [check, {"name": "goal", "verdict": "ok", "sentence": "fits"}]}
    assert list(notices("policy", {"state": "ready"}, now)) == [("error", "camera alignment: moved by 31 px")]
    assert texts("policy", now, now) == []


def test_a_run_that_was_saved_names_its_folder():
    """Was never told: the recorder names a folder only while it writes there."""
    recording = {"state": "recording", "folder": "runs/a"}
    for now in (
        {"state": "waiting", "folder": ""},
        {"state": "judging", "folder": ""},
        recording | {"folder": "runs/b"},
    ):
        assert texts("run", recording, now) == ["run saved: runs/a"]
    assert texts("run", recording, recording) == []


def test_a_hand_over_is_told_with_its_reason():
    now = {"state": "handed_over", "reason": "asked to by the operator"}
    assert texts("policy", {"state": "running"}, now) == ["policy handed over: asked to by the operator"]


def test_a_recorder_that_fails_is_told():
    before = {"state": "recording", "failure": ""}
    now = {"state": "finishing", "failure": "the disk is full"}
    assert texts("recorder", before, now) == ["recorder finishing", "recorder: the disk is full"]
