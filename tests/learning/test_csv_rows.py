"""Rows of CSV files, also of those that a killed process was still writing."""

import pytest

from crl_learning.csv_rows import read_rows, write_rows
from crl_learning.metrics import Curves

ROWS = [{"step": "1", "name": "loss", "value": "0.5"}, {"step": "2", "name": "loss", "value": "0.25"}]


def test_rows_come_back_as_they_were_written(tmp_path):
    write_rows(tmp_path / "rows.csv", ROWS)
    assert read_rows(tmp_path / "rows.csv") == ROWS


@pytest.mark.parametrize("cut", range(1, len("2,loss,0.25\r\n") + 1))
def test_of_a_file_that_ends_amid_a_row_that_row_is_none(tmp_path, cut):
    """A value that is cut short is a number, too."""
    path = tmp_path / "rows.csv"
    write_rows(path, ROWS)
    path.write_bytes(path.read_bytes()[:-cut])
    assert read_rows(path) == ROWS[:1]


@pytest.mark.parametrize("content", ["", "step,name,va", "step,name,value\r\n", "step,name,value\r\n1,loss\r\n"])
def test_a_file_without_a_whole_row_has_none(tmp_path, content):
    (tmp_path / "rows.csv").write_text(content, newline="")
    assert read_rows(tmp_path / "rows.csv") == []


def test_a_run_that_goes_on_drops_the_row_that_was_cut_short(tmp_path):
    with Curves(tmp_path) as curves:
        curves.write(1, {"loss": 0.5})
        curves.write(2, {"loss": 0.25})
    path = tmp_path / "metrics.csv"
    path.write_bytes(path.read_bytes()[:-4])
    with Curves(tmp_path, first_step=2) as curves:
        curves.write(3, {"loss": 0.125})
    assert read_rows(path) == [ROWS[0], {"step": "3", "name": "loss", "value": "0.125"}]
