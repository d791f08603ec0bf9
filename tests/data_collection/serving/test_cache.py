import errno
import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from crl_data.serving import cache as cache_module
from crl_data.serving import loading
from crl_data.serving.cache import load_frames
from crl_data.serving.cache_folder import FrameCache, default_folder
from crl_data.serving.memory import available_memory
from crl_data.store import Store
from crl_robot.errors import StoreError
from crl_robot.image_spec import ImageSpec

SPEC = ImageSpec(native=(32, 24), crop=(4, 0, 24, 24), size=(8, 8))
ROW = 8 * 8 * 3


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Several blocks in a small file."""
    monkeypatch.setattr(loading, "BLOCK_BYTES", 4 * ROW)


@pytest.fixture
def filled(store, samples) -> Store:
    for name, steps in (("a", 3), ("b", 6)):
        samples.write(store, name, steps)
    return store


@pytest.fixture
def cache(tmp_path) -> FrameCache:
    return FrameCache(tmp_path / "cache with space")


@pytest.fixture
def decoded(filled) -> np.ndarray:
    return filled.load_images(SPEC, progress=False)[0]


@pytest.fixture
def decodings(monkeypatch) -> list[int]:
    """Grows by one whenever frames are decoded."""
    seen, decode = [], cache_module.decode_blocks
    monkeypatch.setattr(cache_module, "decode_blocks", lambda *args: [seen.append(1), decode(*args)])
    return seen


def load(store, cache, **options) -> np.ndarray:
    return load_frames(store, SPEC, cache=cache, progress=False, **options)[0]


def files(cache: FrameCache) -> list[Path]:
    return sorted(cache.folder.iterdir())


@pytest.mark.parametrize("memory", [True, False])
def test_frames_are_decoded_once_and_come_back_byte_for_byte(filled, cache, decoded, decodings, memory):
    first, second = load(filled, cache, memory=memory), load(filled, cache, memory=memory)
    assert len(decodings) == 1
    assert np.array_equal(first, decoded)
    assert np.array_equal(second, decoded)


def test_a_set_that_is_not_loaded_is_a_read_only_map_of_the_file(filled, cache, decoded):
    images = load(filled, cache, memory=False)
    assert isinstance(images, np.memmap)
    assert not images.flags.writeable
    assert isinstance(load(filled, cache, memory=False), np.memmap)
    assert not isinstance(load(filled, cache, memory=True), np.memmap)


def test_the_available_memory_decides_when_nobody_else_does(filled, cache, monkeypatch):
    assert not isinstance(load(filled, cache), np.memmap)
    monkeypatch.setattr(cache_module, "available_memory", lambda: 9 * ROW)
    assert isinstance(load(filled, cache), np.memmap)


def test_numpy_alone_reads_a_file_of_the_cache(filled, cache, decoded):
    load(filled, cache)
    assert np.array_equal(np.load(files(cache)[0]), decoded)


def test_other_episodes_other_content_and_another_image_spec_have_files_of_their_own(filled, cache, samples):
    load(filled, cache)
    assert len(load(filled, cache, ids=["b"])) == 6
    linear = ImageSpec(native=(32, 24), crop=(4, 0, 24, 24), size=(8, 8), interpolation="linear")
    load_frames(filled, linear, cache=cache, progress=False)
    samples.write(filled, "c", 2)
    assert len(load(filled, cache)) == 11
    assert len(files(cache)) == 4


def test_a_copy_of_the_store_uses_the_same_file(filled, cache, tmp_path, decodings):
    load(filled, cache)
    load(Store.open(filled.path.rename(tmp_path / "moved.zarr")), cache)
    assert len(decodings) == 1


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: os.truncate(file, file.stat().st_size - 1),
        lambda file: os.truncate(file, 200),
        lambda file: os.truncate(file, 0),
        lambda file: file.write_bytes(b"\0" * file.stat().st_size),
        lambda file: file.write_bytes(file.read_bytes() + b"more"),
        lambda file: flip(file, 20),
        lambda file: flip(file, 128 + 5 * ROW),
        lambda file: flip(file, 128 + 9 * ROW + 5),
        lambda file: flip(file, -20),
    ],
)
@pytest.mark.parametrize("memory", [True, False])
def test_a_damaged_file_is_noticed_and_made_again(filled, cache, decoded, caplog, damage, memory):
    load(filled, cache)
    damage(files(cache)[0])
    assert np.array_equal(load(filled, cache, memory=memory), decoded)
    assert "made again" in caplog.text
    caplog.clear()
    assert np.array_equal(load(filled, cache, memory=memory), decoded)
    assert not caplog.text


def test_two_that_want_the_same_frames_decode_them_once(filled, cache, decoded, decodings):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda memory: load(filled, cache, memory=memory), [True, False, True, False]))
    assert len(decodings) == 1
    assert all(np.array_equal(images, decoded) for images in results)
    assert len(files(cache)) == 1


def test_beyond_the_limit_the_files_used_longest_ago_are_removed(filled, cache):
    for number, ids in enumerate((["a"], ["b"], ["a", "b"])):
        load(filled, cache, ids=ids)
        path = max(files(cache), key=lambda file: file.stat().st_mtime_ns)
        os.utime(path, (number, number))
    load(filled, cache, ids=["a"])  # no longer the one used longest ago
    small = FrameCache(cache.folder, limit_bytes=3000)
    load(filled, small, ids=["b", "a"])
    shapes = sorted(len(np.load(file)) for file in files(cache))
    assert shapes == [3, 9]


def test_frames_beyond_the_limit_are_loaded_and_not_kept(filled, cache, decoded, caplog):
    small = FrameCache(cache.folder, limit_bytes=8 * ROW)
    assert np.array_equal(load(filled, small, memory=False), decoded)
    assert "not kept" in caplog.text
    assert not files(cache)


def refuse_to_write(monkeypatch) -> None:
    def pwrite(descriptor: int, data: memoryview, offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("crl_data.serving.cache_file.os.pwrite", pwrite)


@pytest.mark.parametrize("memory", [True, False])
def test_a_disk_that_fills_up_costs_a_warning_and_leaves_nothing(filled, cache, decoded, monkeypatch, caplog, memory):
    refuse_to_write(monkeypatch)
    assert np.array_equal(load(filled, cache, memory=memory), decoded)
    assert "No space left" in caplog.text
    assert not files(cache)


def test_a_disk_known_to_be_too_full_is_not_begun_with(filled, cache, decoded, monkeypatch, caplog, decodings):
    monkeypatch.setattr("crl_data.serving.cache_folder.shutil.disk_usage", lambda _: SimpleNamespace(free=10))
    assert np.array_equal(load(filled, cache), decoded)
    assert "are free" in caplog.text
    assert len(decodings) == 1


def test_a_folder_that_cannot_be_made_costs_a_warning(filled, tmp_path, decoded, caplog):
    (tmp_path / "file").write_text("in the way")
    assert np.array_equal(load(filled, FrameCache(tmp_path / "file" / "frames")), decoded)
    assert "not kept" in caplog.text


def test_frames_that_fit_neither_memory_nor_cache_are_refused_with_the_way_out(filled, monkeypatch):
    monkeypatch.setattr(cache_module, "available_memory", lambda: 9 * ROW)
    with pytest.raises(StoreError, match="give the cache room or use a smaller image size"):
        load(filled, None)


def test_damage_in_the_store_is_not_mistaken_for_a_full_disk(filled, cache, caplog):
    file = filled.read("a").cameras["over_shoulder"].file
    flip(file, 100)
    with pytest.raises(StoreError, match="damaged"):
        load(filled, cache)
    assert not files(cache)


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_is_not(filled, cache):
    cache.folder.mkdir()
    left, busy = cache.folder / "left.partial", cache.folder / "busy.partial"
    left.write_bytes(b"0")
    with busy.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        load(filled, cache)
    assert busy.exists()
    assert not left.exists()


def test_a_store_without_episodes_is_refused(store, cache):
    with pytest.raises(StoreError, match="no episodes"):
        load(store, cache)


def test_another_native_size_is_refused_although_the_cache_is_asked_first(filled, cache):
    load(filled, cache)
    with pytest.raises(StoreError, match="native size"):
        load_frames(filled, ImageSpec(), cache=cache, progress=False)


def test_the_default_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "goal-image-control" / "frames"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".cache" / "goal-image-control" / "frames"


def test_available_memory_is_what_machine_and_container_leave(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 4000 kB\nMemAvailable:    3000 kB\n")
    assert available_memory(meminfo, tmp_path) == 3000 * 1024
    for name, text in (("max", "1000000"), ("current", "900000"), ("stat", "anon 5\nfile 200000\n")):
        (tmp_path / f"memory.{name}").write_text(text)
    assert available_memory(meminfo, tmp_path) == 300000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory(meminfo, tmp_path) == 3000 * 1024
    assert available_memory(tmp_path / "none", tmp_path) > 0
