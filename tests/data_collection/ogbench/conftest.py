"""OGBench's own folder is an empty one, so that no test depends on what this machine has downloaded."""

import numpy as np
import pytest

from crl_data.ogbench import files


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    folder = tmp_path / "ogbench_data"
    folder.mkdir()
    monkeypatch.setattr(files.data_file, "__defaults__", (folder,))
    return folder


@pytest.fixture
def package():
    """The module ogbench, without which a test is skipped."""
    return pytest.importorskip("ogbench", reason="the package ogbench is not installed")


@pytest.fixture
def write_file(data_folder):
    """Writes a data file of trajectories of the given lengths; returns its arrays."""

    def write(dataset: str, lengths=(4, 3, 5), observation=(2,), action=2, dtype=np.float32) -> dict[str, np.ndarray]:
        rng, total = np.random.default_rng(0), sum(lengths)
        terminals = np.zeros(total, bool)
        terminals[np.cumsum(lengths) - 1] = True
        content = {
            "observations": (100 * rng.uniform(size=(total, *observation))).astype(dtype),
            "actions": rng.uniform(-1, 1, (total, action)).astype(np.float32),
            "terminals": terminals,
        }
        np.savez_compressed(data_folder / f"{dataset}.npz", **content)
        return content

    return write
