"""Between policy/start and the first tick every step waits for the one before it, and a fault begins no run."""

import pytest

from crl_learning.runtime.checks import Check
from crl_learning.runtime.preparation import ANSWER_S, MOVE_S, ArmFacts, Preparation
from crl_learning.runtime.start_pose import StartPose, start_pose
from crl_robot.errors import ConfigError

REFUSED = Check("camera alignment", "refused", "the camera shows another scene", 0.1)


class Bench:
    """A preparation, its arm and its clock."""

    def __init__(self, pose=None, checks=(), wait_for_enable=True, mode="holding"):
        self.now_s, self.arm, self.said, self.begun = 0.0, ArmFacts(mode), [], []
        self.checks, self.lacking = checks, ""
        self.preparation = Preparation(
            self, lambda: self.checks, self.begun.append, pose, True, wait_for_enable, lambda: self.now_s
        )

    def facts(self):
        return self.arm

    def why_not(self, pose):
        return self.lacking

    def go(self, pose):
        self.said.append("go")

    def stop(self):
        self.said.append("stop")

    def poll(self, mode=None, reason="", homed=0, seconds=0.05):
        self.now_s += seconds
        if mode is not None:
            self.arm = ArmFacts(mode, reason, homed)
        self.preparation.poll()
        return self.preparation.phase


def moving():
    """A bench whose arm is on its way."""
    bench = Bench(StartPose(None))
    bench.preparation.start()
    bench.preparation.answered(True, "homing")
    assert bench.poll("moving", "homing") == "moving"
    return bench


def test_an_enabled_arm_without_a_start_pose_begins_at_once():
    bench = Bench()
    bench.preparation.start(3)
    assert bench.begun == [3]
    assert bench.said == []


@pytest.mark.parametrize("mode", ["disabled", "estopped", ""])
def test_the_run_waits_for_the_operators_enable(mode):
    bench = Bench(mode=mode)
    bench.preparation.start()
    assert bench.poll(mode) == "enable"
    assert "call /arm/enable" in bench.preparation.reason
    bench.poll("holding")
    assert bench.begun == [0]


@pytest.mark.parametrize("mode", ["disabled", "estopped", "moving"])
def test_after_a_crash_an_arm_that_somebody_stopped_or_moves_begins_nothing(mode):
    bench = Bench(mode="")
    bench.preparation.start(patient=True, again=True)
    assert bench.poll("") == "looking"
    assert bench.poll(mode, "by the operator") == "idle"
    assert f"the arm is {mode} (by the operator)" in bench.preparation.reason
    assert bench.poll("holding") == "idle"
    assert bench.begun == []
    bench.preparation.start()
    assert bench.begun == [0]


def test_after_a_crash_an_arm_that_holds_goes_on():
    bench = Bench(mode="holding")
    bench.preparation.start(patient=True, again=True)
    assert bench.begun == [0]


def test_where_a_program_enables_the_arm_nothing_is_waited_for():
    bench = Bench(wait_for_enable=False, mode="disabled")
    bench.preparation.start()
    assert bench.begun == [0]


def test_a_refused_check_begins_nothing_and_moves_nothing():
    bench = Bench(StartPose(None), [REFUSED])
    with pytest.raises(ConfigError, match="another scene"):
        bench.preparation.start()
    bench.poll()
    assert (bench.begun, bench.said) == ([], [])
    assert bench.preparation.reason == "the camera shows another scene (score 0.10)"


def test_a_start_by_itself_waits_until_there_is_something_to_check():
    bench = Bench(checks=None)
    bench.preparation.start(patient=True)
    assert bench.poll() == "looking"
    bench.checks = [REFUSED]
    bench.poll()
    assert bench.begun == []
    assert "another scene" in bench.preparation.given_up


def test_the_arm_moves_only_after_the_enable_and_the_run_begins_when_it_is_there():
    bench = Bench(StartPose(None), mode="disabled")
    bench.preparation.start()
    assert bench.said == []
    assert bench.poll("holding", "at home", homed=4) == "asked"
    bench.preparation.answered(True, "homing")
    assert bench.poll("holding", "at home", homed=4) == "moving"  # said before it went
    bench.poll("moving", "homing", homed=4)
    assert bench.begun == []
    bench.poll("holding", "at home", homed=5)
    assert (bench.begun, bench.said) == ([0], ["go"])


def test_a_view_that_is_refused_after_the_move_begins_nothing():
    bench = moving()
    bench.checks = [REFUSED]
    bench.poll("holding", "at home", homed=1)
    assert bench.begun == []
    assert "another scene" in bench.preparation.reason


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("holding", "stopped on the way home"), ("disabled", "by the operator"), ("estopped", "pressed")],
)
def test_an_arm_that_does_not_come_there_begins_no_run(mode, reason):
    bench = moving()
    bench.poll(mode, reason)
    assert bench.begun == []
    assert reason in bench.preparation.reason
    assert bench.preparation.phase == "idle"


def test_an_arm_that_refuses_to_go_begins_no_run():
    bench = Bench(StartPose((0.0,)))
    bench.preparation.start()
    bench.preparation.answered(False, "too near the table")
    assert "too near the table" in bench.preparation.reason
    assert (bench.poll("holding"), bench.begun) == ("idle", [])


def test_an_arm_that_has_not_heard_of_the_pose_is_waited_for_and_then_given_up():
    bench = Bench(StartPose((0.0,)))
    bench.lacking = "the arm has not taken the start pose"
    bench.preparation.start()
    assert bench.poll(seconds=1.0) == "enable"
    bench.poll(seconds=ANSWER_S)
    assert bench.preparation.given_up == bench.lacking
    assert bench.said == []


def test_giving_up_while_the_arm_is_on_its_way_makes_it_hold():
    bench = moving()
    bench.preparation.cancel("given up by the operator")
    assert bench.said == ["go", "stop"]
    assert (bench.poll("holding", "at home", homed=1), bench.begun) == ("idle", [])


def test_an_arm_that_moves_for_ever_or_never_answers_is_made_to_hold():
    bench = moving()
    bench.poll(seconds=MOVE_S + 1)
    silent = Bench(StartPose(None))
    silent.preparation.start()
    silent.poll(seconds=ANSWER_S + 1)
    assert bench.said == silent.said == ["go", "stop"]
    assert bench.begun == silent.begun == []


def test_one_run_is_prepared_at_a_time():
    bench = Bench(mode="disabled")
    bench.preparation.start()
    with pytest.raises(ConfigError, match="being prepared already"):
        bench.preparation.start()


def test_start_poses_are_named_or_given_as_joints():
    assert start_pose("none", None) is None
    assert start_pose("home", None) == StartPose(None)
    assert start_pose("data", (0.1, 0.2)) == StartPose((0.1, 0.2))
    assert start_pose("0, -1.5", None) == StartPose((0.0, -1.5))


@pytest.mark.parametrize(("words", "says"), [("data", "calibrate it anew"), ("hoem", "home"), ("0,nan", "finite")])
def test_a_start_pose_that_is_none_is_refused(words, says):
    with pytest.raises(ConfigError, match=says):
        start_pose(words, None)
