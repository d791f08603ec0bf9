import numpy as np
import pytest

from crl_learning.dataset import TrajectoryData, load_store, split_trajectories, transitions
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ContractError, StoreError
from crl_robot.image_spec import ImageSpec

SPEC = ImageSpec(size=(12, 8))


def data_of(lengths) -> TrajectoryData:
    total = sum(lengths)
    images = np.zeros((total, 8, 12, 3), dtype=np.uint8)
    return TrajectoryData(images, np.zeros((total, 7), np.float32), np.array(lengths), SPEC, ActionSpec())


def test_the_last_observation_of_a_trajectory_is_no_transition():
    found = transitions(data_of([3, 1, 2]), [0, 1, 2])
    assert found.index.tolist() == [0, 1, 4]
    assert found.remaining.tolist() == [2, 1, 1]


def test_transitions_come_from_the_chosen_trajectories_only():
    assert transitions(data_of([3, 2]), [1]).index.tolist() == [3]


def test_no_goal_lies_in_another_trajectory():
    data = data_of([4, 7, 2, 5])
    found = transitions(data, range(4))
    trajectory = np.repeat(np.arange(4), data.lengths)
    last = (found.index + found.remaining).numpy()
    assert (trajectory[found.index.numpy()] == trajectory[last]).all()


def test_data_without_two_observations_in_a_row_are_refused():
    with pytest.raises(ContractError, match="nothing to learn"):
        transitions(data_of([1, 1]), [0, 1])


def test_lengths_that_do_not_fit_the_images_are_refused():
    with pytest.raises(ContractError, match=r"images have shape \(3, 8, 12, 3\), expected \(4, 8, 12, 3\)"):
        TrajectoryData(np.zeros((3, 8, 12, 3), np.uint8), np.zeros((3, 7)), np.array([4]), SPEC, ActionSpec())


def test_actions_that_are_not_finite_are_refused():
    actions = np.zeros((2, 7), np.float32)
    actions[1, 3] = np.nan
    with pytest.raises(ContractError, match="not finite"):
        TrajectoryData(np.zeros((2, 8, 12, 3), np.uint8), actions, np.array([2]), SPEC, ActionSpec())


def test_the_split_keeps_trajectories_whole_and_apart():
    training, held_out = split_trajectories(40, 0.1, seed=3)
    assert len(held_out) == 4
    assert sorted([*training, *held_out]) == list(range(40))
    assert np.array_equal(held_out, split_trajectories(40, 0.1, seed=3)[1])


@pytest.mark.parametrize(("count", "part", "expected"), [(20, 0.0, 0), (3, 0.05, 1), (1, 0.5, 0)])
def test_a_small_set_holds_out_one_trajectory_when_it_can(count, part, expected):
    assert len(split_trajectories(count, part, seed=0)[1]) == expected


def test_a_missing_store_is_refused_with_its_path(tmp_path):
    with pytest.raises(StoreError, match=r"nothing\.zarr does not exist"):
        load_store(tmp_path / "nothing.zarr", ImageSpec())
