"""What is known of latencies when a node comes up, and how the status becomes diagnostics."""

import numpy as np
import pytest

from crl_learning.goal_policy import GoalPolicy, NullPolicy
from crl_learning.runtime.checks import arm_check, latency_check
from crl_learning.runtime.latency import LatencyMeter
from crl_learning.runtime.status import flat
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ContractError


def test_a_policy_acts_for_practice_and_forgets_the_goal(untrained):
    policy = GoalPolicy.load(untrained)
    assert 0 < policy.rehearse() < 10_000
    with pytest.raises(ContractError, match="no goal is set"):
        policy.act(np.zeros((240, 320, 3), np.uint8))
    assert NullPolicy().rehearse() == 0


@pytest.mark.parametrize(("took_ms", "verdict"), [(20.0, "ok"), (120.0, "warning"), (250.0, "refused")])
def test_inference_that_fills_the_control_period_is_warned_about_and_then_refused(took_ms, verdict):
    meter = LatencyMeter()
    assert latency_check(meter.summary(), ActionSpec(rate_hz=5.0)).verdict == "unknown"
    for _ in range(10):
        meter.add(inference=took_ms, camera=float("nan"))
    assert meter.summary()["camera"] is None
    check = latency_check(meter.summary(), ActionSpec(rate_hz=5.0))
    assert check.verdict == verdict
    assert f"{took_ms:.1f} ms" in check.sentence


@pytest.mark.parametrize(
    ("took_ms", "verdict", "says"),
    [
        (60.0, "ok", "begins to move 60 ms after a command (known to 20 ms)"),
        (250.0, "warning", "what came of its last action,"),
        (450.0, "warning", "what came of any of its last 2 actions,"),
    ],
)
def test_an_arm_that_begins_to_move_after_the_control_period_is_warned_about(took_ms, verdict, says):
    assert arm_check({}, ActionSpec()).verdict == "unknown"
    check = arm_check({"arm_motion": {"p50": took_ms, "resolution": 20.0, "n": 1}}, ActionSpec(rate_hz=5.0))
    assert (check.verdict, says in check.sentence) == (verdict, True)
    assert check.score == pytest.approx(1 - took_ms / 200)
    assert ("lower 'speed'" in check.sentence) == (verdict == "warning")


def test_diagnostics_have_every_number_and_no_list():
    status = {"state": "ended", "ended": {"verdict": "reached"}, "stages": [1, 2], "latency_ms": {"arm": {"p50": 1.0}}}
    status |= {"plan": None, "reached": (1,)}
    assert flat(status) == {"state": "ended", "ended.verdict": "reached", "latency_ms.arm.p50": 1.0, "plan": None}
