"""Small stores to export, and data sets made of them."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crl_data.exchange.lerobot_export import export_lerobot
from crl_data.exchange.mapping import SourceMapping
from crl_data.exchange.mapping_file import mapping_from_dict
from crl_data.store import Store
from crl_data.writer import EpisodeWriter

MAPPING = {
    "reference": "previous_target",
    "frame": "base",
    "labels": "commanded",
    "encoding": "lossless",
    "action": {
        "kind": "delta",
        "position": "action[0:3]",
        "rotation": "action[3:6]",
        "rotation_as": "rpy",
        "gripper": {"value": "action[gripper]", "open": 1.0, "closed": 0.0},
    },
    "joints": {"names": ["a", "b"], "position": "observation.state[0:2]"},
    "cameras": {"over_shoulder": "front"},
}


class Sets:
    """Makes stores and data sets, and looks into them."""

    cameras = ("over_shoulder", "wrist_image")

    def __init__(self, samples) -> None:
        self.samples = samples

    def record(self, store: Store) -> Store:
        """Two episodes of five and three steps with marks, arm stream, calibration and losses."""
        known = {"wrist_image": {"fx": 2.5}}
        for number, steps in enumerate((5, 3)):
            with EpisodeWriter(store, source="test", episode_id=f"e{number}", calibration=known) as writer:
                for observation in self.samples.fill(writer, steps):
                    writer.add_state(observation.arm)
                writer.mark_goal()
                writer.commit(bool(number), f"note {number}", final=self.samples.arm(0), lost={"arm": 3})
        return store

    def rows(self, folder: Path) -> pa.Table:
        return pa.concat_tables(pq.read_table(file) for file in sorted(folder.glob("data/*/*.parquet")))

    def frames(self, store: Store, camera: str) -> list[np.ndarray]:
        return [frame for meta in store.metas() for frame in store.track(meta, camera).frames()]

    def foreign(self, store: Store, folder: Path) -> Path:
        """A data set as somebody else's: exported, then without anything of ours."""
        export_lerobot(store, folder, labels="commanded")
        (folder / "meta/crl.json").unlink()
        info = json.loads((folder / "meta/info.json").read_text())
        info["features"] = {name: kept for name, kept in info["features"].items() if not name.startswith("crl.")}
        (folder / "meta/info.json").write_text(json.dumps(info))
        return folder

    def mapping(self, **changes) -> SourceMapping:
        return mapping_from_dict({**MAPPING, **changes})

    def change_rows(self, folder: Path, change) -> None:
        file = folder / "data/chunk-000/file-000.parquet"
        pq.write_table(change(pq.read_table(file)), file)


@pytest.fixture
def sets(samples) -> Sets:
    return Sets(samples)


@pytest.fixture(params=["lossless", "jpeg"])
def recorded(request, tmp_path, samples, sets) -> Store:
    return sets.record(Store.create(tmp_path / "a.zarr", samples.spec(request.param, cameras=sets.cameras)))


@pytest.fixture
def lossless(tmp_path, samples, sets) -> Store:
    return sets.record(Store.create(tmp_path / "a.zarr", samples.spec("lossless", cameras=sets.cameras)))
