"""Two folders of results against each other."""

import csv
import json

import pytest

from crl_learning.eval_cli import main
from crl_learning.eval_compare import compare
from crl_learning.eval_folders import read_results
from crl_robot.errors import ConfigError


def folder(path, policies, task="push", first=0):
    """A folder of results with the outcomes of each policy as a word of y and n."""
    path.mkdir()
    rows = [
        {"task": task, "episode_seed": first + i, "success_final": int(letter == "y"), "policy": name}
        for name, word in policies.items()
        for i, letter in enumerate(word)
    ]
    with (path / "trials.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["task", "episode_seed", "success_final", "policy"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def compared(tmp_path, sim, real, **changes):
    (one,) = compare(
        read_results(folder(tmp_path / "sim", sim)), read_results(folder(tmp_path / "real", real, **changes))
    )
    return one


def test_trials_with_the_same_start_are_counted_by_outcome(tmp_path):
    (row,) = compared(tmp_path, {"a": "yyynn"}, {"a": "yynny"}).rows
    assert (row.paired.both, row.paired.only_first, row.paired.only_second, row.paired.neither) == (2, 1, 1, 1)
    assert row.agreement.value == 0.6


def test_other_starts_on_the_robot_leave_only_the_shares(tmp_path):
    (row,) = compared(tmp_path, {"a": "yyyy"}, {"a": "yynn"}, first=100).rows
    assert row.paired is None
    assert [share.value for share in row.pair.shares] == [1.0, 0.5]


def test_policies_of_one_side_only_are_left_out(tmp_path):
    assert [row.pair.name for row in compared(tmp_path, {"a": "y", "b": "y"}, {"b": "n", "c": "y"}).rows] == ["b"]


def test_a_single_policy_that_lies_elsewhere_on_the_robot_is_taken_for_the_same(tmp_path):
    assert compared(tmp_path, {"runs/a": "yn"}, {"/opt/a": "yn"}).rows[0].pair.name == "runs/a as /opt/a"


def test_nothing_in_common_is_refused_naming_both(tmp_path):
    with pytest.raises(ConfigError, match=r"'a'.*'c'.*policy in both"):
        compared(tmp_path, {"a": "y", "b": "y"}, {"c": "y", "d": "y"})


def test_the_command_writes_json_and_page_and_says_when_it_is_too_little(tmp_path, capsys):
    sim = folder(tmp_path / "sim", {"a": "yyyn", "b": "ynnn", "c": "yynn"})
    real = folder(tmp_path / "real", {"a": "yynn", "b": "nnnn", "c": "ynnn"})
    assert main([f"compare=[{sim},{real}]", f"out={tmp_path / 'out'}"]) == 0
    facts = json.loads((tmp_path / "out" / "comparison.json").read_text())["tasks"]["push"]
    assert facts["mmrv"] == 0
    assert facts["pearson"] == pytest.approx(1)
    assert not facts["conclusive"]
    said = capsys.readouterr().out
    assert "3 policies: Pearson's r 1.00" in said
    assert "Too little to conclude from" in said
    assert "<svg" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compare=[a]"], "expected two folders"),
        (["compare=[a,b]"], "trials.csv cannot be read"),
        (["compare=results"], "compare=results, expected a list"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_one_line_and_code_2(tmp_path, capsys, words, message):
    assert main([*words, f"out={tmp_path / 'out'}"]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_results_of_an_older_evaluation_are_read_with_the_policy_of_their_summary(tmp_path):
    (tmp_path / "trials.csv").write_text("task,episode_seed,success_final\nreach,5,1\n")
    (tmp_path / "summary.json").write_text(json.dumps({"checkpoint": "models/reach", "policy": "checkpoint"}))
    assert read_results(tmp_path).outcomes == {("reach", "models/reach"): {5: True}}


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "task,episode_seed,success_final\nreach,x,1\n"])
def test_a_file_that_is_no_evaluation_is_refused(tmp_path, text):
    (tmp_path / "trials.csv").write_text(text)
    with pytest.raises(ConfigError, match=r"trials\.csv"):
        read_results(tmp_path)
