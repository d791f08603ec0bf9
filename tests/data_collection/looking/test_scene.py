"""A simulated scene with several things, in numbers and pictures."""

import json

import numpy as np
import pytest

from crl_data.checking.check import check_store
from crl_data.cli import main
from crl_data.looking.scene import gripper_facts, object_facts, slide_facts
from crl_data.rows import SceneTruth
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import Pose
from crl_robot.errors import ContractError

UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])
STEPS = 6


def write(store, samples, episode_id, **options):
    """A cup that is lifted by 2 cm a step while a drawer opens by 1 cm a step, and a block that stays."""
    options = {"objects": ["cup", "block"], "slides": ["drawer"], **options}
    with EpisodeWriter(store, source="test", episode_id=episode_id, options=options) as writer:
        for step in range(STEPS):
            cup, block = Pose(np.array([0.3, 0.0, 0.02 * step]), UPRIGHT), Pose(np.array([0.2, 0.1, 0.0]), UPRIGHT)
            truth = SceneTruth((cup, block), (0.01 * step,))
            writer.add_step(samples.observation(step), samples.action(), truth=truth)
        writer.commit()


def summary(store, capsys):
    assert main(["info", str(store.path), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_thing_is_told_apart(store, samples, capsys):
    write(store, samples, "a")
    write(store, samples, "b")
    found = summary(store, capsys)
    cup, block = found["objects"]["cup"], found["objects"]["block"]
    assert (cup["episodes"], cup["episodes_lifted_5cm"], block["episodes_lifted_5cm"]) == (2, 2, 0)
    assert cup["z"] == pytest.approx([0.0, 0.1])
    assert found["slides"]["drawer"]["range"] == pytest.approx([0.0, 0.05])
    assert found["slides"]["drawer"]["path_m_per_episode"] == pytest.approx(0.05)
    assert found["object"]["z"] == cup["z"]


def test_a_scene_has_a_picture_of_its_own(store, samples, tmp_path, capsys):
    write(store, samples, "a")
    assert main(["info", str(store.path), "--png", str(tmp_path / "p")]) == 0
    assert (tmp_path / "p" / "scene.png").stat().st_size > 10_000
    out = capsys.readouterr().out
    assert "lifted 5 cm in" in out
    assert "drawer" in out


def test_a_store_with_one_thing_has_none(store, samples, tmp_path):
    samples.write(store, "a")
    assert main(["info", str(store.path), "--png", str(tmp_path / "p")]) == 0
    assert not (tmp_path / "p" / "scene.png").exists()


def test_what_varied_is_shown_over_all_episodes_without_seeds(store, samples, capsys):
    write(store, samples, "a", world={"friction": 0.8, "texture": "grain", "texture_seed": 3, "light_rgb": [1.0, 1.2]})
    write(store, samples, "b", world={"friction": 1.1})
    assert summary(store, capsys)["varied"] == {"friction": [0.8, 1.1], "light_rgb": [1.0, 1.2]}


def test_a_scene_is_sound_and_one_whose_names_do_not_fit_is_not(store, samples):
    write(store, samples, "a")
    assert check_store(store.path, progress=False).exit_code == 0
    write(store, samples, "b", objects=["cup"])
    report = check_store(store.path, progress=False)
    assert report.exit_code == 2
    assert "truth_objects" in str(report.damage)


def test_a_thing_is_in_every_step_or_in_none(store, samples):
    with EpisodeWriter(store, source="test") as writer:
        writer.add_step(samples.observation(0), samples.action(), truth=samples.pose())
        truth = SceneTruth((samples.pose(),), (0.0,))
        with pytest.raises(ContractError, match="truth_objects"):
            writer.add_step(samples.observation(1), samples.action(), truth=truth)


def test_openings_closings_and_lifts_are_counted():
    drawer = slide_facts([np.array([0.0, 0.1, 0.1, 0.0, 0.1])])
    assert (drawer["opened"], drawer["closed"]) == (2, 1)
    gripper = gripper_facts([np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.0, 0.0, 0.0, 0.0])])
    assert gripper == {"open_share": 0.25, "closings_per_episode": 1.0}
    thing = object_facts([np.array([[0.0, 0.0, 0.0], [0.03, 0.04, 0.06]])])
    assert thing["path_m_per_episode"] == pytest.approx(0.05)
    assert (thing["episodes_moved_2cm"], thing["episodes_lifted_5cm"]) == (1, 1)
