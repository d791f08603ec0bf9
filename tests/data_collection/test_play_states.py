"""`crl-data play states=true`: the numbers of the true state in place of images."""

import numpy as np
import pytest

from crl_data.checking.check import check_store
from crl_data.play import play
from crl_data.settings import PlaySettings
from crl_robot.errors import ConfigError


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    out = tmp_path_factory.mktemp("states") / "stitch.zarr"
    words = [f"out={out}", "task=play_stitch", "states=true", "episodes=2", "steps=6", "workers=1"]
    return play(PlaySettings.from_words(words), progress=False)


def test_states_are_recorded_and_no_images(store):
    assert store.spec.state_names[:3] == ("tool_x", "tool_y", "tool_z")
    assert not store.spec.cameras
    for meta in store.metas():
        assert store.read(meta.id)["state"].shape == (6, len(store.spec.state_names))


def test_such_a_store_is_sound(store):
    report = check_store(store.path, progress=False)
    assert (report.exit_code, report.warnings) == (0, [])


def test_both_kinds_of_episodes_take_turns(store):
    assert [meta.source for meta in store.metas()] == ["turning", "pushing"]


def test_the_same_seed_records_the_same_states(store, tmp_path):
    words = [f"out={tmp_path / 'again.zarr'}", "task=play_stitch", "states=true", "episodes=2", "steps=6", "workers=1"]
    again = play(PlaySettings.from_words(words), progress=False)
    np.testing.assert_array_equal(store.load_array("state"), again.load_array("state"))


def test_play_in_several_scenes_has_no_one_state(tmp_path):
    settings = PlaySettings.from_words([f"out={tmp_path / 'all.zarr'}", "task=all", "states=true"])
    with pytest.raises(ConfigError, match="states=true needs one scene"):
        play(settings, progress=False)
