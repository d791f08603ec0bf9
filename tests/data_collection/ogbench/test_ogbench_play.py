"""`crl-data play task=ogbench/...`."""

import numpy as np
import pytest

from crl_data.checking.check import check_store
from crl_data.cli import main
from crl_data.ogbench.demonstrators import cells_at, cube_in_view
from crl_data.ogbench.play import play_ogbench
from crl_data.ogbench.settings import OgbenchSettings
from crl_data.store import Store
from crl_robot.errors import ConfigError, StoreError

MAZE = "ogbench/pointmaze-medium-navigate-v0"


pytestmark = pytest.mark.usefixtures("package")


def play(out, task=MAZE, **settings) -> Store:
    return play_ogbench(OgbenchSettings(out=str(out), task=task, **{"workers": 1, **settings}), progress=False)


def test_the_command_makes_a_sound_store(tmp_path, capsys):
    out = tmp_path / "maze.zarr"
    assert main(["play", f"task={MAZE}", f"out={out}", "episodes=2", "steps=30", "workers=1"]) == 0
    assert "2 episodes" in capsys.readouterr().out
    store = Store.open(out)
    assert store.load_array("state").shape == (60, 2)
    assert store.load_actions().shape == (60, 2)
    assert store.metas()[0].options["task"] == MAZE
    assert check_store(out, progress=False).exit_code == 0


def test_actions_lead_from_each_state_to_the_next(tmp_path):
    """A point moves by a fifth of its control, unless a wall is in the way."""
    episode = play(tmp_path / "a.zarr", episodes=1, steps=200).read("oracle-s0-000000")
    moves = np.diff(episode["state"], axis=0)
    free = np.abs(moves - 0.2 * episode["action_commanded"][:-1]).max(axis=1) < 1e-5
    assert free.mean() > 0.5


def test_navigating_visits_many_cells_of_the_maze(tmp_path):
    states = play(tmp_path / "a.zarr", episodes=1, steps=600).load_array("state")
    assert len(np.unique(np.round(states / 4), axis=0)) > 12


def test_stitching_stays_near_a_goal_four_cells_away(tmp_path):
    task = "ogbench/pointmaze-medium-stitch-v0"
    states = play(tmp_path / "a.zarr", task, episodes=1, steps=200).load_array("state")
    assert np.ptp(states[-20:], axis=0).max() < 2.5
    assert len(np.unique(np.round(states / 4), axis=0)) <= 6


def test_a_resumed_store_equals_one_made_at_once_by_more_workers(tmp_path):
    play(tmp_path / "a.zarr", episodes=1, steps=20)
    resumed = play(tmp_path / "a.zarr", episodes=3, steps=20, resume=True)
    at_once = play(tmp_path / "b.zarr", episodes=3, steps=20, workers=2)
    assert resumed.fingerprint() == at_once.fingerprint()
    with pytest.raises(StoreError, match="resume=true"):
        play(tmp_path / "a.zarr", episodes=3)


@pytest.mark.slow
def test_an_oracle_of_the_arm_moves_the_cube(tmp_path):
    states = play(tmp_path / "a.zarr", "ogbench/cube-single-play-v0", episodes=1, steps=200).load_array("state")
    assert states.shape == (200, 28)
    cube = states[:, 19:22] / 10
    assert np.linalg.norm(cube - cube[0], axis=1).max() > 0.05


@pytest.mark.slow
def test_noisy_data_of_the_scene_can_be_made(tmp_path):
    assert play(tmp_path / "a.zarr", "ogbench/scene-noisy-v0", episodes=1, steps=60).load_actions().shape == (60, 5)


def test_the_published_file_is_taken_where_it_lies(tmp_path, write_file):
    content = write_file("antmaze-medium-navigate-v0", lengths=(4, 3, 5), observation=(29,), action=8)
    store = play(tmp_path / "a.zarr", "ogbench/antmaze-medium-navigate-v0", episodes=2)
    assert [meta.steps for meta in store.metas()] == [4, 3]
    whole = play(tmp_path / "a.zarr", "ogbench/antmaze-medium-navigate-v0", episodes=0, resume=True)
    np.testing.assert_array_equal(whole.load_array("state"), content["observations"])
    np.testing.assert_array_equal(whole.load_actions(), content["actions"])


def test_a_file_of_another_data_set_is_refused(tmp_path, write_file):
    write_file("pointmaze-medium-navigate-v0", observation=(3,))
    with pytest.raises(StoreError, match="file of another data set"):
        play(tmp_path / "a.zarr")


def test_data_that_only_trained_networks_can_make_ask_for_the_file(tmp_path):
    with pytest.raises(ConfigError, match=r"trained networks.*antmaze-medium-navigate-v0.npz; download it"):
        play(tmp_path / "a.zarr", "ogbench/antmaze-medium-navigate-v0")
    with pytest.raises(ConfigError, match=r"source=file, but .*npz is not there"):
        play(tmp_path / "a.zarr", source="file")
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["episode=3"], "did you mean 'episodes'"),
        (["source=disk"], "source=disk is unknown"),
        (["steps=1"], "steps=1, expected 2 or more"),
        (["episodes=0", "source=oracle"], "episodes=0 means all of a data file"),
    ],
)
def test_bad_settings_are_refused_with_their_name(tmp_path, capsys, words, message):
    assert main(["play", f"task={MAZE}", f"out={tmp_path / 'a.zarr'}", *words]) == 2
    assert message in capsys.readouterr().err


def test_cells_are_counted_along_the_way():
    free = [(1, 1), (1, 2), (1, 3), (2, 3), (3, 3), (3, 2), (3, 1)]
    assert cells_at(free, (1, 1), 4) == [(3, 3)]
    assert cells_at(free, (1, 1), 9) == []


def test_a_cube_is_in_view_on_the_table_or_in_the_drawer():
    assert cube_in_view(np.array([0.4, 0.0, 0.02]))
    assert cube_in_view(np.array([0.33, -0.356, 0.066]))
    assert not cube_in_view(np.array([0.33, -0.356, 0.02]))
    assert not cube_in_view(np.array([0.4, 0.3, 0.02]))
