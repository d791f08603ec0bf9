"""`crl-run waypoints` on a small store: what it writes, what it refuses, and that planners come back from it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from test_calibrate import EPISODES, QUAT, STEPS, data, recorded, view  # noqa: F401  a fixture
from test_views import two_cameras  # noqa: F401  a fixture

from crl_learning.goal_policy import GoalPolicy
from crl_learning.goals.check import CheckedGoal
from crl_learning.planning.build import MapSettings, build_planner
from crl_learning.planning.chain import ChainSettings
from crl_learning.planning.export import load_planner
from crl_learning.planning.loading import planner_of, require_calibration
from crl_learning.progress.calibrate import CalibrationSettings, calibrate_checkpoint
from crl_learning.progress.watch import ProgressWatch
from crl_learning.run_cli import main
from crl_learning.runtime.far_run import FarRun
from crl_learning.runtime.plan_ahead import AtOnce
from crl_learning.runtime.settings import RunSettings
from crl_robot.contracts import ArmState, Frame, JointReading, Observation, Pose
from crl_robot.errors import CheckpointError, ConfigError
from crl_robot.goal_image import GoalImage

pytestmark = pytest.mark.slow
SMALL = MapSettings(frames=12, longest=1e6, chain=ChainSettings(size=3, batch=16, steps=20))


@pytest.fixture(scope="module")
def mapped(tmp_path_factory, untrained, data) -> Path:  # noqa: F811
    folder = Path(shutil.copytree(untrained, tmp_path_factory.mktemp("mapped") / "checkpoint"))
    calibrate_checkpoint(folder, data, settings=CalibrationSettings(pairs=100, runs=20, goals=40, horizon=10))
    facts = build_planner(folder, data, SMALL)
    assert facts["interpolation"]
    return folder


@pytest.mark.parametrize("name", ["graph", "interpolation"])
def test_planners_come_from_the_files_beside_the_checkpoint_and_plan_alike(mapped, name):
    spec = GoalPolicy.load(mapped).image_spec
    start, goal = spec.apply(view(0.1, 0.1)), spec.apply(view(0.9, 0.8))
    plans = [planner_of(mapped, name).plan(start, goal, 3) for _ in range(2)]
    assert plans[0].frames == plans[1].frames
    assert np.array_equal(plans[0].images[-1], goal)
    assert len(plans[0].frames) <= 3
    assert np.isfinite(plans[0].ticks).all()


@pytest.mark.parametrize("name", ["graph", "interpolation"])
def test_the_shipped_map_belongs_to_the_shipped_policy_and_leads_to_its_farthest_frame(name):
    folder = Path(__file__).parents[3] / "models" / "push"
    frames = load_planner(folder, require_calibration(folder)).frames.images
    policy = GoalPolicy.load(folder)
    farthest = int(policy.compare(np.broadcast_to(frames[0], frames.shape), frames).sum(-1).argmax())
    plan = planner_of(folder, name).plan(frames[0], frames[farthest], 3)
    assert 1 <= len(plan.frames) <= 3
    assert np.array_equal(plan.images[-1], frames[farthest])


def test_the_map_names_the_frames_it_keeps_and_stays_small(mapped, data):  # noqa: F811
    export = load_planner(mapped, require_calibration(mapped))
    assert len(export.frames) == 12
    assert export.frames.images.shape == (12, 64, 64, 3)
    assert all(0 <= name.frame < STEPS for name in export.frames.names)
    assert len({name.episode for name in export.frames.names}) <= EPISODES
    assert sum(file.stat().st_size for file in (mapped / "planner").iterdir()) < 5_000_000


def test_a_map_is_refused_beside_another_calibration_or_damaged(mapped, tmp_path):
    folder = Path(shutil.copytree(mapped, tmp_path / "checkpoint"))
    facts = json.loads((folder / "planner" / "planner.json").read_text())
    facts["made_with"]["calibration"] = "another"
    (folder / "planner" / "planner.json").write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match="another calibration"):
        planner_of(folder, "graph")
    del facts["frames"]
    (folder / "planner" / "planner.json").write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match="damaged"):
        planner_of(folder, "graph")


def test_a_checkpoint_without_calibration_or_map_says_what_to_do(untrained, mapped, tmp_path):
    with pytest.raises(CheckpointError, match="crl-run calibrate"):
        planner_of(untrained, "graph")
    folder = Path(shutil.copytree(mapped, tmp_path / "checkpoint"))
    shutil.rmtree(folder / "planner")
    with pytest.raises(CheckpointError, match="crl-run waypoints"):
        planner_of(folder, "graph")
    with pytest.raises(ConfigError, match="did you mean 'graph'"):
        planner_of(folder, "grph")


def test_interpolation_without_an_encoder_of_single_images_is_refused(mapped, tmp_path):
    folder = Path(shutil.copytree(mapped, tmp_path / "checkpoint"))
    facts = json.loads((folder / "planner" / "planner.json").read_text())
    (folder / "planner" / "planner.json").write_text(json.dumps(facts | {"spread": None}))
    with pytest.raises(CheckpointError, match="planner:=graph"):
        planner_of(folder, "interpolation")


@pytest.mark.parametrize("name", ["graph", "interpolation"])
def test_waypoints_of_several_cameras_are_a_picture_of_each(name, mapped_two):
    policy, views = GoalPolicy.load(mapped_two), GoalPolicy.load(mapped_two).views
    planner = planner_of(mapped_two, name)
    goal, start = (np.concatenate([view(*at), view(*at[::-1])], -1) for at in ((0.9, 0.8), (0.1, 0.1)))
    plan = planner.plan(views.apply(start), views.apply(goal), 3)
    assert plan.images.shape[1:] == (*views.spec.size[::-1], 6)
    assert not np.array_equal(plan.waypoints[0][..., :3], plan.waypoints[0][..., 3:])
    watch, sent = ProgressWatch(require_calibration(mapped_two), 0.05), []
    run = FarRun(policy, RunSettings(), watch, planner, 3, executor=AtOnce())
    run.set_goals([CheckedGoal(GoalImage(goal, (), "far"))])
    run.start()
    for tick in range(1, 4):
        run.tick(observed(views.split(start), tick * 200_000_000), 0.0, sent.append)
    assert sent[-1].send
    shown = run.stages.present.goal.image
    assert np.abs(views.apply(shown).astype(int) - plan.images[0]).mean() < 4


@pytest.fixture(scope="module")
def mapped_two(two_cameras, tmp_path_factory):  # noqa: F811
    folder = Path(shutil.copytree(two_cameras, tmp_path_factory.mktemp("mapped_two") / "checkpoint"))
    store = recorded(folder.parent / "data.zarr", "over_shoulder", "wrist")
    calibrate_checkpoint(folder, store, settings=CalibrationSettings(pairs=100, runs=20, goals=40, horizon=10))
    build_planner(folder, store, SMALL)
    return folder


def observed(pictures, stamp):
    joints, pose = JointReading(np.zeros(6), np.zeros(6), 1.0, stamp), Pose(np.zeros(3), QUAT)
    frames = {camera: Frame(image, stamp, stamp) for camera, image in pictures.items()}
    return Observation(frames, ArmState(joints, pose, pose, 1.0, "moving"), stamp)


def test_the_command_says_what_it_made_and_refuses_what_makes_no_sense(mapped, data, tmp_path, capsys, untrained):  # noqa: F811
    assert main(["waypoints", str(untrained), "--data", str(data)]) == 2
    assert "is not calibrated" in capsys.readouterr().err
    assert main(["waypoints", str(mapped), "--data", str(data), "--frames", "2"]) == 2
    assert "2 frames" in capsys.readouterr().err
    assert main(["waypoints", str(mapped), "--data", str(tmp_path / "none.zarr")]) == 2
