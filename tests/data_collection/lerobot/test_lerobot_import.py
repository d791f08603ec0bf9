"""Import of LeRobot v3.0 sets that are not ours, and of sets that are damaged."""

import numpy as np
import pyarrow as pa
import pytest

from crl_data.exchange import lerobot_export
from crl_data.exchange.errors import MappingError, SourceError
from crl_data.exchange.lerobot_export import export_lerobot
from crl_data.exchange.lerobot_import import import_lerobot
from crl_data.store import Store


def test_a_foreign_set_has_no_stamps_and_the_meaning_that_the_mapping_gives(lossless, tmp_path, sets):
    folder = sets.foreign(lossless, tmp_path / "lr")
    report = import_lerobot(folder, sets.mapping(), tmp_path / "b.zarr", progress=False)
    store = Store.open(tmp_path / "b.zarr")
    assert (len(report.imported), report.steps) == (2, 8)
    assert (store.spec.robot, store.spec.action.rate_hz, list(store.spec.cameras)) == ("test arm", 5.0, ["front"])
    assert np.array_equal(sets.frames(store, "front"), sets.frames(lossless, "over_shoulder"))
    actions = lossless.load_actions()
    assert np.allclose(store.load_actions()[:, :6], actions[:, :6], atol=1e-6)
    for meta in store.metas():
        assert meta.clock == "none"
        assert not [name for name in meta.checksums if "stamp" in name]
        assert meta.options["task"] == "test"


def test_the_stamps_that_our_export_added_are_kept_without_its_own_files(lossless, tmp_path, sets):
    export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    (tmp_path / "lr/meta/crl.json").unlink()
    import_lerobot(tmp_path / "lr", sets.mapping(), tmp_path / "b.zarr", progress=False)
    store = Store.open(tmp_path / "b.zarr")
    assert np.array_equal(store.load_array("stamp_ns"), lossless.load_array("stamp_ns"))
    assert np.array_equal(store.load_array("state_stamp_ns"), lossless.load_array("state_stamp_ns"))
    for mine, theirs in zip(store.metas(), lossless.metas(), strict=True):
        ours, known = store.track(mine, "front"), lossless.track(theirs, "over_shoulder")
        assert np.array_equal(ours.stamp_ns, known.stamp_ns)
        assert np.array_equal(ours.receive_stamp_ns, known.receive_stamp_ns)


def test_several_cameras_and_no_choice_are_refused_with_the_choices(lossless, tmp_path, sets):
    folder = sets.foreign(lossless, tmp_path / "lr")
    with pytest.raises(MappingError, match="--camera over_shoulder=NAME --camera wrist_image=NAME"):
        import_lerobot(folder, sets.mapping(cameras={}), tmp_path / "b.zarr", progress=False)
    assert not (tmp_path / "b.zarr").exists()


def test_a_mapping_that_does_not_say_what_actions_mean_is_refused_with_the_columns(lossless, tmp_path, sets):
    folder = sets.foreign(lossless, tmp_path / "lr")
    with pytest.raises(MappingError, match=r"(?s)reference.*action.*observation\.state \[7\]"):
        import_lerobot(folder, None, tmp_path / "b.zarr", progress=False)


def test_a_rate_that_contradicts_the_set_is_refused(lossless, tmp_path, sets):
    with pytest.raises(MappingError, match=r"rate is 10, .* has 5 rows per second"):
        import_lerobot(
            sets.foreign(lossless, tmp_path / "lr"), sets.mapping(rate=10), tmp_path / "b.zarr", progress=False
        )


def test_a_folder_without_its_description_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"no LeRobot data set: it has no meta/info\.json"):
        import_lerobot(tmp_path, None, tmp_path / "b.zarr", progress=False)


@pytest.mark.parametrize("version", ["v2.1", "v2.0", "v4.0"])
def test_another_version_is_refused_with_the_tool_that_converts_it(lossless, tmp_path, version):
    export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    info = tmp_path / "lr/meta/info.json"
    info.write_text(info.read_text().replace("v3.0", version))
    with pytest.raises(SourceError, match=rf"version {version}, expected v3\.0.*convert_dataset_v21_to_v30"):
        import_lerobot(tmp_path / "lr", None, tmp_path / "b.zarr", progress=False)


@pytest.mark.parametrize("name", ["meta/info.json", "meta/crl.json", "meta/episodes/chunk-000/file-000.parquet"])
@pytest.mark.parametrize("keep", [0, 40])
def test_a_description_that_is_cut_short_is_refused_and_nothing_is_written(lossless, tmp_path, name, keep):
    export_lerobot(lossless, tmp_path / "lr", labels="commanded")
    file = tmp_path / "lr" / name
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(SourceError, match=file.name):
        import_lerobot(tmp_path / "lr", None, tmp_path / "b.zarr", progress=False)
    assert not (tmp_path / "b.zarr").exists()


def test_rows_that_are_cut_short_damage_their_episodes_only(lossless, tmp_path, monkeypatch, sets):
    monkeypatch.setattr(lerobot_export, "DATA_FILE_MB", 0)
    folder = sets.foreign(lossless, tmp_path / "lr")
    file = folder / "data/chunk-000/file-000.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    report = import_lerobot(folder, sets.mapping(), tmp_path / "b.zarr", skip_damaged=True, progress=False)
    assert list(report.damaged) == ["episode-000000"]
    assert "cut short" in report.damaged["episode-000000"]
    assert report.steps == 3


def test_an_episode_with_rows_missing_is_named(lossless, tmp_path, sets):
    folder = sets.foreign(lossless, tmp_path / "lr")
    sets.change_rows(folder, lambda table: pa.concat_tables([table.slice(0, 2), table.slice(3)]))
    report = import_lerobot(folder, sets.mapping(), tmp_path / "b.zarr", progress=False)
    assert "4 rows of episode 0, expected 5" in report.damaged["episode-000000"]


def test_actions_that_are_not_finite_are_refused(lossless, tmp_path, sets):
    folder = sets.foreign(lossless, tmp_path / "lr")
    values = np.zeros(56, np.float32)
    values[15] = np.nan
    column = pa.FixedSizeListArray.from_arrays(pa.array(values), 7)
    sets.change_rows(folder, lambda table: table.set_column(table.column_names.index("action"), "action", column))
    report = import_lerobot(folder, sets.mapping(), tmp_path / "b.zarr", progress=False)
    assert "not finite in row 2" in report.damaged["episode-000000"]
    assert not (tmp_path / "b.zarr").exists()


def test_a_declared_column_that_is_missing_is_named(lossless, tmp_path, sets):
    folder = sets.foreign(lossless, tmp_path / "lr")
    sets.change_rows(folder, lambda table: table.drop_columns(["observation.tool"]))
    report = import_lerobot(folder, sets.mapping(), tmp_path / "b.zarr", progress=False)
    assert "observation.tool" in report.damaged["episode-000000"]


def test_a_picture_that_is_no_picture_is_named(lossless, tmp_path, sets):
    folder = sets.foreign(lossless, tmp_path / "lr")
    name = "observation.images.over_shoulder"

    def damage(table):
        pictures = table[name].to_pylist()
        pictures[1]["bytes"] = pictures[1]["bytes"][:30]
        return table.set_column(table.column_names.index(name), name, pa.array(pictures))

    sets.change_rows(folder, damage)
    report = import_lerobot(folder, sets.mapping(), tmp_path / "b.zarr", progress=False)
    assert "frame 1 is no whole picture" in report.damaged["episode-000000"]
