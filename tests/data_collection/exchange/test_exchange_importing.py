"""An episode is imported once, and only the same episode counts as there already."""

import json

import numpy as np
import pytest

from crl_data.exchange.diffusion_policy import import_diffusion_policy
from crl_data.exchange.mapping_file import mapping_from_dict
from crl_data.metadata import group_json, read_attributes
from crl_data.schema import StoreMismatchError
from crl_data.store import Store

MAPPING = {
    "robot": "ur5",
    "rate": 10,
    "reference": "previous_target",
    "frame": "base",
    "labels": "commanded",
    "cameras": {"camera_0": "over_shoulder"},
    "action": {
        "kind": "delta",
        "position": "action[0:3]",
        "rotation": "action[3:6]",
        "rotation_as": "rotvec",
        "gripper": {"value": "gripper", "open": 0.08, "closed": 0},
    },
}


@pytest.fixture
def days(buffer, tmp_path):
    """Two buffers of the same name and shape; gives what to change of the second one's columns."""

    def make(**changed):
        columns = buffer.columns(0)
        for day, more in (("monday", {}), ("tuesday", changed)):
            (tmp_path / day).mkdir()
            buffer.write(tmp_path / day / "replay_buffer.zarr", {**columns, **more})
        return [tmp_path / day / "replay_buffer.zarr" for day in ("monday", "tuesday")]

    return make


def take(source, out):
    return import_diffusion_policy(source, mapping_from_dict(MAPPING), out, progress=False)


@pytest.mark.parametrize("column", ["action", "camera_0", "stage"])
def test_another_set_of_the_same_name_is_refused_and_not_passed_over(buffer, days, tmp_path, column):
    """Tuesday's data were 'there already': nothing was imported, and nobody was told."""
    monday, tuesday = days(**{column: buffer.columns(1)[column] + (column == "stage")})
    take(monday, tmp_path / "out.zarr")
    before = Store.open(tmp_path / "out.zarr").fingerprint()
    with pytest.raises(StoreMismatchError, match=r"episode 0.*from other data.*another name"):
        take(tuesday, tmp_path / "out.zarr")
    assert Store.open(tmp_path / "out.zarr").fingerprint() == before


def test_the_same_set_elsewhere_is_there_already(buffer, days, tmp_path):
    monday, tuesday = days()
    imported = take(monday, tmp_path / "out.zarr").imported
    report = take(tuesday, tmp_path / "out.zarr")
    assert (report.imported, report.present, report.remarks) == ([], imported, [])


def test_an_episode_that_was_imported_before_fingerprints_were_kept_is_passed_over_and_told(buffer, days, tmp_path):
    monday, tuesday = days(action=buffer.columns(1)["action"])
    imported = take(monday, tmp_path / "out.zarr").imported
    for name in imported:
        file = tmp_path / "out.zarr/episodes" / name / "zarr.json"
        attributes = read_attributes(file.parent)
        del attributes["options"]["fingerprint"]
        file.write_bytes(group_json(attributes))
    report = take(tuesday, tmp_path / "out.zarr")
    assert report.present == imported
    assert "3 episodes that are there already" in report.remarks[0]


def test_a_fingerprint_is_plain_data(days, tmp_path):
    monday, _ = days()
    (first, *_) = take(monday, tmp_path / "out.zarr").imported
    options = Store.open(tmp_path / "out.zarr").meta(first).options
    assert np.char.isalnum(options["fingerprint"])
    assert len(json.loads(json.dumps(options))["fingerprint"]) == 64
