"""`crl-run calibrate` on a small store: what it writes, and what it refuses."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from crl_data.schema import CameraSpec, StoreSpec
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_learning.goal_policy import GoalPolicy
from crl_learning.goals.reference import FrameName, Reference
from crl_learning.progress.calibrate import CalibrationSettings, calibrate, calibrate_checkpoint
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.export import ProgressExport, load_progress, save_progress
from crl_learning.progress.held_out import load_held_out
from crl_learning.progress.own_runs import calibrate_on_runs
from crl_learning.run_cli import main
from crl_learning.runtime.checks import alignment_check, pose_check
from crl_robot.contracts import ActionSpec, ArmState, Frame, JointReading, Observation, Pose
from crl_robot.errors import CheckpointError, StoreError

SMALL = CalibrationSettings(pairs=100, runs=20, goals=40, horizon=10)
EPISODES, STEPS = 10, 12
JOINTS = tuple("abcdef")
QUAT = np.array([1.0, 0, 0, 0])


def view(x: float, y: float) -> np.ndarray:
    """A thing at (x, y) of 0..1 on a textured table, uint8 (240, 320, 3)."""
    texture = np.add.outer(np.arange(240) // 24, np.arange(320) // 40) % 3
    image = np.repeat((80 + 25 * texture).astype(np.uint8)[..., None], 3, axis=2)
    column, row = int(60 + 170 * x), int(20 + 170 * y)
    image[row : row + 30, column : column + 30] = (230, 40, 40)
    return image


def record(store: Store, seed: int, speed: float = 1.0) -> None:
    rng = np.random.default_rng(seed)
    (x, y), step = rng.uniform(0, 1, 2), speed * rng.uniform(-0.05, 0.05, 2)
    with EpisodeWriter(store, source="play", episode_id=f"e{seed}") as writer:
        for i in range(STEPS):
            x, y = np.clip([x + step[0], y + step[1]], 0, 1)
            stamp = 1_000_000_000 + 200_000_000 * i
            pose = Pose(np.array([0.2 + 0.2 * x, 0.2 * y, 0.1]), QUAT)
            state = ArmState(JointReading(np.zeros(6), np.zeros(6), 1.0, stamp), pose, pose, 1.0, "moving")
            shown = {"over_shoulder": view(x, y), "wrist": view(y, x)}
            frames = {camera: Frame(shown[camera], stamp, stamp) for camera in store.spec.cameras}
            observation = Observation(frames, state, stamp)
            writer.add_step(observation, np.zeros(7, np.float32))
        writer.commit()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return recorded(tmp_path_factory.mktemp("held_out") / "data.zarr", "over_shoulder")


def recorded(path: Path, *cameras: str) -> Path:
    store = Store.create(path, StoreSpec(ActionSpec(), dict.fromkeys(cameras, CameraSpec()), "widowx250s", JOINTS))
    for seed in range(EPISODES):
        record(store, seed)
    return store.path


@pytest.fixture
def checkpoint(tmp_path, untrained) -> Path:
    return Path(shutil.copytree(untrained, tmp_path / "checkpoint"))


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory, untrained, data) -> tuple[Path, dict]:
    folder = Path(shutil.copytree(untrained, tmp_path_factory.mktemp("calibrated") / "checkpoint"))
    return folder, calibrate_checkpoint(folder, data, settings=SMALL)


@pytest.mark.slow
def test_a_checkpoint_gets_calibration_reference_frames_camera_and_the_tools_range(calibrated, data):
    checkpoint, facts = calibrated
    assert facts["pairs"] == SMALL.pairs
    assert facts["object_tolerance_m"] is None
    export = load_progress(checkpoint)
    assert export.calibration.rates[0] <= 0.05
    assert set(name.episode for name in export.reference.names) <= set(Store.open(data).episode_ids())
    assert (export.tool_high > export.tool_low).any()
    assert alignment_check(view(0.5, 0.5), "over_shoulder", export).verdict == "ok"
    turned = np.ascontiguousarray(view(0.5, 0.5)[::-1, ::-1] // 3)
    assert alignment_check(turned, "over_shoulder", export).verdict != "ok"
    assert pose_check(np.array([0.3, 0.1, 0.1]), export).verdict == "ok"
    assert pose_check(np.array([0.3, 0.1, 0.4]), export).verdict == "warning"


@pytest.mark.slow
def test_the_policys_own_runs_say_how_many_steps_it_needs_and_leave_the_rest(calibrated, data, tmp_path):
    """Play takes detours, so its steps are too many for a policy that goes straight."""
    checkpoint = Path(shutil.copytree(calibrated[0], tmp_path / "checkpoint"))
    before = load_progress(checkpoint)
    runs = Store.create(tmp_path / "runs.zarr", Store.open(data).spec)
    for seed in range(EPISODES):
        record(runs, seed, speed=3.0)
    facts = calibrate_on_runs(checkpoint, runs.path, SMALL)
    after = load_progress(checkpoint)
    assert facts["steps_in_runs"] < facts["expected_before"]
    assert max(after.calibration.expected) < max(before.calibration.expected)
    assert after.calibration.thresholds == before.calibration.thresholds
    assert after.start_joints == before.start_joints == (0.0,) * 6
    assert after.facts == before.facts


def test_too_few_runs_and_a_checkpoint_that_is_not_calibrated_are_refused(checkpoint, data, tmp_path):
    with pytest.raises(CheckpointError, match="not calibrated"):
        calibrate_on_runs(checkpoint, data, SMALL)
    reference = Reference(np.zeros((1, 4, 4, 3), np.uint8), (FrameName("a", 0),), 1.0, 1.0)
    curve = {"signal": (-1.0, 0.0), "expected": (9.0, 0.0), "low": (5.0, 0.0), "high": (9.0, 1.0), "horizon": 9}
    reached = {"rates": (0.05,), "thresholds": (-0.5,), "hold": 2, "patience": 3, "step": 0.1, "facts": {}}
    calibration = Calibration(weights=(1.0, 1.0), offset=0.0, **curve, **reached)
    save_progress(checkpoint, ProgressExport(calibration, reference, None), {})
    with pytest.raises(StoreError, match="has 0 runs that did not fail, expected at least 10"):
        calibrate_on_runs(checkpoint, Store.create(tmp_path / "none.zarr", Store.open(data).spec).path, SMALL)


def test_the_same_seed_gives_the_same_calibration(untrained, data):
    policy, store = GoalPolicy.load(untrained), Store.open(data)
    held_out = load_held_out(store, policy.views, store.episode_ids()[:3])
    few = dataclasses.replace(SMALL, pairs=30, runs=3, goals=5)
    assert calibrate(policy, held_out, few) == calibrate(policy, held_out, few)


@pytest.mark.slow
def test_named_episodes_are_held_out_and_the_reference_is_of_the_others(checkpoint, data):
    ids = Store.open(data).episode_ids()
    calibrate_checkpoint(checkpoint, data, ids[:4], SMALL)
    frames = json.loads((checkpoint / "progress" / "progress.json").read_text())["reference"]["frames"]
    assert not {episode for episode, _ in frames} & set(ids[:4])


def test_a_store_with_too_few_episodes_is_refused(checkpoint, data):
    with pytest.raises(StoreError, match="expected at least 10 and some that are not"):
        calibrate_checkpoint(checkpoint, data, Store.open(data).episode_ids(), SMALL)


def test_the_command_refuses_in_one_line_what_is_not_there(capsys, tmp_path, checkpoint):
    assert main(["calibrate", str(tmp_path / "nothing"), "--data", str(tmp_path)]) == 2
    assert main(["calibrate", str(checkpoint), "--data", str(tmp_path / "no.zarr")]) == 2
    assert main(["calibrate", str(checkpoint), "--data", str(tmp_path / "no.zarr"), "--tool", "0"]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3
    assert "does not exist" in errors[0]
    assert "expected distances above 0" in errors[2]
