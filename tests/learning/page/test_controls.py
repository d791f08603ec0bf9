import pytest

from crl_learning.page.controls import CALLS, EVERYWHERE, STOPS, Call, calls_for, controls
from crl_robot.errors import ConfigError

ARM = {"mode": "holding", "reason": ""}
POLICY = {"state": "ready", "goal": "goal.png", "stage": 0, "stages": [{}]}


def possible(arm=None, policy=None, recorder=None):
    return {name for name, why in controls(arm, policy, recorder).items() if not why}


def test_every_button_has_an_answer():
    assert set(controls(None, None, None)) == set(EVERYWHERE)


def test_a_stop_is_possible_whatever_the_page_believes():
    for mode in ("disabled", "holding", "moving", "estopped", "unheard of"):
        assert possible({"mode": mode}) >= STOPS
    assert possible() == STOPS


def test_a_policy_starts_only_with_a_goal_and_an_enabled_arm():
    assert "start" in possible(ARM, POLICY)
    assert "start" not in possible(ARM, POLICY | {"goal": ""})
    assert "start" not in possible(ARM, POLICY | {"state": "running"})
    assert controls({"mode": "disabled"}, POLICY, None)["start"] == "enable the arm first"
    assert "reset" in controls({"mode": "estopped"}, POLICY, None)["start"]


def test_a_dry_run_starts_with_a_disabled_arm():
    assert {"start", "step"} <= possible({"mode": "disabled"}, POLICY | {"dry_run": True})


def test_an_e_stop_that_is_latched_must_be_reset_before_anything_else_of_the_arm():
    found = possible({"mode": "estopped"}, POLICY)
    assert "reset" in found
    assert not found & {"enable", "home", "start", "step"}


def test_the_next_stage_is_there_only_before_the_last():
    stages = {"stages": [{}, {}]}
    assert "next_stage" in possible(ARM, POLICY | stages)
    assert "next_stage" not in possible(ARM, POLICY | stages | {"stage": 1})


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
    assert controls(None, None, {"state": "idle", "waiting_for": "no image"})["record"] == "no image"


def test_an_unknown_command_is_refused_with_the_nearest_known():
    with pytest.raises(ConfigError, match="did you mean 'pause'"):
        calls_for("pauze", None)


def test_the_arm_is_stopped_by_the_first_call_of_an_e_stop():
    assert CALLS["estop"][0] == Call("arm/estop")
    assert CALLS["disable"][0] == Call("arm/enable", False)
