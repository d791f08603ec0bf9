"""What happens to BridgeData trajectories that are damaged."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from crl_data.checking.check import check_store


def cut_short(bridge, folder: Path) -> None:
    path = folder / "obs_dict.pkl"
    path.write_bytes(path.read_bytes()[:-100])


def lose_a_picture(bridge, folder: Path) -> None:
    (folder / "images0/im_2.jpg").unlink()


def lose_the_last_picture(bridge, folder: Path) -> None:
    (folder / f"images0/im_{bridge.steps}.jpg").unlink()


def cut_a_picture(bridge, folder: Path) -> None:
    path = folder / "images0/im_4.jpg"
    path.write_bytes(path.read_bytes()[:-200])


def empty_a_picture(bridge, folder: Path) -> None:
    (folder / "images0/im_0.jpg").write_bytes(b"")


def lose_the_observations(bridge, folder: Path) -> None:
    (folder / "obs_dict.pkl").unlink()


def write_too_few_actions(bridge, folder: Path) -> None:
    (folder / "policy_out.pkl").write_bytes(pickle.dumps([{"actions": np.zeros(7)}] * (bridge.steps - 1)))


def write_actions_of_other_length(bridge, folder: Path) -> None:
    (folder / "policy_out.pkl").write_bytes(pickle.dumps([np.zeros(7), np.zeros(5)]))


def write_no_dict(bridge, folder: Path) -> None:
    (folder / "obs_dict.pkl").write_bytes(pickle.dumps([1, 2]))


def turn_the_clock_back(bridge, folder: Path) -> None:
    obs = pickle.loads((folder / "obs_dict.pkl").read_bytes())
    obs["time_stamp"][3] = obs["time_stamp"][1]
    (folder / "obs_dict.pkl").write_bytes(pickle.dumps(obs))


DAMAGES = (
    cut_short,
    lose_a_picture,
    lose_the_last_picture,
    cut_a_picture,
    empty_a_picture,
    lose_the_observations,
    write_too_few_actions,
    write_actions_of_other_length,
    write_no_dict,
    turn_the_clock_back,
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_trajectory_ends_the_import_unless_it_is_skipped(bridge, source, tmp_path, damage, take_bridge):
    for number in range(3):
        bridge.write(source / bridge.dated / f"traj{number}", seed=number)
    damage(bridge, source / bridge.dated / "traj1")
    stopped = take_bridge(source, tmp_path / "stopped.zarr")
    assert (len(stopped.imported), list(stopped.damaged)) == (1, [f"{bridge.dated}/traj1"])
    skipped = take_bridge(source, tmp_path / "skipped.zarr", skip_damaged=True)
    assert (len(skipped.imported), list(skipped.damaged)) == (2, [f"{bridge.dated}/traj1"])
    for name in ("stopped", "skipped"):
        assert check_store(tmp_path / f"{name}.zarr", progress=False).exit_code == 0
    assert not list(tmp_path.glob("*.partial*"))
