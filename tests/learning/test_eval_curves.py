"""Success over the steps of training runs, read from their folders."""

import csv
import json
from pathlib import Path

import cv2
import pytest

from crl_learning.eval_cli import main
from crl_learning.eval_curves import grouped
from crl_learning.evaluated_run import OWN, read_run
from crl_learning.metrics import Curves
from crl_learning.run_evaluation import evaluate_checkpoint
from crl_learning.statistics import wilson
from crl_robot.errors import ConfigError

TASK, TRIALS = "push", 20


def run(path, seed=0, successes=(0, 5, 10), algorithm="crl", every=1000, **changes):
    """A run's folder; what its settings say of trials is not what came of them, as after it was resumed."""
    path.mkdir(parents=True)
    settings = {"seed": seed, "out": str(path), "threads": seed, "steps": 9000, "batch_size": 256} | changes
    settings |= {"algorithm": {"name": algorithm}, "evaluation": {"task": "another", "episodes": 7 + seed}}
    (path / "settings.json").write_text(json.dumps(settings))
    Curves(path).close()
    for number, count in enumerate(successes, start=1):
        tried(path, every * number, count)
    return path


def tried(path, step, successes, trials=TRIALS, task=TASK):
    """Append an evaluation to the curves of a run."""
    values = {"success_final": successes / trials, "success_any": 1.0, "trials": trials}
    with Curves(path, first_step=step) as curves:
        curves.write(step - 1, {"loss": 1.0})
        curves.write(step, {f"evaluation/{task}/{name}": value for name, value in values.items()})


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


def test_a_control_without_the_critics_term_is_named_so(tmp_path):
    control = run(tmp_path / "control")
    settings = json.loads((control / "settings.json").read_text())
    settings["algorithm"]["critic_term"] = False
    (control / "settings.json").write_text(json.dumps(settings))
    runs = [read_run(run(tmp_path / "crl")), read_run(control)]
    assert [group.name for group in grouped(runs)] == ["crl", "crl without the critic's term"]


def test_folders_of_one_name_are_told_apart_by_their_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [Path("small/s0"), Path("large/s0"), Path("huge")]
    runs = [read_run(run(path, batch_size=size)) for path, size in zip(paths, (1, 2, 3), strict=True)]
    assert [group.name for group in grouped(runs)] == ["crl (small/s0)", "crl (large/s0)", "crl (huge)"]


def test_runs_that_differ_in_what_a_resumed_run_may_change_are_one_group(tmp_path):
    changes = {"log_every": 7, "evaluate_every": 9, "calibrate": False, "compile": True, "robot": "widowx"}
    runs = [read_run(run(tmp_path / "a")), read_run(run(tmp_path / "b", 1, **changes))]
    assert len(grouped(runs)) == 1
    assert set(changes) <= OWN


def test_runs_of_another_length_are_another_group(tmp_path):
    """Their learning rates fall at other steps."""
    runs = [read_run(run(tmp_path / "a")), read_run(run(tmp_path / "b", 1, steps=18_000))]
    assert len(grouped(runs)) == 2


def test_runs_without_a_step_that_all_were_evaluated_at_are_refused(tmp_path):
    runs = [read_run(run(tmp_path / "a")), read_run(run(tmp_path / "b", 1, every=700))]
    with pytest.raises(ConfigError, match=r"a, .*b differ in their seed alone and were evaluated at no step that all"):
        grouped(runs)


def test_each_step_has_the_trials_that_were_run_there(tmp_path):
    """They were taken from the settings that a run began with, which a resumed run may have changed."""
    folders = [run(tmp_path / "a", 0, (10,)), run(tmp_path / "b", 1, (20,))]
    tried(folders[0], 2000, 50, trials=100)
    tried(folders[1], 2000, 30, trials=40)
    (group,) = grouped([read_run(folder) for folder in folders])
    assert group.shares() == {1000: wilson(30, 40), 2000: wilson(80, 140)}


@pytest.mark.parametrize("line", ["trials,20", "trials", "success_final"])
def test_an_evaluation_that_was_not_written_to_its_end_is_none(tmp_path, line):
    path = run(tmp_path / "a", successes=(5, 10))
    written = (path / "metrics.csv").read_bytes()
    (path / "metrics.csv").write_bytes(written[: written.rindex(line.encode()) + len(line)])
    assert read_run(path).counts == {1000: (5, TRIALS)}


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
    found = read_run(path)
    assert (found.task, found.counts) == (TASK, {7: (TRIALS, TRIALS)})


def test_a_folder_below_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    run(tmp_path / "a")
    assert main(["curves=['~/a']", f"out={tmp_path / 'out'}"]) == 0


def spoil(path, how):
    settings = json.loads((path / "settings.json").read_text())
    how(settings)
    (path / "settings.json").write_text(json.dumps(settings))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["curves=[{none}]"], "cannot be read as a training run"),
        (["curves=[{silent}]"], "train with evaluate_every=N"),
        (["curves=[{push},{reach}]"], "were tried on push, reach, expected one task"),
        (["curves=[{two}]"], "was tried on push, reach, expected one task all along"),
        (["curves=[{unseeded}]"], "cannot be read as a training run (KeyError: 'seed')"),
        (["curves=[{unnamed}]"], "cannot be read as a training run (KeyError: 'name')"),
        (["curves=[{uncounted}]"], "has no evaluations with their number of trials"),
        (["curves=[{push}]", "compare=[a,b]"], "expected one of them"),
        (["curves=push"], "curves=push, expected a list of words such as [a,b]; see --help and "),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_code_2(tmp_path, capsys, words, says):
    for name in ("push", "two", "unseeded", "unnamed"):
        run(tmp_path / name)
    for name in ("reach", "silent", "uncounted"):
        run(tmp_path / name, successes=())
    for name in ("reach", "two"):
        tried(tmp_path / name, 5000, 1, task="reach")
    spoil(tmp_path / "unseeded", lambda settings: settings.pop("seed"))
    spoil(tmp_path / "unnamed", lambda settings: settings["algorithm"].clear())
    with Curves(tmp_path / "uncounted") as curves:
        curves.write(1000, {f"evaluation/{TASK}/success_final": 0.5})
    kinds = ("none", "silent", "push", "reach", "two", "unseeded", "unnamed", "uncounted")
    names = {name: tmp_path / name for name in kinds}
    assert main([*(word.format(**names) for word in words), f"out={tmp_path / 'out'}"]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
