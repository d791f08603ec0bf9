"""Foreign and badly used stores: a clear error, or safe by design; and nothing is changed."""

import json
import shutil

import numpy as np
import pytest
import zarr

from crl_data.bench.crashes.verify import tree_hash
from crl_data.checking.check import DAMAGED, SOUND, check_store
from crl_data.checking.repair import repair_store
from crl_data.cli import main
from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.maintenance import merge, migrate
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.errors import ContractError, StoreError


@pytest.fixture(params=["no folder", "empty folder", "file", "zarr v2", "zarr v3", "LeRobot", "list", "broken JSON"])
def foreign(request, tmp_path):
    """Something that is no store of ours."""
    path = tmp_path / "foreign thing.zarr"
    makers = {
        "no folder": lambda: None,
        "empty folder": path.mkdir,
        "file": lambda: path.write_bytes(b"not a store"),
        "zarr v2": lambda: zarr.create_group(path, zarr_format=2).create_array("x", data=np.arange(3)),
        "zarr v3": lambda: zarr.create_group(path, zarr_format=3).create_array("x", data=np.arange(3)),
        "LeRobot": lambda: write_json(path / "meta" / "info.json", {"codebase_version": "v3.0", "fps": 10}),
        "list": lambda: write_json(path / "zarr.json", ["zarr_format", 3]),
        "broken JSON": lambda: write_json(path / "zarr.json", {}, '{"zarr_format": 3,'),
    }
    makers[request.param]()
    return path


def write_json(path, data, text=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data) if text is None else text)


def test_what_is_no_store_is_refused_and_left_as_it_is(foreign, store, tmp_path, capsys):
    before = tree_hash(tmp_path)
    for do in (
        lambda: Store.open(foreign),
        lambda: repair_store(foreign),
        lambda: merge(store.path, [foreign], progress=False),
        lambda: migrate(foreign, tmp_path / "new.zarr", progress=False),
    ):
        with pytest.raises(StoreError):
            do()
    for verb in ("check", "repair", "info"):
        assert main([verb, str(foreign)]) == 2
        assert "foreign thing.zarr" in capsys.readouterr().err
    assert tree_hash(tmp_path) == before


def test_a_foreign_thing_is_not_recorded_into(foreign, samples):
    if foreign.exists():
        with pytest.raises(StoreError):
            Store.open_or_create(foreign, samples.spec())
    else:
        assert len(Store.open_or_create(foreign, samples.spec())) == 0


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((24, 32, 3), np.float32),
        np.zeros((24, 32), np.uint8),
        np.zeros((24, 32, 4), np.uint8),
        np.zeros((32, 24, 3), np.uint8),
        np.zeros((0, 0, 3), np.uint8),
    ],
)
def test_an_image_of_another_kind_is_refused_before_anything_is_written(store, samples, image):
    with EpisodeFile(store, "one") as file:
        file.add_frame("over_shoulder", samples.image())
        size = file.size
        with pytest.raises(StoreError, match="holds uint8"):
            file.add_frame("over_shoulder", image)
        assert file.size == size


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("action_commanded", np.zeros((3, 7), np.float64), "float64"),
        ("action_commanded", np.zeros((3, 6), np.float32), "expected"),
        ("action_achieved", np.full((3, 7), np.inf, np.float32), "not finite"),
        ("stamp_ns", np.array([3.0, 4.0, 5.0]), "float64"),
        ("stamp_ns", np.array([5, 4, 6]), "does not increase"),
        ("tool_measured", np.ones((3, 7)), "not of norm 1"),
        ("joints", np.zeros((3, 2)), "expected"),
    ],
)
def test_arrays_that_break_the_contract_are_found_by_check(store, samples, name, array, words):
    arrays = {f"action_{label}": np.zeros((3, 7), np.float32) for label in store.spec.labels}
    arrays |= {"stamp_ns": np.arange(3) * 200_000_000}
    with EpisodeFile(store, "one") as file:
        for stamp in range(3):
            file.add_frame("over_shoulder", samples.image(), stamp, stamp)
        file.commit(EpisodeMeta("one", "import"), arrays | {name: array})
    report = check_store(store.path, progress=False)
    assert report.exit_code == DAMAGED
    assert any(line.startswith(f"one: {name}") and words in line for line in report.damage)


def test_stamps_that_go_back_are_refused_by_the_writer(store, samples):
    with EpisodeWriter(store, source="test", episode_id="one") as writer:
        observations = samples.fill(writer)
        with pytest.raises(ContractError, match="does not come after"):
            writer.add_step(observations[0], samples.action(), truth=samples.pose())
        writer.commit()
    assert len(store.read("one")) == len(observations)


def test_a_jump_in_time_is_kept_and_warned_of(store, samples):
    hour = 3600 * 5
    with EpisodeWriter(store, source="test", episode_id="one") as writer:
        for tick in (0, 1, hour):
            writer.add_step(samples.observation(tick), samples.action())
        writer.commit()
    report = check_store(store.path, progress=False)
    assert report.exit_code == SOUND
    assert any("1 gaps in time, the longest 3599.80 s after step 1" in line for line in report.warnings)


def test_the_same_data_under_two_ids_are_named(store, samples, tmp_path, capsys):
    samples.write(store, "one")
    shutil.copytree(store.folder("one"), store.folder("two"))
    assert main(["check", str(store.path)]) == 2
    assert "two: its attributes say that it is episode 'one'" in capsys.readouterr().out
    shutil.rmtree(store.folder("two"))
    for name in ("two", "three"):
        same_episode(store, name)
    assert main(["check", str(store.path)]) == 0
    assert "two: holds the same data as three" in capsys.readouterr().out


def same_episode(store, name):
    actions = {f"action_{label}": np.zeros((2, 7), np.float32) for label in store.spec.labels}
    with EpisodeFile(store, name) as file:
        for _ in range(2):
            file.add_frame("over_shoulder", np.zeros((24, 32, 3), np.uint8))
        file.commit(EpisodeMeta(name, "import", clock="none"), actions)


def test_one_id_in_two_stores_is_merged_once_or_refused(store, samples, tmp_path):
    samples.write(store, "one")
    copy = tmp_path / "copy.zarr"
    shutil.copytree(store.path, copy)
    assert merge(store.path, [copy], progress=False)[1] == 0
    other = Store.create(tmp_path / "other.zarr", store.spec)
    samples.write(other, "one")
    before = tree_hash(tmp_path)
    with pytest.raises(StoreError, match="'one'"):
        merge(store.path, [other.path], progress=False)
    assert tree_hash(tmp_path) == before


@pytest.mark.parametrize(
    "name", ["with space.zarr", "Grüße-данные-数据.zarr", "brackets[1]*?.zarr", "a.zarr.partial-x", "-x"]
)
def test_paths_may_have_any_characters(tmp_path, samples, name):
    path = tmp_path / name
    store = Store.create(path, samples.spec())
    samples.write(store, "one")
    (path.with_name(f"{name}.partial-one-1-0123abcd")).mkdir()
    assert main(["check", str(path)]) == 1
    assert main(["repair", str(path)]) == 0
    assert main(["check", str(path)]) == 0
    assert Store.open(path).episode_ids() == ["one"]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".hidden", "a b", "ä", "x" * 300, "-rf", "a\0b"])
def test_ids_that_are_no_plain_names_are_refused(store, samples, tmp_path, name):
    before = tree_hash(tmp_path)
    with pytest.raises(StoreError), EpisodeFile(store, name) as file:
        file.add_frame("over_shoulder", samples.image())
    assert tree_hash(tmp_path) == before


def test_a_store_behind_a_link_is_written_on_its_own_disk(store, samples, tmp_path):
    link = tmp_path / "elsewhere" / "link.zarr"
    link.parent.mkdir()
    link.symlink_to(store.path, target_is_directory=True)
    with EpisodeWriter(Store.open(link), source="test", episode_id="one") as writer:
        samples.fill(writer)
        assert [path.parent for path in store.path.parent.glob("*.partial-*")] == [store.path.parent]
        writer.commit()
    assert Store.open(store.path).episode_ids() == ["one"]
    assert check_store(link, progress=False).exit_code == SOUND


def test_a_link_inside_a_store_does_not_lead_repair_out_of_it(store, samples, tmp_path):
    samples.write(store, "one")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    left = store.path.with_name(f"{store.path.name}.partial-x-1-0123abcd")
    left.mkdir()
    (left / "link").symlink_to(precious, target_is_directory=True)
    assert main(["repair", str(store.path)]) == 0
    assert (precious / "file").read_text() == "kept"
    assert not left.exists()


def test_a_folder_that_only_looks_like_a_left_over_is_kept(store, samples, tmp_path):
    precious = tmp_path / f"{store.path.name}.partial-backup"
    Store.create(precious, store.spec)
    assert main(["repair", str(store.path)]) == 0
    assert Store.open(precious).episode_ids() == []


def test_the_second_of_two_writers_of_an_id_is_refused_and_changes_nothing(store, samples):
    with (
        EpisodeWriter(store, source="first", episode_id="one") as first,
        EpisodeWriter(store, source="second", episode_id="one") as second,
    ):
        for writer in (first, second):
            samples.fill(writer)
        first.commit()
        before = tree_hash(store.path)
        with pytest.raises(StoreError, match="another writer was there first"):
            second.commit()
    assert tree_hash(store.path) == before
    assert check_store(store.path, progress=False).exit_code == SOUND


def test_of_two_that_make_one_store_the_second_is_refused(store, samples, monkeypatch):
    samples.write(store, "one")
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.exists", lambda _: False)  # it was not there when both looked
        with pytest.raises(StoreError, match="another writer was there first"):
            Store.create(store.path, store.spec)
    assert Store.open(store.path).episode_ids() == ["one"]


def test_a_file_in_the_way_of_a_store_is_named_and_no_other_writer_is_blamed(tmp_path, samples):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file is a file, expected a folder") as refusal:
        Store.create(tmp_path / "file" / "x.zarr", samples.spec())
    assert "another writer" not in str(refusal.value)


def test_a_store_where_nothing_may_be_written_comes_with_advice_on_permissions(tmp_path, samples, monkeypatch):
    """The advice was to free space, and the message named a temporary folder."""

    def refused(path, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.mkdir", refused)
    with pytest.raises(StoreError, match=r"x\.zarr: Permission denied; .* change the permissions"):
        Store.create(tmp_path / "x.zarr", samples.spec())
