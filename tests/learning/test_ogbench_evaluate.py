"""Learning from and acting in OGBench's environments, through the commands."""

import json

import numpy as np
import pytest

from crl_data.cli import main as data_main
from crl_learning.checkpoint import load_checkpoint
from crl_learning.eval_cli import main
from crl_learning.goal_policy import GoalPolicy
from crl_learning.ogbench.trials import OgbenchTrial, goal_of, summarise
from crl_learning.train_cli import main as train_main
from crl_robot.errors import CheckpointError

MAZE = "ogbench/pointmaze-medium-navigate-v0"


@pytest.fixture(autouse=True)
def _installed():
    pytest.importorskip("ogbench", reason="the package ogbench is not installed")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a checkpoint that has seen a little of a maze."""
    pytest.importorskip("ogbench", reason="the package ogbench is not installed")
    folder = tmp_path_factory.mktemp("maze")
    store = folder / "maze.zarr"
    assert data_main(["play", f"task={MAZE}", f"out={store}", "episodes=3", "steps=60", "workers=1"]) == 0
    small = ["steps=4", "batch_size=8", "network.hidden=[16]", "network.repr_dim=4", "device=cpu", "threads=1"]
    assert (
        train_main([f"data={store}", f"out={folder / 'run'}", "algorithm=crl_ogbench", "precision=fp32", *small]) == 0
    )
    return folder / "run" / "checkpoint"


@pytest.mark.slow
def test_a_run_tries_its_policy_out_while_it_learns(trained, tmp_path):
    store, out = trained.parents[1] / "maze.zarr", tmp_path / "run"
    small = ["steps=2", "batch_size=8", "network.hidden=[16]", "device=cpu", "threads=1", "precision=fp32"]
    tried = ["evaluate_every=2", f"evaluation.task={MAZE}", "evaluation.episodes=1"]
    assert train_main([f"data={store}", f"out={out}", "algorithm=gcbc_ogbench", *small, *tried]) == 0
    curves = (out / "metrics.csv").read_text()
    assert all(f"2,evaluation/{MAZE}/{name}," in curves for name in ("success_final", "success_any"))


def evaluate(out, *words: str) -> dict:
    assert main([f"task={MAZE}", f"out={out}", "videos=0", *words]) == 0
    return json.loads((out / "summary.json").read_text())


@pytest.mark.slow
def test_what_was_trained_on_states_acts_there(trained, tmp_path):
    summary = evaluate(tmp_path / "a", f"checkpoint={trained}", "episodes=5", "workers=1")
    assert summary["episodes"] == 5
    assert set(summary["goals"]) == {"1", "2", "3", "4", "5"}
    assert 0 <= summary["success_final_low"] <= summary["success_final"] == summary["success_any"]
    assert load_checkpoint(trained).meta.size == (2,)


def test_the_oracle_finds_every_goal_of_the_maze_and_standing_still_finds_none(tmp_path):
    summary = evaluate(tmp_path / "a", "policy=[oracle,still]", "episodes=5", "workers=1")
    oracle, still = (summary["policies"][name]["tasks"][MAZE] for name in ("oracle", "still"))
    assert (oracle["success_final"], still["success_final"]) == (1.0, 0.0)
    assert summary["comparisons"][0]["only_first"] == 5


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_trials(tmp_path):
    for name, workers in (("a", 1), ("b", 2)):
        evaluate(tmp_path / name, "policy=oracle", "episodes=6", f"workers={workers}")
    first, second = ((tmp_path / name / "trials.csv").read_text() for name in ("a", "b"))
    assert first == second
    assert len(first.splitlines()) == 7


def test_goals_take_turns():
    assert [goal_of(index) for index in range(6)] == [1, 2, 3, 4, 5, 1]


def test_a_summary_has_the_success_of_each_goal():
    trials = [OgbenchTrial(MAZE, 0, index, goal_of(index), success=index == 1, steps=9) for index in range(10)]
    summary = summarise(trials)
    assert summary["success_final"] == 0.1
    assert [summary["goals"][str(goal)]["success"] for goal in range(1, 6)] == [0, 0.5, 0, 0, 0]


def test_a_checkpoint_of_a_robot_is_refused_with_both_meanings_of_its_actions(untrained, tmp_path, capsys):
    assert main([f"checkpoint={untrained}", f"task={MAZE}", f"out={tmp_path / 'a'}"]) == 2
    assert "action semantics differ" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["policy=still", "task=ogbench/pointmaze-medium-navigat-v0"], "did you mean 'pointmaze-medium-navigate-v0'"),
        (["policy=still", f"task=[{MAZE},reach]"], "task=reach is not one of OGBench's"),
        (["policy=still", f"task={MAZE}", "world.light=0.5"], "know no robot"),
        (["policy=oracle", "task=ogbench/antmaze-medium-navigate-v0"], "knows the way in pointmaze only"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(tmp_path, capsys, words, message):
    assert main([*words, f"out={tmp_path / 'a'}"]) == 2
    assert message in capsys.readouterr().err


def test_networks_of_a_state_are_no_policy_for_a_camera(trained):
    with pytest.raises(CheckpointError, match=r"2 numbers of a state of 'ogbench/pointmaze-medium-v0'.*crl-eval"):
        GoalPolicy.load(trained)


@pytest.mark.slow
def test_what_was_trained_on_images_acts_on_images(tmp_path):
    """A film is made as well: both are drawn without a screen."""
    from crl_data.ogbench.environment import OgbenchEnvironment
    from crl_data.ogbench.names import OgbenchName
    from crl_learning.ogbench.actors import CheckpointActor

    task = "ogbench/visual-cube-single-play-v0"
    store, run = tmp_path / "a.zarr", tmp_path / "run"
    assert data_main(["play", f"task={task}", f"out={store}", "episodes=2", "steps=3", "workers=1"]) == 0
    small = ["steps=2", "batch_size=4", "device=cpu", "precision=fp32", "threads=1", "cache=off"]
    assert train_main([f"data={store}", f"out={run}", "algorithm=gcbc", "image=ogbench", *small]) == 0
    environment = OgbenchEnvironment(OgbenchName.parse(task))
    observation, goal = environment.reset(1, 0)
    actor = CheckpointActor(str(run / "checkpoint"))
    actor.begin(environment, goal, np.random.default_rng(0))
    assert actor.act(environment, observation).shape == (5,)
    environment.close()
