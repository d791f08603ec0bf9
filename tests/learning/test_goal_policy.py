import dataclasses
import time

import numpy as np
import pytest
import torch

from crl_learning.action_scale import RANGE_CENTRE, RANGE_HALF, ActionScale
from crl_learning.checkpoint import Checkpoint, CheckpointMeta, save_checkpoint
from crl_learning.config import load_train_config
from crl_learning.goal_policy import GoalPolicy, NullPolicy
from crl_learning.networks.critic import Critic
from crl_learning.networks.policy import Policy
from crl_robot.contracts import ActionSpec
from crl_robot.errors import CheckpointError, ContractError, MismatchError
from crl_robot.image_spec import ImageSpec

LIMIT = np.array([0.05] * 3 + [0.25] * 3 + [1.0])
NETWORK = load_train_config(["data=x", "out=y"]).network


def checkpoint_of(*, critic: bool = True, half_range=RANGE_HALF) -> Checkpoint:
    torch.manual_seed(0)
    scale = ActionScale(RANGE_CENTRE, half_range)
    meta = CheckpointMeta("stable_crl", NETWORK, ImageSpec(), ActionSpec(), "commanded", scale, 1, 0)
    twins = Critic((64, 64), NETWORK)
    for head in (*twins.phi, *twins.psi):
        head.last.reset_parameters()
    policy = Policy((64, 64), NETWORK, torch.from_numpy(scale.free))
    return Checkpoint(meta, policy.state_dict(), twins.state_dict() if critic else None)


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (240, 320, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def policy() -> GoalPolicy:
    return GoalPolicy(checkpoint_of())


def test_same_images_same_action(policy):
    policy.set_goal(picture(1))
    first, estimate = policy.act(picture(0))
    second, again = policy.act(picture(0))
    assert first.dtype == np.float32
    assert first.shape == (7,)
    assert np.array_equal(first, second)
    assert estimate == again


def test_actions_stay_within_the_contract(policy):
    policy.set_goal(picture(1))
    for seed in range(5):
        values = policy.act(picture(seed))[0]
        assert (np.abs(values) <= LIMIT + 1e-6).all()
        assert 0 <= values[6] <= 1


def test_the_estimate_is_zero_at_the_goal(policy):
    policy.set_goal(picture(3))
    assert policy.act(picture(3))[1] == pytest.approx(0, abs=1e-5)
    assert policy.act(picture(4))[1] != pytest.approx(0, abs=1e-5)


def test_without_a_critic_there_is_no_estimate():
    policy = GoalPolicy(checkpoint_of(critic=False))
    policy.set_goal(picture(1))
    assert np.isnan(policy.act(picture(0))[1])


def test_entries_that_the_data_never_moved_are_never_moved():
    half_range = RANGE_HALF.copy()
    half_range[3:] = 0
    policy = GoalPolicy(checkpoint_of(half_range=half_range))
    policy.set_goal(picture(1))
    assert np.array_equal(policy.act(picture(0))[0][3:], RANGE_CENTRE[3:])


def test_a_folder_acts_like_the_checkpoint_it_was_saved_from(tmp_path, policy):
    save_checkpoint(tmp_path / "it", checkpoint_of())
    loaded = GoalPolicy.load(tmp_path / "it")
    for one in (loaded, policy):
        one.set_goal(picture(1))
    assert np.array_equal(loaded.act(picture(0))[0], policy.act(picture(0))[0])


def test_acting_without_a_goal_is_refused():
    with pytest.raises(ContractError, match="set_goal"):
        GoalPolicy(checkpoint_of()).act(picture(0))


def test_an_image_that_is_not_native_is_refused(policy):
    with pytest.raises(ContractError, match=r"expected uint8 \(240, 320, 3\)"):
        policy.set_goal(np.zeros((64, 64, 3), np.uint8))


def test_a_robot_with_another_rate_or_camera_size_is_refused_naming_both(policy):
    policy.require_robot(ActionSpec(), (320, 240))
    with pytest.raises(MismatchError, match=r"rate_hz=5\.0, the robot has rate_hz=20\.0"):
        policy.require_robot(ActionSpec(20.0), (320, 240))
    with pytest.raises(MismatchError, match=r"\(320, 240\), the robot's have \(640, 480\)"):
        policy.require_robot(ActionSpec(), (640, 480))


def test_a_checkpoint_of_another_robot_is_refused_naming_both(policy):
    policy.require_robot(ActionSpec(), (320, 240), "widowx250s")
    with pytest.raises(MismatchError, match="data of 'widowx250s', the robot is 'sawyer'"):
        policy.require_robot(ActionSpec(), (320, 240), "sawyer")


def test_tensors_that_do_not_fit_the_settings_are_refused():
    checkpoint = checkpoint_of()
    smaller = dataclasses.replace(checkpoint.meta, network=dataclasses.replace(NETWORK, features=8))
    with pytest.raises(CheckpointError, match="does not fit"):
        GoalPolicy(dataclasses.replace(checkpoint, meta=smaller))


def test_one_action_takes_less_than_10_ms_on_one_thread(policy):
    """The fastest of many, so that a busy machine does not fail it."""
    policy.set_goal(picture(1))
    times = []
    for _ in range(30):
        start = time.perf_counter()
        policy.act(picture(0))
        times.append(time.perf_counter() - start)
    assert min(times) < 0.010


def test_the_null_policy_never_moves_and_has_no_estimate():
    null = NullPolicy(ActionSpec(20.0))
    null.require_robot(ActionSpec(5.0), (320, 240))
    null.set_goal(picture(0))
    values, estimate = null.act(picture(0))
    assert not values.any()
    assert np.isnan(estimate)
    assert null.action_spec.rate_hz == 20
