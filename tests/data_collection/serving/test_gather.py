import numpy as np
import pytest

from crl_data.serving.gather import Gather
from crl_robot.errors import ContractError


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 4, 5, 3), np.uint8)


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_rows_are_the_ones_asked_for_whatever_the_number_of_threads(images, workers):
    wanted = np.random.default_rng(1).integers(0, 20, 33)
    assert np.array_equal(Gather(workers).take(images, wanted), images[wanted])


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_transition_is_a_row_the_one_after_it_and_a_goal(images, workers):
    pairs, goals = np.empty((3, 2, 4, 5, 3), np.uint8), np.empty((3, 4, 5, 3), np.uint8)
    got = Gather(workers).transitions(images, [18, 0, 7], [19, 5, 9], pairs, goals)
    assert got[0] is pairs
    assert got[1] is goals
    assert np.array_equal(pairs, np.stack([images[[18, 0, 7]], images[[19, 1, 8]]], axis=1))
    assert np.array_equal(goals, images[[19, 5, 9]])


def test_rows_come_out_of_a_file_that_is_only_mapped(images, tmp_path):
    np.save(tmp_path / "a.npy", images)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert np.array_equal(Gather(2).take(mapped, [3, 19]), images[[3, 19]])


def test_nothing_is_taken_for_no_indices(images):
    assert Gather(2).take(images, []).shape == (0, 4, 5, 3)


def test_indices_out_of_range_are_refused_and_never_clipped(images):
    with pytest.raises(ContractError, match="0 to 19"):
        Gather(2).take(images, [20])
    with pytest.raises(ContractError, match="0 to 18"):
        Gather(2).transitions(images, [19], [0])
    with pytest.raises(ContractError, match="0 to 19"):
        Gather(2).take(images, [-1])


def test_an_output_of_another_shape_or_dtype_is_refused(images):
    with pytest.raises(ContractError, match="expected C-contiguous uint8"):
        Gather(2).take(images, [1, 2], np.empty((3, 4, 5, 3), np.uint8))
    with pytest.raises(ContractError, match="expected C-contiguous uint8"):
        Gather(2).take(images, [1], np.empty((1, 4, 5, 3), np.float32))
