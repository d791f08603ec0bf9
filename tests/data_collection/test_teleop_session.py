"""An operator's sitting against a recorder that is played by the test."""

import pytest

from crl_data.teleop.automatic import AUDIT_WAIT_S, AutomaticOperator
from crl_data.teleop.session import Session
from crl_data.teleop.session_settings import Call, SessionSettings
from crl_data.teleop.session_words import audit_lines, prompt, status
from crl_robot.errors import ConfigError

GOOD = {"verdict": "good", "reasons": []}
BAD = {"verdict": "bad", "reasons": ["over_shoulder: nothing arrived"]}


class Sitting:
    """Presses buttons and answers every call with success, unless told otherwise."""

    def __init__(self, **settings):
        self.session = Session(SessionSettings(**settings))
        self.automatic = AutomaticOperator()
        self.calls = []
        self.refusals = {}
        self.audit = GOOD
        self.now = 1000.0

    def run(self, call):
        while call is not None:
            self.calls.append(call)
            if call.name == "stop":
                self.session.audited(self.audit)
            refusal = self.refusals.pop(call.name, "")
            call = self.session.answered(call, not refusal, refusal or "done")

    def press(self, *buttons):
        self.run(self.session.press(frozenset(buttons)))

    def pass_time(self, seconds):
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.run(self.automatic.step(self.session, self.now))

    @property
    def names(self):
        return [call.name for call in self.calls]

    @property
    def state(self):
        return self.session.state


def ready(**settings):
    sitting = Sitting(**settings)
    sitting.run(sitting.session.peers([]))
    assert sitting.state == "ready"
    return sitting


def test_two_episodes_one_kept_one_dropped():
    sitting = ready()
    sitting.press("start", "stop")
    assert sitting.state == "recording"
    sitting.press("start", "stop")
    assert sitting.state == "review"
    sitting.press("keep")
    assert sitting.state == "ready"
    sitting.press("start", "stop")
    sitting.press("start", "stop")
    sitting.press("drop")
    assert sitting.names == ["reset", "start", "stop", "accept", "reset", "start", "stop", "discard", "reset"]
    assert (sitting.session.kept, sitting.session.dropped) == (1, 1)


def test_it_waits_for_recorder_and_arm_before_it_touches_anything():
    session = Session(SessionSettings())
    assert session.peers(["the recorder", "the arm"]) is None
    assert session.note == "waiting for the recorder and the arm"
    assert session.press(frozenset({"start"})) is None
    assert session.peers([]) == Call("reset")


def test_it_is_done_after_the_episodes_that_were_asked_for():
    sitting = ready(episodes=2)
    for _ in range(2):
        for button in ("start", "stop", "keep"):
            sitting.press(button)
    assert sitting.state == "done"
    assert sitting.session.note == "2 episodes kept, 0 dropped"
    assert sitting.session.peers(["the recorder"]) is None
    assert sitting.state == "done"


@pytest.mark.parametrize(
    ("recorder", "state", "button"), [("pending", "review", "keep"), ("recording", "recording", "stop")]
)
def test_an_episode_that_the_recorder_has_from_before_comes_first(recorder, state, button):
    sitting = Sitting()
    sitting.run(sitting.session.peers([], recorder))
    assert (sitting.state, sitting.names) == (state, [])
    sitting.press(button)
    assert sitting.names[0] == {"keep": "accept"}.get(button, button)


def test_next_leads_through_an_episode():
    sitting = ready()
    for state in ("recording", "review", "ready"):
        sitting.run(sitting.session.next())
        assert sitting.state == state
    assert sitting.session.kept == 1


def test_a_button_that_means_nothing_now_does_nothing():
    sitting = ready()
    for button in ("stop", "keep", "success"):
        sitting.press(button)
    assert (sitting.names, sitting.state) == (["reset"], "ready")


def test_one_request_is_made_at_a_time():
    session = ready().session
    assert session.press(frozenset({"start"})) == Call("start")
    assert session.choices() == ()
    assert session.press(frozenset({"stop"})) is None
    session.answered(Call("start"), True, "recording")
    assert session.press(frozenset({"goal"})) == Call("capture_goal")
    assert session.choices() == ()


def test_a_press_while_a_goal_is_being_captured_waits_for_that_and_is_not_lost():
    """A quick stop after a mark was not obeyed, and the episode went on."""
    sitting = ready()
    sitting.press("start")
    call = sitting.session.press(frozenset({"goal"}))
    assert sitting.session.press(frozenset({"stop"})) is None
    assert sitting.session.answered(call, True, "marked") == Call("stop")
    assert sitting.session.answered(Call("stop"), True, "done") is None
    assert sitting.state == "review"


def test_a_press_while_the_state_changes_does_not_count_later():
    session = ready().session
    call = session.press(frozenset({"start"}))
    assert session.press(frozenset({"start", "stop"})) is None
    assert session.answered(call, True, "recording") is None
    assert session.state == "recording"
    assert session.choices()


def test_success_is_marked_and_taken_back_and_a_refused_mark_does_not_count():
    sitting = ready()
    sitting.press("start")
    for wanted in (True, False, True):
        sitting.press("success")
        assert sitting.calls[-1] == Call("mark_success", wanted)
        assert sitting.session.success is wanted
    sitting.refusals["mark_success"] = "no"
    sitting.press("success")
    assert sitting.session.success is True
    sitting.press("stop")
    sitting.press("success")
    assert sitting.state == "review"
    sitting.press("drop")
    sitting.press("start")
    assert sitting.session.success is None


def test_a_start_that_the_recorder_refuses_leaves_it_ready_and_says_why():
    sitting = ready()
    sitting.refusals["start"] = "no image yet"
    sitting.press("start")
    assert sitting.state == "ready"
    assert "no image yet" in prompt(sitting.session)
    sitting.press("start")
    assert sitting.state == "recording"


def test_a_stop_that_is_refused_can_be_tried_again_or_the_episode_dropped():
    sitting = ready()
    sitting.press("start")
    sitting.refusals["stop"] = "disk full"
    sitting.press("stop")
    assert sitting.state == "recording"
    assert "disk full" in sitting.session.note
    sitting.refusals["discard"] = "no episode is being recorded"
    sitting.press("drop")
    assert sitting.state == "ready"


def test_an_episode_that_cannot_be_kept_is_still_under_review():
    sitting = ready()
    sitting.press("start")
    sitting.press("stop")
    sitting.refusals["accept"] = "read-only"
    sitting.press("keep")
    assert sitting.state == "review"
    assert sitting.session.kept == 0
    assert "read-only" in sitting.session.note


def test_a_reset_that_fails_pauses_until_the_operator_says_go_on():
    sitting = Sitting()
    sitting.refusals["reset"] = "no such task"
    sitting.run(sitting.session.peers([]))
    assert sitting.state == "paused"
    assert "no such task" in sitting.session.note
    sitting.press("start")
    assert sitting.state == "ready"


def test_a_real_arm_moves_home_only_once_the_operator_said_so_and_is_ready_when_it_is_there():
    sitting = Sitting(reset="home")
    sitting.run(sitting.session.peers([]))
    assert (sitting.state, sitting.names) == ("paused", [])
    sitting.press("start")
    assert sitting.state == "resetting"
    sitting.session.arm_is("moving", "homing")
    assert sitting.state == "resetting"
    sitting.session.arm_is("holding", "at home")
    assert sitting.state == "ready"
    assert "put the scene" in sitting.session.note


def test_what_the_arm_said_before_it_left_for_home_does_not_count():
    session = Session(SessionSettings(reset="home"))
    session.peers([])
    call = session.press(frozenset({"start"}))
    session.arm_is("holding", "at home")
    session.answered(call, True, "homing")
    session.arm_is("holding", "no action for 0.40 s")
    assert session.state == "resetting"


def test_an_arm_that_is_stopped_on_its_way_home_pauses_the_sitting_and_can_be_sent_again():
    sitting = Sitting(reset="home")
    sitting.run(sitting.session.peers([]))
    sitting.press("start")
    sitting.session.arm_is("moving", "homing")
    sitting.session.arm_is("estopped", "e-stop was called")
    assert sitting.state == "paused"
    assert "e-stop was called" in sitting.session.note
    sitting.press("start")
    assert sitting.names == ["reset", "reset"]


@pytest.mark.parametrize("state", ["ready", "recording", "review"])
def test_losing_the_recorder_ends_the_sitting(state):
    sitting = ready()
    for button, reached in (("start", "recording"), ("stop", "review")):
        if sitting.state != state:
            sitting.press(button)
            assert sitting.state == reached
    before = list(sitting.names)
    sitting.run(sitting.session.peers(["the recorder"]))
    assert (sitting.state, sitting.names) == ("failed", before)
    assert "lost the recorder; the arm holds" in sitting.session.note
    sitting.press("start", "stop", "keep")
    assert sitting.names == before


def test_losing_the_arm_while_recording_makes_what_was_recorded_durable_first():
    sitting = ready()
    sitting.press("start")
    sitting.run(sitting.session.peers(["the arm"]))
    assert sitting.state == "failed"
    assert sitting.names[-1] == "stop"


def test_automatic_episodes_need_nobody():
    sitting = Sitting(automatic=True, episodes=2, episode_s=3.0)
    sitting.run(sitting.session.peers([]))
    sitting.pass_time(1.5)
    assert sitting.state == "recording"
    sitting.pass_time(3.0)
    assert sitting.session.kept == 1
    sitting.pass_time(5.0)
    assert sitting.state == "done"
    assert sitting.names == ["reset", "start", "stop", "accept"] * 2


def test_an_automatic_episode_with_a_bad_audit_is_dropped_and_a_row_of_them_ends_it():
    sitting = Sitting(automatic=True, episodes=1, episode_s=1.0, patience=3)
    sitting.audit = BAD
    sitting.run(sitting.session.peers([]))
    sitting.pass_time(2.5)
    assert sitting.names[:5] == ["reset", "start", "stop", "discard", "reset"]
    sitting.pass_time(10.0)
    assert sitting.state == "failed"
    assert "nothing arrived" in sitting.session.note
    assert sitting.session.dropped == 3


def test_an_automatic_sitting_tries_again_but_not_forever():
    sitting = Sitting(automatic=True, episode_s=1.0, patience=4)
    sitting.refusals["start"] = "no image yet"
    sitting.run(sitting.session.peers([]))
    sitting.pass_time(3.0)
    assert sitting.names.count("start") == 2
    sitting = Sitting(automatic=True, patience=4)
    sitting.run(sitting.session.peers([]))
    for _ in range(10):
        sitting.refusals["start"] = "no image ever"
        sitting.pass_time(1.2)
    assert sitting.state == "failed"
    assert "no image ever" in sitting.session.note


def test_an_automatic_episode_without_an_audit_is_kept_in_the_end():
    sitting = Sitting(automatic=True, episodes=1, episode_s=1.0)
    sitting.audit = {}
    sitting.run(sitting.session.peers([]))
    sitting.pass_time(3.0)
    assert sitting.state == "review"
    sitting.pass_time(AUDIT_WAIT_S)
    assert sitting.state == "done"


def test_the_prompt_says_where_it_is_and_what_the_buttons_do():
    sitting = ready(episodes=5)
    sitting.session.label = {"start": "Menu", "drop": "X", "goal": "View"}.get
    assert prompt(sitting.session) == "[1 of 5] ready | Menu: start recording, X: another scene, View: take goal images"
    facts = status(sitting.session)
    assert (facts["state"], facts["episode"], facts["of"]) == ("ready", 1, 5)
    sitting.session.state, sitting.session.audit = "review", BAD
    assert "audit: bad" in prompt(sitting.session)
    assert facts["buttons"] == {"start": "Menu", "drop": "X", "goal": "View"}


def test_the_audit_is_told_reason_by_reason():
    assert audit_lines(BAD) == ["audit: bad", "  over_shoulder: nothing arrived"]


@pytest.mark.parametrize("bad", [{"reset": "simm"}, {"episodes": -1}, {"episode_s": 0.0}, {"patience": 0}])
def test_settings_that_make_no_sense_are_refused(bad):
    with pytest.raises(ConfigError):
        SessionSettings(**bad)
