import json

import numpy as np
import pytest

from crl_robot.contracts import Action, ActionSpec, Frame, JointReading, Observation, Pose
from crl_robot.errors import ContractError, CrlError, MismatchError, nearest


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_action_that_is_not_finite_is_refused(bad: float):
    with pytest.raises(ContractError, match="not finite"):
        Action(np.array([0, 0, bad, 0, 0, 0, 1]), 1)


@pytest.mark.parametrize("shape", [(6,), (8,), (1, 7), ()])
def test_an_action_of_another_shape_is_refused(shape: tuple[int, ...]):
    with pytest.raises(ContractError, match=r"expected \(7,\)"):
        Action(np.zeros(shape), 1)


def test_an_action_cannot_be_changed_after_it_was_made():
    source = np.zeros(7)
    action = Action(source, 1)
    source[0] = 1.0
    assert action.values[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        action.values[0] = 1.0


def test_action_specs_that_differ_are_refused_with_both_values():
    with pytest.raises(MismatchError, match=r"checkpoint has rate_hz=5\.0, robot has rate_hz=10\.0"):
        ActionSpec(5.0).require_equal(ActionSpec(10.0), "checkpoint", "robot")
    with pytest.raises(MismatchError, match=r"previous_target.*measured"):
        ActionSpec().require_equal(ActionSpec(reference="measured"), "checkpoint", "robot")
    ActionSpec().require_equal(ActionSpec(), "checkpoint", "robot")


def test_action_spec_survives_json():
    spec = ActionSpec(10.0, "measured")
    assert ActionSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize("rate", [0, -5, np.nan, np.inf, 1e6])
def test_a_rate_that_cannot_be_is_refused(rate: float):
    with pytest.raises(ContractError, match="rate_hz"):
        ActionSpec(rate)


def test_a_pose_with_a_quaternion_that_is_no_rotation_is_refused():
    with pytest.raises(ContractError, match="norm"):
        Pose(np.zeros(3), np.array([1.0, 1.0, 0.0, 0.0]))


def test_joint_readings_are_never_invented():
    with pytest.raises(ContractError, match="joint position is not finite"):
        JointReading(np.full(6, np.nan), np.zeros(6), 0.0, 1)


def test_a_frame_must_be_rgb_bytes():
    with pytest.raises(ContractError, match="uint8"):
        Frame(np.zeros((4, 4, 3), np.float32), 0, 0)  # pyright: ignore[reportArgumentType]


def test_the_age_of_an_observation_is_counted_from_the_frames_own_stamp():
    image = np.zeros((4, 4, 3), np.uint8)
    frames = {"a": Frame(image, 1_000_000, 3_000_000), "b": Frame(image, 2_000_000, 2_500_000)}
    observation = Observation(frames, arm=None, stamp_ns=5_000_000)  # pyright: ignore[reportArgumentType]
    assert observation.age_ms("a") == 4.0
    assert frames["a"].age_ms == 2.0
    assert observation.newest_stamp_ns == 2_000_000


def test_every_error_is_also_the_builtin_that_a_caller_would_catch():
    assert issubclass(ContractError, ValueError)
    assert issubclass(ContractError, CrlError)


def test_the_nearest_known_name_is_suggested():
    assert nearest("episode", ["episodes", "seed"]) == "did you mean 'episodes'?"
    assert nearest("qqq", ["episodes", "seed"]) == "known: episodes, seed"
