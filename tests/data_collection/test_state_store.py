"""Stores of a benchmark's environment: state vectors in place of images, controls in place of an arm's actions."""

import json

import numpy as np
import pytest

from crl_data.checking.check import check_store
from crl_data.cli import main
from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.store import Store
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ContractError, MismatchError, StoreError

SPEC = StoreSpec(
    ActionSpec(10.0, "environment", "maze", ("x", "y")), {}, "maze", (), ("commanded",), ("state_0", "state_1", "speed")
)
META = EpisodeMeta(id="", source="test", clock="none")


def arrays(steps: int = 5) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "state": rng.normal(size=(steps, 3)).astype(np.float32),
        "action_commanded": rng.uniform(-1, 1, (steps, 2)).astype(np.float32),
    }


def write(store: Store, name: str, content: dict[str, np.ndarray]) -> None:
    with EpisodeFile(store, name) as file:
        file.commit(META, content)


@pytest.fixture
def states(tmp_path) -> Store:
    return Store.create(tmp_path / "states.zarr", SPEC)


def test_states_and_controls_come_back_as_they_were_written(states):
    content = arrays()
    write(states, "a", content)
    reopened = Store.open(states.path)
    assert reopened.spec == SPEC
    episode = reopened.read("a")
    assert len(episode) == 5
    assert not episode.cameras
    for name, array in content.items():
        np.testing.assert_array_equal(episode[name], array)


def test_a_store_of_states_is_sound(states):
    write(states, "a", arrays())
    report = check_store(states.path, progress=False)
    assert (report.exit_code, report.warnings) == (0, [])


def test_a_check_sees_states_that_are_not_what_the_store_declares(states):
    write(states, "a", arrays() | {"state": np.zeros((5, 2), np.float32)})
    assert "state is float32" in check_store(states.path, progress=False).damage[0]


def test_controls_outside_their_range_are_warned_of(states):
    write(states, "a", arrays() | {"action_commanded": np.full((5, 2), 1.5, np.float32)})
    assert "expected controls from -1 to 1" in check_store(states.path, progress=False).warnings[0]


def test_an_episode_without_its_states_is_refused_and_nothing_is_left(states):
    with pytest.raises(StoreError, match="lacks state"):
        write(states, "a", {"action_commanded": np.zeros((5, 2), np.float32)})
    with pytest.raises(StoreError, match="no steps"):
        write(states, "a", arrays(steps=0))
    assert len(states) == 0
    assert check_store(states.path, progress=False).exit_code == 0


def test_info_names_states_and_controls(states, capsys):
    write(states, "a", arrays())
    assert main(["info", str(states.path), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert set(summary["actions"]) == {"x", "y"}
    assert main(["info", str(states.path)]) == 0
    shown = capsys.readouterr().out
    assert "3 numbers a step" in shown
    assert "2 controls of maze" in shown


def test_what_needs_images_says_that_there_are_none(states, tmp_path, capsys):
    write(states, "a", arrays())
    assert main(["video", str(states.path), "a", str(tmp_path / "a.mp4")]) == 2
    assert "without images" in capsys.readouterr().err
    assert main(["export", "lerobot", str(states.path), str(tmp_path / "out")]) == 2
    assert "expected the actions of an arm" in capsys.readouterr().err


def test_controls_of_an_environment_are_not_the_actions_of_an_arm():
    with pytest.raises(MismatchError, match=r"environment.*previous_target|previous_target.*environment"):
        SPEC.action.require_equal(ActionSpec(rate_hz=10.0), "the checkpoint", "the robot")
    with pytest.raises(ContractError, match="'previous_target' or 'measured'"):
        ActionSpec(reference="environment")
    with pytest.raises(ContractError, match="'environment' for actions x, y"):
        ActionSpec(names=("x", "y"))


def test_a_store_of_neither_images_nor_states_is_refused():
    with pytest.raises(ContractError, match="camera or state entry"):
        StoreSpec(ActionSpec(), {}, "arm", ())
    assert StoreSpec(ActionSpec(), {"front": CameraSpec()}, "arm", ()).state_names == ()
