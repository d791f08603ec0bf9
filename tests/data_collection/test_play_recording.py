import dataclasses
import json
import subprocess
import sys
import time

import numpy as np
import pytest

from crl_data.checking.check import check_store
from crl_data.play import play
from crl_data.schema import StoreMismatchError
from crl_data.settings import PlaySettings
from crl_data.store import Store
from crl_robot.errors import ConfigError, StoreError
from crl_robot.image_spec import ImageSpec
from crl_robot.sim.randomisation_file import load_randomisation

JPEG_MAX_BOUND, JPEG_MEAN_BOUND = 6, 0.6
"""Of what the network sees, out of 255, on rendered scenes (quality 95, 4:4:4)."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> PlaySettings:
    folder = tmp_path_factory.mktemp("play")
    return PlaySettings(out=str(folder / "one.zarr"), episodes=2, steps=4, seed=3, workers=1)


@pytest.fixture(scope="module")
def recorded(settings):
    return play(settings, progress=False)


def test_two_processes_record_the_same_as_one(settings, recorded, tmp_path):
    other = play(dataclasses.replace(settings, out=str(tmp_path / "two.zarr"), workers=2), progress=False)
    assert other.fingerprint() == recorded.fingerprint()
    assert check_store(other.path, progress=False).exit_code == 0


def test_another_seed_records_something_else(settings, recorded, tmp_path):
    other = play(dataclasses.replace(settings, out=str(tmp_path / "o.zarr"), seed=4, episodes=1), progress=False)
    assert not np.array_equal(other.load_actions(), recorded.load_actions()[:4])


def test_play_without_pushes_leaves_the_can_alone(settings, tmp_path):
    quiet = dataclasses.replace(settings, out=str(tmp_path / "q.zarr"), episodes=1, steps=20, push_share=0.0)
    store = play(quiet, progress=False)
    can = store.load_array("truth_object")
    assert np.ptp(can[:, :2], axis=0).max() < 0.01
    assert next(iter(store.metas())).options["push_share"] == 0.0


def test_the_sawyer_plays_too_and_only_reaches(settings, tmp_path):
    sawyer = dataclasses.replace(settings, out=str(tmp_path / "s.zarr"), robot="sawyer", episodes=1, steps=20)
    store = play(sawyer, progress=False)
    assert (store.spec.robot, len(store.spec.joint_names)) == ("sawyer", 7)
    assert store.load_array("joints").shape == (20, 7)
    assert np.ptp(store.load_array("truth_object")[:, :2], axis=0).max() < 0.01
    with pytest.raises(StoreMismatchError, match="robot"):
        play(dataclasses.replace(settings, out=sawyer.out, resume=True), progress=False)
    with pytest.raises(ConfigError, match="no task of robot 'sawyer' is named 'pick_place'"):
        play(dataclasses.replace(sawyer, out=str(tmp_path / "p.zarr"), task="pick_place"), progress=False)


def test_resume_adds_only_what_is_missing(settings, recorded, tmp_path):
    shorter = dataclasses.replace(settings, out=str(tmp_path / "r.zarr"), episodes=1)
    first = play(shorter, progress=False)
    file = first.folder(first.episode_ids()[0]) / "zarr.json"
    written = file.stat().st_mtime_ns
    with pytest.raises(StoreError, match="resume=true"):
        play(shorter, progress=False)
    full = play(dataclasses.replace(shorter, episodes=2, resume=True), progress=False)
    assert file.stat().st_mtime_ns == written
    assert full.fingerprint() == recorded.fingerprint()


@pytest.mark.slow
def test_killed_play_leaves_whole_episodes_and_no_process(tmp_path):
    """Standard error ends only when the last worker has gone."""
    path = tmp_path / "k.zarr"
    words = [f"out={path}", "episodes=1000", "steps=4", "workers=2"]
    command = [sys.executable, "-m", "crl_data.cli", "play", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 60
        while time.monotonic() < end and not (path.exists() and len(Store.open(path)) >= 2):
            time.sleep(0.02)
        process.kill()
        process.communicate(timeout=30)
    report = check_store(path, progress=False)
    assert report.damage == []
    assert 2 <= report.episodes < 1000


def test_steps_follow_each_other_at_the_control_rate(recorded):
    episode = recorded.read(recorded.episode_ids()[0])
    assert (np.diff(episode["stamp_ns"]) == 200_000_000).all()
    assert episode.meta.last_achieved == "measured"
    assert np.isfinite(episode["action_achieved"]).all()
    moved = np.diff(episode["tool_target"][:, :3], axis=0)
    assert np.allclose(moved, episode["action_commanded"][:-1, :3], atol=2e-3)


def test_jpeg_play_differs_from_lossless_play_within_the_bound(settings, recorded, tmp_path):
    exact = play(dataclasses.replace(settings, out=str(tmp_path / "l.zarr"), encoding="lossless"), progress=False)
    spec = ImageSpec()
    (coded, _), (live, _) = (s.load_images(spec, progress=False) for s in (recorded, exact))
    error = np.abs(coded.astype(int) - live)
    assert np.array_equal(recorded.load_actions(), exact.load_actions())
    assert error.max() <= JPEG_MAX_BOUND
    assert error.mean() <= JPEG_MEAN_BOUND


def test_demonstrations_are_marked_with_their_success(settings, tmp_path):
    store = play(
        dataclasses.replace(settings, out=str(tmp_path / "d.zarr"), task="reach", episodes=1, steps=25), progress=False
    )
    meta = store.metas()[0]
    assert (meta.source, meta.success, meta.seed) == ("reach", True, (3, 0))


def test_what_varies_is_drawn_from_the_seed_and_recorded(settings, tmp_path):
    ranges = load_randomisation("full", {"light.factor": "[0.5,0.6]"})
    varied = dataclasses.replace(settings, out=str(tmp_path / "v.zarr"), randomisation=ranges)
    store = play(varied, progress=False)
    drawn = [meta.options["world"] for meta in store.metas()]
    assert drawn == [json.loads(json.dumps(ranges.draw((3, index)).to_dict())) for index in range(2)]
    assert store.metas()[0].options["randomisation"]["light"]["factor"] == [0.5, 0.6]
    episode = store.read(store.episode_ids()[0])
    age_ms = (episode["stamp_ns"] - episode.cameras["over_shoulder"].stamp_ns)[-1] / 1e6
    assert age_ms == pytest.approx(20 * round(drawn[0]["camera_latency_ms"] / 20))
    assert check_store(store.path, progress=False).exit_code == 0


def test_play_without_randomisation_says_nothing_of_it(recorded):
    assert set(recorded.metas()[0].options) == {"task", "push_share"}


def test_demonstrations_of_all_tasks_take_turns(settings, tmp_path):
    store = play(
        dataclasses.replace(settings, out=str(tmp_path / "a.zarr"), task="all", policy="oracle", episodes=2),
        progress=False,
    )
    assert [meta.source for meta in store.metas()] == ["reach", "push"]
    assert [meta.id for meta in store.metas()] == ["all-oracle-s3-000000", "all-oracle-s3-000001"]
