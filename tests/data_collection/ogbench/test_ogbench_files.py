"""OGBench's own files are read trajectory by trajectory."""

import numpy as np
import pytest

from crl_data.ogbench.files import DataFile, data_file
from crl_data.ogbench.names import OgbenchName
from crl_robot.errors import StoreError

NAME = OgbenchName.parse("ogbench/pointmaze-medium-navigate-v0")


def test_trajectories_end_where_the_file_says(write_file):
    content = write_file(NAME.dataset, lengths=(4, 3, 5))
    found = list(DataFile(data_file(NAME)).trajectories(3))
    assert [len(trajectory.observations) for trajectory in found] == [4, 3, 5]
    np.testing.assert_array_equal(np.concatenate([t.observations for t in found]), content["observations"])
    np.testing.assert_array_equal(np.concatenate([t.actions for t in found]), content["actions"])


def test_only_as_many_trajectories_as_asked_for_are_read(write_file):
    write_file(NAME.dataset, lengths=(4, 3, 5))
    assert [len(t.actions) for t in DataFile(data_file(NAME)).trajectories(2)] == [4, 3]


def test_a_damaged_file_is_named(write_file):
    write_file(NAME.dataset)
    path = data_file(NAME)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(StoreError, match=r"pointmaze.*download it again"):
        DataFile(path)


def test_a_file_without_the_end_of_a_trajectory_is_refused(data_folder):
    path = data_file(NAME)
    np.savez(path, observations=np.zeros((3, 2)), actions=np.zeros((3, 2)), terminals=np.zeros(3))
    with pytest.raises(StoreError, match="marks no end"):
        DataFile(path)


def test_a_file_whose_observations_end_early_is_refused(data_folder):
    path = data_file(NAME)
    np.savez(path, observations=np.zeros((3, 2)), actions=np.zeros((5, 2)), terminals=np.array([0, 0, 0, 0, 1]))
    with pytest.raises(StoreError, match="ends 32 bytes early"):
        list(DataFile(path).trajectories(1))
