import errno

import numpy as np
import pytest

from crl_data import growing
from crl_data.growing import GrowingArray


@pytest.fixture(params=["memory", "disk"])
def folder(request, tmp_path, monkeypatch):
    monkeypatch.setattr(growing, "_SPILL_ROWS", 64)
    return tmp_path if request.param == "disk" else None


@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_rows_come_back_in_order(folder, shape):
    rows = np.random.default_rng(0).normal(size=(1000, *shape))
    grown = GrowingArray(np.float64, shape, folder)
    for index, row in enumerate(rows):
        grown.append(row)
        assert len(grown) == index + 1
        np.testing.assert_array_equal(grown.last(), row)
    np.testing.assert_array_equal(grown.array(), rows)
    grown.append(rows[0])
    np.testing.assert_array_equal(grown.array()[-1], rows[0])


def test_the_last_row_can_be_forgotten_at_any_time(folder):
    grown, kept = GrowingArray(np.int64, (), folder), []
    for value in range(500):
        grown.append(value)
        grown.append(-1)
        grown.pop()
        kept.append(value)
    assert grown.array().tolist() == kept


def test_memory_does_not_grow_with_the_rows_on_disk(tmp_path):
    grown = GrowingArray(np.float64, (7,), tmp_path)
    for _ in range(50_000):
        grown.append(np.zeros(7))
    assert len(grown._rows) < 5_000
    assert list(tmp_path.iterdir()) == []


def test_rows_stay_in_memory_when_the_disk_refuses_them(tmp_path, monkeypatch):
    monkeypatch.setattr(growing, "_SPILL_ROWS", 64)
    grown = GrowingArray(np.int64, (), tmp_path)
    for value in range(300):
        grown.append(value)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(growing.os, "pwrite", full)
    for value in range(300, 1000):
        grown.append(value)
    assert grown.array().tolist() == list(range(1000))


def test_a_row_of_another_shape_is_refused(folder):
    grown = GrowingArray(np.float64, (3,), folder)
    with pytest.raises(ValueError, match="shape"):
        grown.append(np.zeros(4))
    assert len(grown) == 0
