import json

import numpy as np
import pytest
import zarr

from crl_data.checking.check import check_store
from crl_data.cli import main
from crl_data.codec import encode_jpeg
from crl_data.files import checksum
from crl_data.maintenance import merge, migrate
from crl_data.schema import StoreMismatchError
from crl_data.siblings import leftovers
from crl_data.store import Store
from crl_robot.errors import StoreError


@pytest.fixture
def other(tmp_path, samples):
    """A second store of the same kind."""
    return Store.create(tmp_path / "b.zarr", samples.spec())


def test_merge_copies_what_is_missing_and_can_be_repeated(store, other, samples, tmp_path):
    samples.write(store, "one")
    samples.write(other, "two")
    samples.write(other, "three", success=True)
    target = tmp_path / "all.zarr"
    for added in (3, 0):
        merged, count = merge(target, [store.path, other.path], progress=False)
        assert count == added
        assert merged.episode_ids() == ["one", "three", "two"]
    assert merged.fingerprint(["one"]) == store.fingerprint()
    assert merged.meta("three").success is True
    assert check_store(target, progress=False).exit_code == 0


def test_merge_refuses_one_id_for_different_data_and_copies_nothing(store, other, samples):
    samples.write(store, "same")
    samples.write(other, "same")
    samples.write(other, "more")
    with pytest.raises(StoreMismatchError, match="'same'"):
        merge(store.path, [other.path], progress=False)
    assert store.episode_ids() == ["same"]


def test_merge_refuses_stores_of_another_rate(store, samples, tmp_path):
    fast = Store.create(tmp_path / "fast.zarr", samples.spec(rate_hz=10.0))
    samples.write(fast, "one")
    with pytest.raises(StoreMismatchError, match="rate_hz"):
        merge(store.path, [fast.path], progress=False)


def test_merge_does_not_take_a_damaged_episode(store, other, samples):
    samples.write(other, "one")
    frames = other.folder("one") / "cameras" / "over_shoulder" / "frames" / "c.0"
    data = bytearray(frames.read_bytes())
    data[len(data) // 2] ^= 1
    frames.write_bytes(data)
    with pytest.raises(StoreError, match="damaged and was not merged"):
        merge(store.path, [other.path], progress=False)
    assert store.episode_ids() == []
    assert leftovers(store.path) == []


def test_delete_removes_one_episode_and_says_so(store, samples, capsys):
    samples.write(store, "one")
    samples.write(store, "two")
    assert main(["delete", str(store.path), "one", "--yes"]) == 0
    assert "one" in capsys.readouterr().out
    assert store.episode_ids() == ["two"]
    assert check_store(store.path, progress=False).exit_code == 0


def test_delete_of_an_unknown_episode_deletes_none(store, samples, capsys):
    samples.write(store, "one")
    assert main(["delete", str(store.path), "one", "eno", "--yes"]) == 2
    assert "no episode 'eno'" in capsys.readouterr().err
    assert store.episode_ids() == ["one"]


def test_delete_without_yes_deletes_nothing(store, samples, capsys):
    samples.write(store, "one")
    assert main(["delete", str(store.path), "one"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert store.episode_ids() == ["one"]


def test_merge_and_migrate_are_commands(store, samples, tmp_path, capsys):
    samples.write(store, "one")
    assert main(["merge", str(tmp_path / "all.zarr"), str(store.path)]) == 0
    assert "1 episode" in capsys.readouterr().out
    assert main(["migrate", str(store.path), str(tmp_path / "new.zarr")]) == 2
    assert "expected 1" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["jpeg", "lossless"])
def test_a_store_of_version_1_is_refused_until_it_is_migrated(tmp_path, samples, encoding):
    images, actions = write_version_1(tmp_path / "old.zarr", samples, encoding)
    with pytest.raises(StoreError, match="crl-data migrate"):
        Store.open(tmp_path / "old.zarr")

    for _ in range(2):
        store = migrate(tmp_path / "old.zarr", tmp_path / "new.zarr", progress=False)

    assert check_store(store.path, progress=False).exit_code == 0
    meta = store.meta("first")
    assert (meta.seed, meta.success, meta.clock, meta.operator) == ((0, 3), True, "measured", "")
    np.testing.assert_array_equal(store.load_actions(), actions)
    frames = np.stack(list(store.track(meta, "over_shoulder").frames()))
    if encoding == "lossless":
        np.testing.assert_array_equal(frames, images)
    else:
        assert np.abs(frames.astype(int) - images).mean() < 8
        jpegs = list(store.track(meta, "over_shoulder").all_encoded())
        assert jpegs == [encode_jpeg(image, 95) for image in images]


def write_version_1(path, samples, encoding):
    """What the first release wrote: each array one chunk, one list of JPEG files or one stack of images."""
    images = np.stack([samples.image() for _ in range(3)])
    width, height = samples.native
    root = {
        "schema": "crl_store",
        "schema_version": 1,
        "action_spec": samples.spec().action.to_dict(),
        "labels": ["commanded", "achieved"],
        "cameras": {"over_shoulder": {"native": [width, height], "encoding": encoding, "quality": 95}},
        "robot": "test arm",
        "joint_names": list(samples.spec().joint_names),
    }
    arrays = {
        "stamp_ns": np.arange(1, 4),
        "action_commanded": samples.rng.normal(size=(3, 7)).astype(np.float32),
        "action_achieved": samples.rng.normal(size=(3, 7)).astype(np.float32),
        "cameras/over_shoulder/stamp_ns": np.arange(1, 4),
        "cameras/over_shoulder/receive_stamp_ns": np.arange(1, 4),
    }
    if encoding == "jpeg":
        files = [np.frombuffer(encode_jpeg(image, 95), np.uint8) for image in images]
        arrays["cameras/over_shoulder/frames"] = np.concatenate(files)
        arrays["cameras/over_shoulder/offsets"] = np.cumsum([0, *map(len, files)]).astype(np.uint64)
    else:
        arrays["cameras/over_shoulder/frames"] = images
    attributes = {
        "id": "first", "source": "play", "steps": 3, "created": "2026-01-01T00:00:00+00:00", "seed": [0, 3],
        "success": True, "note": "", "lost": {"over_shoulder": 0}, "last_achieved": "measured", "options": {},
        "checksums": {name: checksum(array) for name, array in arrays.items()},
    }  # fmt: skip
    group = zarr.create_group(path, zarr_format=3, attributes=json.loads(json.dumps(root))).create_group("episodes")
    episode = group.create_group("first", attributes=attributes)
    for name, array in arrays.items():
        episode.create_array(
            name, data=array, chunks=array.shape, chunk_key_encoding={"name": "default", "separator": "."}
        )
    return images, arrays["action_commanded"]
