"""Success over the steps of training runs, read from their folders."""

import csv
import json

import cv2
import pytest

from crl_learning.eval_cli import main
from crl_learning.eval_curves import grouped, read_run
from crl_learning.metrics import Curves
from crl_learning.run_evaluation import evaluate_checkpoint
from crl_learning.statistics import wilson
from crl_robot.errors import ConfigError

TASK, TRIALS = "push", 20


def run(path, seed=0, successes=(0, 5, 10), algorithm="crl", task=TASK, **changes):
    """A run's folder that was evaluated every 1000 steps."""
    path.mkdir(parents=True)
    settings = {"seed": seed, "out": str(path), "threads": seed, "batch_size": 256} | changes
    settings |= {"algorithm": {"name": algorithm}, "evaluation": {"task": task, "episodes": TRIALS}}
    (path / "settings.json").write_text(json.dumps(settings))
    with Curves(path) as curves:
        for number, count in enumerate(successes, start=1):
            curves.write(500 * number, {"loss": 1.0})
            start = f"evaluation/{task}"
            curves.write(1000 * number, {f"{start}/success_final": count / TRIALS, f"{start}/success_any": 1.0})
    return path


def test_seeds_of_one_setting_are_one_group_over_all_their_trials(tmp_path):
    folders = [run(tmp_path / f"crl_{seed}", seed, (0, 4 + seed)) for seed in range(3)]
    (group,) = grouped([read_run(folder) for folder in folders])
    assert group.name == "crl"
    assert group.shares() == {1000: wilson(0, 60), 2000: wilson(4 + 5 + 6, 60)}


def test_a_group_has_the_steps_that_all_of_its_runs_reached(tmp_path):
    runs = [read_run(run(tmp_path / "a", 0, (1, 2, 3))), read_run(run(tmp_path / "b", 1, (1, 2)))]
    assert list(grouped(runs)[0].shares()) == [1000, 2000]


def test_other_settings_of_one_algorithm_are_groups_named_after_their_folders(tmp_path):
    runs = [read_run(run(tmp_path / "small")), read_run(run(tmp_path / "large", batch_size=1024))]
    runs.append(read_run(run(tmp_path / "cloning", algorithm="gcbc")))
    assert [group.name for group in grouped(runs)] == ["crl (small)", "crl (large)", "gcbc"]


def test_the_same_run_twice_is_refused(tmp_path):
    runs = [read_run(run(tmp_path / "a")), read_run(run(tmp_path / "b"))]
    with pytest.raises(ConfigError, match=r"a, .*b two have the same settings and seed"):
        grouped(runs)


def test_the_command_draws_a_picture_and_leaves_every_number(tmp_path, capsys):
    folders = [run(tmp_path / name, seed, algorithm=name[:-2]) for name, seed in (("crl_0", 0), ("crl_1", 1))]
    folders.append(run(tmp_path / "gcbc_0", algorithm="gcbc", successes=(0, 1, 2)))
    out = tmp_path / "out"
    assert main([f"curves=[{','.join(map(str, folders))}]", f"out={out}"]) == 0
    said = capsys.readouterr().out
    assert "50.0 [35.2, 64.8]" in said
    assert "10.0 [2.8, 30.1]" in said
    picture = cv2.imread(str(out / "curves.png"))
    assert picture.std() > 5
    with (out / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    assert rows[-1] == {"group": "gcbc", "seed": "0", "step": "3000", "successes": "2", "trials": "20"}


def test_what_a_run_writes_of_its_evaluations_is_what_is_read(monkeypatch, tmp_path):
    class Trial:
        success_final = success_any = True

    class Asked:
        task, episodes, seed, workers = TASK, TRIALS, 0, 1

    monkeypatch.setattr("crl_learning.evaluate.run_jobs", lambda jobs, workers: [[Trial()] * TRIALS])
    path = run(tmp_path / "it", successes=())
    with Curves(path) as curves:
        curves.write(7, evaluate_checkpoint(tmp_path, Asked(), ""))
    assert read_run(path).successes == {7: TRIALS}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["curves=[{none}]"], "cannot be read as a training run"),
        (["curves=[{silent}]"], "train with evaluate_every=N"),
        (["curves=[{push},{reach}]"], "were tried on push, reach, expected one task"),
        (["curves=[{push}]", "compare=[a,b]"], "expected one of them"),
        (["curves=push"], "curves=push, expected a list"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_code_2(tmp_path, capsys, words, says):
    run(tmp_path / "push")
    run(tmp_path / "reach", task="reach")
    run(tmp_path / "silent", successes=())
    names = {name: tmp_path / name for name in ("none", "silent", "push", "reach")}
    assert main([*(word.format(**names) for word in words), f"out={tmp_path / 'out'}"]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
