"""The arm controller against a fake arm whose tool moves along its joints: q = (x, y, z, roll, pitch, yaw)."""

import numpy as np
import pytest
from controller_rig import INNER_NS, LIMITS, START, Rig

from crl_robot.contracts import Action, ActionSpec
from crl_robot.control.safety import SafetyLimits
from crl_robot.control.safety_table import SAFETY_TABLE
from crl_robot.errors import ArmError, ConfigError, ContractError
from crl_robot.geometry import matrix_from_quat, rotation_angle


@pytest.fixture
def rig():
    return Rig().enabled()


def test_an_action_moves_the_tool_by_its_delta_in_one_control_tick(rig):
    commanded = rig.submit(0.03, -0.02, 0.01, 0.0, 0.0, 0.1, 1.0)
    rig.ticks()
    np.testing.assert_allclose(rig.arm.q, [0.33, -0.02, 0.16, 0, 0, 0.1], atol=1e-6)
    np.testing.assert_allclose(commanded.values, [0.03, -0.02, 0.01, 0, 0, 0.1, 1.0], atol=1e-6)
    assert rig.arm.gripper == 1.0
    assert rig.mode() == "moving"


def test_joint_targets_run_linearly_across_the_control_tick(rig):
    rig.submit(0.05)
    rig.ticks()
    x = [q[0] for kind, q in rig.arm.log if kind == "command"]
    np.testing.assert_allclose(np.diff([START[0], *x]), 0.005, atol=1e-6)


def test_the_commanded_action_keeps_the_stamp_of_the_observation(rig):
    assert rig.submit(0.01, age_s=0.2).stamp_ns == rig.now - 200_000_000


def test_nothing_moves_before_the_arm_is_enabled():
    rig = Rig()
    with pytest.raises(ArmError, match="enable"):
        rig.submit(0.01)
    rig.ticks()
    assert all(kind == "hold" for kind, _ in rig.arm.log)


def test_the_arm_holds_two_control_periods_after_the_last_action_and_the_stop_is_last(rig):
    rig.submit(0.05)
    rig.ticks(21)
    assert rig.mode() == "moving"
    rig.ticks(2)
    assert rig.mode() == "holding"
    assert rig.controller.events["silence"] == 1
    rig.ticks(50)
    assert rig.arm.log[-1][0] == "hold"
    assert sum(kind == "hold" for kind, _ in rig.arm.log) == 2


def test_deltas_add_to_the_previous_target_when_the_arm_lags():
    rig = Rig(stiffness=0.05).enabled()
    rig.submit(0.02)
    rig.ticks()
    rig.submit(0.02)
    assert rig.controller.state().target.position[0] == pytest.approx(START[0] + 0.04, abs=1e-6)


def test_deltas_add_to_the_measured_pose_when_the_spec_says_so():
    rig = Rig(ActionSpec(reference="measured"), stiffness=0.05).enabled()
    rig.submit(0.02)
    rig.ticks()
    measured = rig.arm.q[0]
    rig.submit(0.02)
    assert rig.controller.state().target.position[0] == pytest.approx(measured + 0.02, abs=1e-6)


def test_after_a_hold_the_target_starts_from_the_measured_pose():
    rig = Rig(stiffness=0.05).enabled()
    rig.submit(0.05)
    rig.ticks(40)
    measured = rig.arm.q[0]
    rig.submit(0.01)
    assert rig.controller.state().target.position[0] == pytest.approx(measured + 0.01, abs=1e-6)


def test_a_blocked_arm_is_never_led_further_than_the_leash():
    rig = Rig(stiffness=0.0).enabled()
    for _ in range(20):
        rig.submit(0.05, 0.05, -0.05, 0.0, 0.0, 0.25)
        rig.ticks()
        state = rig.controller.state()
        assert np.linalg.norm(state.target.position - START[:3]) <= LIMITS.leash_m + 1e-6
        turned = rotation_angle(*(matrix_from_quat(p.quat_wxyz) for p in (state.target, state.measured)))
        assert turned <= LIMITS.leash_rad + 1e-6
    assert rig.controller.events["leash"] > 0


def test_an_arm_that_is_pushed_back_between_two_actions_is_not_led_further_than_the_leash():
    """The leash was once looked at when an Action came, so a blocked arm that swung away was led 91 mm for 0.1 s."""
    rig = Rig(stiffness=0.0).enabled()
    for _ in range(3):
        rig.submit(0.05)
        rig.ticks(5)
        rig.arm.q = rig.arm.q - np.array([0.02, 0, 0, 0, 0, 0])
        rig.ticks(5)
        sent = [q for what, q in rig.arm.log[-3:] if what == "command"]
        assert len(sent) == 3
        assert max(q[0] for q in sent[1:]) - rig.arm.q[0] <= LIMITS.leash_m + 1e-6
    assert rig.mode() == "moving"


def test_a_target_beyond_the_box_stops_at_its_wall(rig):
    for _ in range(10):
        commanded = rig.submit(0.0, 0.05)
        rig.ticks()
    assert rig.arm.q[1] == pytest.approx(LIMITS.workspace_high[1])
    assert commanded.values[1] == pytest.approx(0.0, abs=1e-6)
    assert rig.controller.events["workspace"] >= 1


def test_an_arm_that_starts_outside_the_box_may_only_move_inwards():
    rig = Rig(q=[0.10, 0, 0.1, 0, 0, 0]).enabled()
    assert rig.submit(-0.05).values[0] == 0
    rig.ticks()
    assert rig.submit(0.05).values[0] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("action", "age_s", "event"), [((0.01,), 0.6, "stale_action"), ((0.01,), -0.2, "future_action")]
)
def test_actions_with_a_stamp_too_old_or_ahead_are_refused_and_the_arm_holds(rig, action, age_s, event):
    rig.submit(0.01)
    with pytest.raises(ArmError):
        rig.submit(*action, age_s=age_s)
    assert rig.mode() == "holding"
    assert rig.controller.events[event] == 1
    assert rig.arm.log[-1][0] == "hold"


def test_an_action_that_is_not_finite_makes_the_arm_hold(rig):
    rig.submit(0.01)
    broken = Action(np.zeros(7), rig.now)
    object.__setattr__(broken, "values", np.full(7, np.nan))
    with pytest.raises(ContractError):
        rig.controller.submit(broken, rig.now)
    assert rig.mode() == "holding"
    assert rig.controller.events["bad_action"] == 1


def test_a_target_without_a_joint_solution_is_refused_and_the_arm_holds(rig):
    rig.submit(0.01)
    rig.kinematics.fails = True
    with pytest.raises(ArmError, match="out of reach"):
        rig.submit(0.01)
    assert rig.mode() == "holding"
    assert rig.controller.events["unreachable"] == 1
    rig.kinematics.fails = False
    rig.submit(0.01)
    assert rig.mode() == "moving"


def test_an_estop_stays_latched_until_reset_and_then_needs_enabling(rig):
    rig.submit(0.05)
    rig.controller.estop("test")
    rig.ticks(3)
    assert rig.arm.log[-1][0] == "hold"
    with pytest.raises(ArmError, match="latched"):
        rig.controller.enable()
    rig.controller.disable()
    assert rig.mode() == "estopped"
    rig.controller.reset()
    with pytest.raises(ArmError, match="disabled"):
        rig.submit(0.01)
    rig.controller.enable()
    rig.submit(0.01)
    assert rig.mode() == "moving"


def test_a_hold_or_a_refusal_does_not_release_an_estop(rig):
    rig.controller.estop("test")
    rig.controller.hold("other", "bad_action")
    with pytest.raises(ArmError):
        rig.submit(0.01)
    assert rig.mode() == "estopped"


def test_an_arm_that_stops_answering_is_stopped_for_good_and_told_to_hold_until_it_obeys(rig):
    rig.submit(0.05)
    rig.ticks(3)
    rig.arm.broken = True
    rig.ticks(3)
    rig.arm.broken = False
    rig.ticks(1)
    assert rig.mode() == "estopped"
    assert rig.arm.log[-1][0] == "hold"
    assert rig.controller.events["arm_fault"] >= 1


def test_a_clock_that_goes_back_makes_the_arm_hold(rig):
    rig.submit(0.05)
    rig.ticks(3)
    rig.now -= 10**9
    rig.ticks(1)
    assert rig.mode() == "holding"
    assert rig.controller.events["clock_went_back"] == 1


def test_homing_is_slow_ends_at_home_and_an_action_ends_it(rig):
    home = np.array([0.35, 0.1, 0.15, 0, 0, 0.5])
    rig.controller.home(home, rig.now)
    start, before = rig.now, len(rig.arm.log)
    rig.ticks(80)
    np.testing.assert_allclose(rig.arm.q, home, atol=1e-9)
    path = np.array([START, *(q for kind, q in rig.arm.log[before:] if kind == "command")])
    assert np.abs(np.diff(path, axis=0)).max() <= LIMITS.home_speed * 0.02 + 1e-9
    assert rig.now > start
    assert (rig.mode(), rig.controller.reason) == ("holding", "at home")
    rig.controller.home(START, rig.now)
    with pytest.raises(ArmError, match="homing"):
        rig.submit(0.01)
    assert rig.mode() == "holding"


def test_homing_is_refused_when_disabled_or_when_the_way_passes_through_the_table(rig):
    with pytest.raises(ArmError, match="below"):
        rig.controller.home(np.array([0.3, 0, -0.1, 0, 0, 0]), rig.now)
    assert rig.mode() == "holding"
    rig.controller.disable()
    with pytest.raises(ArmError, match="enable"):
        rig.controller.home(START, rig.now)


def test_a_step_that_turns_a_joint_too_fast_is_shortened():
    rig = Rig(ActionSpec(rate_hz=20.0), SafetyLimits(joint_speed=0.5)).enabled()
    commanded = rig.submit(0.05)
    assert 0 < commanded.values[0] <= 0.5 * 0.05
    assert rig.controller.events["joint_speed"] == 1


def test_another_frame_than_the_base_is_refused():
    with pytest.raises(ConfigError, match="frame"):
        Rig(ActionSpec(frame="tool"))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("reference", ["previous_target", "measured"])
@pytest.mark.parametrize("stiffness", [1.0, 0.2])
def test_no_limit_is_exceeded_by_random_actions(seed, reference, stiffness):
    rng = np.random.default_rng(seed)
    rig = Rig(ActionSpec(reference=reference), stiffness=stiffness).enabled()
    known = {row.event for row in SAFETY_TABLE} | {"accepted"}
    low, high = np.array(LIMITS.workspace_low), np.array(LIMITS.workspace_high)
    for _ in range(60):
        values = rng.normal(0, [0.06] * 3 + [0.1] * 3 + [1.0]) * rng.choice([0.1, 1.0, 10.0])
        try:
            commanded = rig.submit(*values, age_s=rng.choice([0.0, 0.1, 0.4, 0.7], p=[0.5, 0.3, 0.15, 0.05]))
        except ArmError:
            assert rig.controller.mode == "holding"
        else:
            assert np.abs(commanded.values[:3]).max() <= LIMITS.max_step_m + 1e-6
            assert np.abs(commanded.values[3:6]).max() <= LIMITS.max_step_rad + 1e-6
            assert 0 <= commanded.values[6] <= 1
        rig.ticks(int(rng.integers(1, 30)))
        state = rig.controller.state()
        assert (state.target.position >= low - 1e-6).all()
        assert (state.target.position <= high + 1e-6).all()
        assert set(rig.controller.events) <= known
    commands = np.array([q for _, q in rig.arm.log])
    assert np.abs(np.diff(commands, axis=0)).max() <= LIMITS.joint_speed * 2 * INNER_NS / 1e9 + 1e-9
    assert (commands >= rig.kinematics.joint_limits[:, 0]).all()
    assert (commands <= rig.kinematics.joint_limits[:, 1]).all()
    rig.ticks(30)
    assert rig.arm.log[-1][0] == "hold"


def test_refusals_while_holding_do_not_take_the_sagged_pose_as_the_new_one():
    """Each refused action repeated the hold at the measured pose, so a stalled camera let a heavy arm creep down."""
    rig = Rig().enabled()
    holds = len(rig.arm.log)
    for _ in range(20):
        with pytest.raises(ArmError, match="old"):
            rig.submit(0.01, age_s=1.0)
        rig.arm.q[2] -= 0.001
        rig.ticks()
    assert len(rig.arm.log) == holds
    assert rig.controller.events["stale_action"] == 20


def test_joint_angles_that_are_not_finite_are_never_commanded(rig):
    """A solver's NaN passed every comparison with a limit."""
    rig.submit(0.01)
    rig.kinematics.solve = lambda target, q_seed: np.full(6, np.nan)
    with pytest.raises(ArmError, match="nan"):
        rig.submit(0.01)
    rig.ticks()
    assert rig.mode() == "holding"
    assert np.isfinite([q for _, q in rig.arm.log]).all()


def test_a_broken_contract_inside_the_kinematics_makes_the_arm_hold(rig):
    rig.submit(0.01)

    def solve(target, q_seed):
        raise ContractError("joint angles are strange")

    rig.kinematics.solve = solve
    with pytest.raises(ContractError):
        rig.submit(0.01)
    assert rig.mode() == "holding"


def test_actions_that_come_faster_than_the_rate_move_the_tool_by_at_most_a_leash_in_a_control_period(rig):
    for _ in range(15):
        before = rig.arm.q[0]
        rig.submit(0.05)
        rig.ticks(1)
        assert rig.arm.q[0] - before <= LIMITS.leash_m * 0.02 / 0.2 + 1e-6


def test_an_arm_that_something_else_moved_holds_where_it_is_in_the_mode_it_had(rig):
    rig.submit(0.05, 0, 0, 0, 0, 0, 1.0)
    rig.ticks(3)
    rig.arm.q, rig.arm.gripper = START + 0.02, 0.3
    rig.controller.resync("moved by hand")
    state = rig.controller.state()
    assert state.mode == "holding"
    np.testing.assert_allclose(state.target.position, START[:3] + 0.02)
    assert state.gripper_target == pytest.approx(0.3)
    rig.controller.estop("test")
    rig.controller.resync("moved by hand")
    assert (rig.mode(), rig.controller.reason) == ("estopped", "test")
