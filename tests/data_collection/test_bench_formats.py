import cv2
import numpy as np
import pytest
from numcodecs import Zstd
from rich.console import Console

from crl_data.bench import format_measure, formats
from crl_data.bench.camera_frames import camera_frames, episode_frames
from crl_data.bench.format_measure import Amount
from crl_data.bench.formats import MEASURED, run
from crl_data.bench.formats_report import formats_table, legend, write_bars
from crl_data.codec import decode_jpeg, encode_jpeg
from crl_robot.errors import ConfigError

TINY = Amount(episodes=2, steps=3, small_frames=20, repeats=1)
NAMES = ["ours jpeg", "ours lossless", "hdf5", "zarr chunk 1", "zarr chunk 16", "zarr shard"]


SIZES = {"SIZE": 32, "LOAD_SIZE": 16, "SMALL_SIZE": 8, "BATCH": 4, "SMALL_BATCH": 8, "COMPARED": 4}


@pytest.fixture(autouse=True, scope="module")
def _small():
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in SIZES.items():
            monkeypatch.setattr(format_measure, name, value)
        yield


@pytest.fixture(scope="module")
def facts(_small) -> dict:
    return run(TINY)


def row(facts: dict, name: str) -> dict:
    return next(row for row in facts["formats"] if row["name"] == name)


def test_camera_frames_cost_coders_what_frames_of_a_camera_cost_them():
    frames = camera_frames(4, 256, seed=0)
    jpegs = [encode_jpeg(frame, 95) for frame in frames]
    errors = [decode_jpeg(data, frame.shape).astype(float) - frame for data, frame in zip(jpegs, frames, strict=True)]
    assert 0.08 < sum(map(len, jpegs)) / frames.nbytes < 0.12
    assert 41 < 10 * np.log10(255**2 / np.mean(np.square(errors))) < 43
    assert 0.7 < sum(len(Zstd(level=1).encode(frame)) for frame in frames) / frames.nbytes < 0.95


def test_camera_frames_move_and_carry_noise_and_depend_on_the_seed_alone():
    frames = camera_frames(3, 64, seed=1)
    assert np.array_equal(frames, camera_frames(3, 64, seed=1))
    assert not np.array_equal(frames, camera_frames(3, 64, seed=2))
    still = camera_frames(2, 64, seed=1).astype(float)
    assert np.std((still[1] - still[0])[:16]) / np.sqrt(2) == pytest.approx(2, rel=0.1)
    assert np.array_equal(episode_frames(frames, 2)[:, :, 2:], frames[:, :, :-2])


def test_every_format_gives_back_what_it_was_given(facts):
    assert [row["name"] for row in facts["formats"]][:6] == NAMES
    assert row(facts, "ours jpeg")["psnr_db"] > 30
    for name in NAMES[1:]:
        assert row(facts, name)["psnr_db"] is None, name
        assert row(facts, name)["size_ratio"] > 0.5, name


def test_facts_are_flat_and_say_what_was_measured_on_what(facts):
    for name in NAMES:
        missing = {key for key in MEASURED if row(facts, name)[key] is None} - {"psnr_db"}
        assert missing == (set() if name in NAMES[:3] else {"batch_memory_ms", "batch_small_ms"})
    jpeg, hdf5 = row(facts, "ours jpeg"), row(facts, "hdf5")
    assert facts["ratio_ours_jpeg_size_ratio"] == jpeg["size_ratio"] / hdf5["size_ratio"]
    assert {"command", "seed", "machine", "versions", "copy_memory_ms"} <= facts.keys()
    assert facts["machine"]["cores"] >= 1
    assert "zarr" in facts["versions"]


def test_without_h5py_and_lerobot_their_rows_say_so(monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    facts = run(TINY)
    assert row(facts, "hdf5")["note"] == "h5py is not installed"
    assert row(facts, "hdf5")["write_frames_per_s"] is None
    assert "not installed" in row(facts, "lerobot video")["note"]
    assert not [key for key in facts if key.startswith("ratio_")]


def script(path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_another_interpreter_measures_lerobot(tmp_path):
    answer = (
        '{"version": "9", "decoder": "png", "write_frames_per_s": 5, "size_ratio": 0.5, "psnr_db": 999, "batch_ms": 7}'
    )
    python = script(tmp_path / "python", f"test -f \"$3\" && echo '{answer}'")
    got = formats._lerobot(python, "image", tmp_path, TINY)
    assert (got["write_frames_per_s"], got["psnr_db"], got["batch_disk_ms"]) == (5, None, 7)
    assert got["note"] == "9, png, 2 episodes; no fsync"


@pytest.mark.parametrize("text", ["echo no module lerobot >&2; exit 1", "echo no module lerobot"])
def test_an_interpreter_that_fails_costs_its_row_only(tmp_path, text):
    got = formats._lerobot(script(tmp_path / "python", text), "video", tmp_path, TINY)
    assert got["note"].startswith("failed: ")
    assert got["batch_disk_ms"] is None


def test_nothing_is_left_in_the_folder(tmp_path):
    run(TINY, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("amount", [Amount(episodes=0), Amount(steps=1), Amount(repeats=0)])
def test_an_amount_that_measures_nothing_is_refused(amount):
    with pytest.raises(ConfigError, match="at least one episode"):
        run(amount)


def test_the_report_has_a_row_and_a_note_for_each_format(facts, tmp_path):
    console = Console(width=80, record=True, file=(tmp_path / "out").open("w"))
    console.print(formats_table(facts))
    text = console.export_text()
    console.file.close()
    for name in NAMES:
        assert name in text
    assert "exact" in text
    assert "hdf5: uncompressed; no fsync" in legend(facts)
    write_bars(facts, tmp_path / "new folder" / "bars.png")
    assert cv2.imread(str(tmp_path / "new folder" / "bars.png")).size
