import pytest

from crl_learning.page.controls import CALLS, EVERYWHERE, STOPS, Call, calls_for, controls
from crl_robot.errors import ConfigError

ARM = {"mode": "holding", "reason": ""}
POLICY = {"state": "ready", "goal": "goal.png", "stage": 0, "stages": [{}]}


def possible(arm=None, policy=None, recorder=None, run=None):
    return {name for name, why in controls(arm, policy, recorder, run).items() if not why}


def why_not(name, arm=None, policy=None, recorder=None, run=None):
    return controls(arm, policy, recorder, run)[name]


def test_every_button_has_an_answer():
    assert set(controls(None, None, None, None)) == set(EVERYWHERE)


def test_a_stop_is_possible_whatever_the_page_believes():
    for mode in ("disabled", "holding", "moving", "estopped", "unheard of"):
        assert possible({"mode": mode}) >= STOPS
    assert possible() == STOPS


def test_a_policy_starts_only_with_a_goal_and_an_enabled_arm():
    assert "start" in possible(ARM, POLICY)
    assert "start" not in possible(ARM, POLICY | {"goal": ""})
    assert "start" not in possible(ARM, POLICY | {"state": "running"})
    assert why_not("start", {"mode": "disabled"}, POLICY) == "enable the arm first"
    assert "reset" in why_not("start", {"mode": "estopped"}, POLICY)


def test_a_dry_run_starts_with_a_disabled_arm():
    assert {"start", "step"} <= possible({"mode": "disabled"}, POLICY | {"dry_run": True})


def test_an_e_stop_that_is_latched_must_be_reset_before_anything_else_of_the_arm():
    found = possible({"mode": "estopped"}, POLICY)
    assert "reset" in found
    assert not found & {"enable", "home", "start", "step"}


def test_nothing_starts_while_the_arm_is_not_heard():
    for name in ("start", "step", "resume"):
        assert "the arm is not heard" in why_not(name, None, POLICY | {"state": "paused"})
    assert "start" in possible(None, POLICY | {"dry_run": True})


def test_the_arm_is_not_sent_home_while_the_policy_would_end_the_move():
    assert "pause or stop it first" in why_not("home", ARM, POLICY | {"state": "running"})
    assert "stop gives it up" in why_not("home", ARM, POLICY | {"state": "preparing"})
    for state in ("ready", "paused", "handed_over", "ended"):
        assert "home" in possible(ARM, POLICY | {"state": state})
    assert "home" in possible(ARM)


def test_the_arm_is_sent_home_beside_a_dry_run_which_sends_it_nothing():
    for state in ("running", "preparing"):
        assert "home" in possible(ARM, POLICY | {"state": state, "dry_run": True})


def test_the_next_stage_is_there_only_before_the_last():
    stages = {"stages": [{}, {}]}
    assert "next_stage" in possible(ARM, POLICY | stages)
    assert "next_stage" not in possible(ARM, POLICY | stages | {"stage": 1})


def test_an_arm_is_handed_over_only_out_of_a_run_and_once():
    for state in ("running", "paused"):
        assert "hand_over" in possible(ARM, POLICY | {"state": state})
    for state, why in {
        "ready": "no run",
        "ended": "no run",
        "preparing": "stop gives",
        "handed_over": "already",
    }.items():
        assert why in why_not("hand_over", ARM, POLICY | {"state": state})
    assert "not heard" in why_not("hand_over", ARM)
    assert "not active" in why_not("hand_over", ARM, POLICY | {"state": "inactive"})


def test_an_arm_is_taken_back_only_when_the_policy_let_go_of_it_and_nobody_moves_it():
    given = POLICY | {"state": "handed_over"}
    assert {"resume", "start"} <= possible(ARM, given)
    assert {"pause", "stop", "estop"} <= possible(ARM, given)
    for state in ("ready", "running", "ended"):
        assert "not let go" in why_not("resume", ARM, POLICY | {"state": state})
    for name in ("resume", "start", "step"):
        assert "let go of it first" in why_not(name, {"mode": "moving"}, given)
        assert why_not(name, {"mode": "disabled"}, given) == "enable the arm first"


def test_a_run_is_judged_while_it_is_recorded_and_while_its_record_waits():
    for state in ("recording", "judging"):
        assert {"run_success", "run_failure"} <= possible(run={"state": state})
    assert "no run" in why_not("run_success", run={"state": "waiting"})
    assert why_not("run_failure") == "no run recorder is heard"
    assert calls_for("run_failure", None) == (Call("run/success", False),)


def test_keep_ends_an_episode_that_still_runs():
    stop, accept = Call("recorder/stop"), Call("recorder/accept")
    assert calls_for("keep", {"state": "recording"}) == (stop, accept)
    assert calls_for("keep", {"state": "pending"}) == (accept,)
    for recorder in (None, {"state": "idle"}):
        with pytest.raises(ConfigError, match="nothing to keep"):
            calls_for("keep", recorder)


def test_keep_and_drop_are_possible_while_recording_and_after():
    for state in ("recording", "pending"):
        found = possible(recorder={"state": state})
        assert {"keep", "drop", "success", "failure"} <= found
        assert "record" not in found
    assert "record" in possible(recorder={"state": "idle", "waiting_for": ""})
    assert why_not("record", recorder={"state": "idle", "waiting_for": "no image"}) == "no image"


def test_an_unknown_command_is_refused_with_the_nearest_known():
    with pytest.raises(ConfigError, match="did you mean 'pause'"):
        calls_for("pauze", None)


def test_the_arm_is_stopped_by_the_first_call_of_an_e_stop():
    assert CALLS["estop"][0] == Call("arm/estop")
    assert CALLS["disable"][0] == Call("arm/enable", False)
