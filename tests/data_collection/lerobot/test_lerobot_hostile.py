"""Sets that claim to be ours and are not: nothing outside the new episode is written."""

import json

import numpy as np
import pytest

from crl_data.exchange.errors import SourceError
from crl_data.exchange.lerobot_export import export_lerobot
from crl_data.exchange.lerobot_import import import_lerobot
from crl_data.files import checksum
from crl_data.schema import StoreMismatchError
from crl_data.store import Store
from crl_data.writer import EpisodeWriter

ARRAYS = "meta/crl/episode-000000.npz"


@pytest.fixture
def exported(lossless, tmp_path):
    return export_lerobot(lossless, tmp_path / "lr", labels="commanded", progress=False)


def change(folder, name: str, array, *, declared: bool) -> None:
    """Add an array to the first episode, or replace it."""
    with np.load(folder / ARRAYS) as file:
        arrays = {key: file[key] for key in file.files}
    np.savez(folder / ARRAYS, **{**arrays, name: array})
    if declared:
        own = json.loads((folder / "meta/crl.json").read_text())
        own["episodes"][0]["checksums"][name] = checksum(array)
        (folder / "meta/crl.json").write_text(json.dumps(own))


def content(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "../../a.zarr/episodes/e1/stamp_ns",
        "{}/a.zarr/episodes/e1/stamp_ns",
        "action_of_somebody",
        "streams/arm/../../x",
    ],
)
def test_an_array_of_an_unknown_name_is_refused_and_overwrites_nothing(exported, lossless, tmp_path, name, declared):
    """Its name was used as a path: committed episodes of any store could be overwritten."""
    change(exported, name.format(tmp_path), np.zeros(5, np.int64), declared=declared)
    before = content(tmp_path)
    report = import_lerobot(exported, None, tmp_path / "b.zarr", skip_damaged=True, progress=False)
    assert "no array of this store" in report.damaged["e0"]
    assert report.imported == ["e1"]
    after = {path: data for path, data in content(tmp_path).items() if not path.startswith("b.zarr/")}
    assert after == before


@pytest.mark.parametrize(
    "array", [np.zeros(5), np.int64(3), np.array(["x"] * 5), np.arange(3)], ids=["float", "scalar", "text", "short"]
)
@pytest.mark.parametrize("name", ["stamp_ns", "cameras/over_shoulder/stamp_ns"])
def test_an_array_of_another_kind_is_refused(exported, tmp_path, name, array):
    change(exported, name, np.asarray(array), declared=True)
    report = import_lerobot(exported, None, tmp_path / "b.zarr", skip_damaged=True, progress=False)
    assert f"its {name} is" in report.damaged["e0"]


@pytest.mark.parametrize("cameras", [{}, {"over_shoulder": ""}, {"over_shoulder": "", "wrist_image": "", "x": ""}])
def test_frames_of_other_cameras_than_the_stores_are_refused(exported, tmp_path, cameras):
    own = json.loads((exported / "meta/crl.json").read_text())
    own["episodes"][0]["frames_sha256"] = cameras
    (exported / "meta/crl.json").write_text(json.dumps(own))
    with pytest.raises(SourceError, match="frames of cameras"):
        import_lerobot(exported, None, tmp_path / "b.zarr", progress=False)
    assert not (tmp_path / "b.zarr").exists()


def test_a_store_whose_cameras_would_be_paths_is_refused(exported, tmp_path):
    own = json.loads((exported / "meta/crl.json").read_text())
    own["store"]["cameras"]["../../x"] = own["store"]["cameras"]["over_shoulder"]
    (exported / "meta/crl.json").write_text(json.dumps(own))
    with pytest.raises(SourceError, match="cameras are named"):
        import_lerobot(exported, None, tmp_path / "b.zarr", progress=False)
    assert not (tmp_path / "b.zarr").exists()


def test_another_episode_of_the_same_id_is_refused_and_not_passed_over(exported, lossless, samples, tmp_path):
    """It was 'there already', though it was another recording."""
    store = Store.create(tmp_path / "b.zarr", lossless.spec)
    with EpisodeWriter(store, source="test", episode_id="e1") as writer:
        samples.fill(writer, 3)
        writer.commit()
    with pytest.raises(StoreMismatchError, match=r"'e1'.*other data"):
        import_lerobot(exported, None, store.path, progress=False)
