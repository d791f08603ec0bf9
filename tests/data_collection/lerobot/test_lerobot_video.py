"""Frames out of LeRobot's videos, which hold several episodes each."""

import json
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crl_data.exchange.errors import SourceError
from crl_data.exchange.lerobot_import import import_lerobot
from crl_data.exchange.lerobot_video import video_frames
from crl_data.store import Store


def write_video(path: Path, frames: np.ndarray, fps: int = 5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"g": "4", "bf": "2", "crf": "10"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def grey() -> np.ndarray:
    """Frames uint8 (12, 32, 48, 3), each brighter than the one before: brightness tells which one it is."""
    return np.broadcast_to((20 * np.arange(12, dtype=np.uint8) + 10)[:, None, None, None], (12, 32, 48, 3)).copy()


@pytest.mark.parametrize(("first", "count"), [(0, 12), (0, 1), (3, 5), (4, 4), (11, 1)])
def test_frames_of_a_video_are_exactly_those_of_the_episode(tmp_path, grey, first, count):
    path = write_video(tmp_path / "a b.mp4", grey)
    found = list(video_frames(path, first / 5, count, 5))
    assert [round((frame.mean() - 10) / 20) for frame in found] == list(range(first, first + count))


def test_a_video_that_ends_too_soon_is_refused(tmp_path, grey):
    path = write_video(tmp_path / "a.mp4", grey)
    with pytest.raises(SourceError, match="ends after 2 of 3 frames"):
        list(video_frames(path, 2.0, 3, 5))


def test_a_video_of_another_rate_is_refused(tmp_path, grey):
    path = write_video(tmp_path / "a.mp4", grey, fps=7)
    with pytest.raises(SourceError, match="has no frame at"):
        list(video_frames(path, 0.0, 5, 5))


@pytest.mark.parametrize("content", [None, b"", b"not a video"])
def test_a_missing_or_foreign_video_is_refused(tmp_path, content):
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match="cannot be read as a video"):
        list(video_frames(path, 0.0, 1, 5))


def test_a_set_with_video_is_imported_by_index(lossless, tmp_path, grey, sets):
    """Both episodes lie in one file, the second after the five frames of the first."""
    folder, name = sets.foreign(lossless, tmp_path / "lr"), "observation.images.front"
    info = json.loads((folder / "meta/info.json").read_text())
    shape = {"dtype": "video", "shape": [32, 48, 3], "names": ["height", "width", "channel"]}
    info["features"] = {n: f for n, f in info["features"].items() if f["dtype"] != "image"} | {name: shape}
    info["video_path"] = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
    (folder / "meta/info.json").write_text(json.dumps(info))
    file = folder / "meta/episodes/chunk-000/file-000.parquet"
    episodes = pq.read_table(file)
    for key, values in (("chunk_index", [0, 0]), ("file_index", [1, 1]), ("from_timestamp", [0.0, 1.0])):
        episodes = episodes.append_column(f"videos/{name}/{key}", pa.array(values))
    pq.write_table(episodes, file)
    report = import_lerobot(folder, sets.mapping(cameras={"front": "front"}), tmp_path / "b.zarr", progress=False)
    assert "file-001.mp4 cannot be read as a video" in report.damaged["episode-000000"]

    write_video(folder / "videos" / name / "chunk-000/file-001.mp4", grey[:8])
    report = import_lerobot(folder, sets.mapping(cameras={name: "front"}), tmp_path / "b.zarr", progress=False)
    assert report.steps == 8
    frames = sets.frames(Store.open(tmp_path / "b.zarr"), "front")
    assert [round((frame.mean() - 10) / 20) for frame in frames] == list(range(8))
