"""`crl-data video`: one episode as a film."""

import av
import numpy as np
import pytest

from crl_data.camera_track import CameraTrack
from crl_data.cli import main
from crl_data.looking.film import REALTIME_FPS, steps_in_time
from crl_data.store import Store


def film(path):
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        return frames, float(container.streams.video[0].average_rate)


@pytest.mark.parametrize("episode", ["two", "1"])
def test_every_step_is_one_frame(store, samples, tmp_path, episode):
    samples.write(store, "one", 3)
    samples.write(store, "two", 5)
    assert main(["video", str(store.path), episode, str(tmp_path / "v.mp4")]) == 0
    frames, rate = film(tmp_path / "v.mp4")
    assert (len(frames), rate) == (5, 5.0)


def test_all_cameras_stand_side_by_side_unless_one_is_named(tmp_path, samples):
    store = Store.create(tmp_path / "a.zarr", samples.spec(cameras=("over_shoulder", "wrist")))
    samples.write(store, "one", 2)
    width, height = samples.native
    assert main(["video", str(store.path), "one", str(tmp_path / "all.mp4")]) == 0
    assert film(tmp_path / "all.mp4")[0][0].shape == (height, 2 * width, 3)
    assert main(["video", str(store.path), "one", str(tmp_path / "one.mp4"), "--camera", "wrist", "--caption"]) == 0
    assert film(tmp_path / "one.mp4")[0][0].shape == (height + 20, width, 3)


def test_real_time_shows_every_step_for_as_long_as_its_stamps_say(store, samples, tmp_path):
    samples.write(store, "one", 4)
    assert main(["video", str(store.path), "one", str(tmp_path / "v.mp4"), "--realtime"]) == 0
    frames, rate = film(tmp_path / "v.mp4")
    assert (len(frames), rate) == (round(4 * 0.2 * REALTIME_FPS), REALTIME_FPS)


def test_a_pause_in_the_stamps_is_a_pause_in_the_film():
    stamps = np.array([0, 100, 1100, 1200]) * 1_000_000
    shown = steps_in_time(stamps, period_s=0.1)
    assert [shown.count(step) for step in range(4)] == [3, 30, 3, 3]
    assert len(steps_in_time(stamps, period_s=0.1, speed=2.0)) == pytest.approx(len(shown) / 2, abs=1)


def test_an_unknown_episode_or_camera_exits_2_and_writes_nothing(store, samples, tmp_path, capsys):
    samples.write(store, "one", 3)
    assert main(["video", str(store.path), "three", str(tmp_path / "v.mp4")]) == 2
    assert "no episode 'three'" in capsys.readouterr().err
    assert main(["video", str(store.path), "one", str(tmp_path / "v.mp4"), "--camera", "wirst"]) == 2
    assert main(["video", str(store.path), "one", str(tmp_path / "v.mp4"), "--speed", "0"]) == 2
    assert not (tmp_path / "v.mp4").exists()


def test_a_damaged_frame_leaves_no_half_film(store, samples, tmp_path, capsys):
    samples.write(store, "one", 5)
    file = store.track(store.meta("one"), "over_shoulder").file
    data = bytearray(file.read_bytes())
    data[-10] ^= 255
    file.write_bytes(data)
    assert main(["video", str(store.path), "one", str(tmp_path / "v.mp4")]) == 2
    assert "damaged" in capsys.readouterr().err
    assert not (tmp_path / "v.mp4").exists()


def test_a_film_that_fails_leaves_the_earlier_one_and_nothing_beside(store, samples, tmp_path, monkeypatch):
    """Ctrl-C left half a film under the name of the whole one it had destroyed."""
    samples.write(store, "one", 80)  # the encoder keeps the first frames to itself
    assert main(["video", str(store.path), "one", str(tmp_path / "v.mp4")]) == 0
    before = (tmp_path / "v.mp4").read_bytes()
    monkeypatch.setattr(CameraTrack, "frame", interrupted_at(CameraTrack.frame, 70))
    assert main(["video", str(store.path), "one", str(tmp_path / "v.mp4")]) == 130
    assert (tmp_path / "v.mp4").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zarr", "v.mp4"]


def interrupted_at(frame, step):
    def stopped(self, number):
        if number == step:
            raise KeyboardInterrupt
        return frame(self, number)

    return stopped


@pytest.mark.parametrize("place", ["file/v.mp4", "folder.mp4"])
def test_a_place_that_cannot_be_written_is_named(store, samples, tmp_path, capsys, place):
    """It ended in a traceback."""
    samples.write(store, "one", 3)
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.mp4").mkdir()
    assert main(["video", str(store.path), "one", str(tmp_path / place)]) == 2
    assert "could not write" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zarr", "file", "folder.mp4"]


@pytest.mark.parametrize("name", ["out.txt", "out", "out.mp4.part"])
def test_a_name_that_is_none_of_a_film_is_refused_naming_those_that_are(store, samples, tmp_path, capsys, name):
    """It ended in the traceback of a library."""
    samples.write(store, "one", 3)
    assert main(["video", str(store.path), "one", str(tmp_path / name)]) == 2
    assert "ends with .mp4" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["v.MP4", "v.mkv", "v.mov"])
def test_every_kind_of_film_that_is_named_can_be_written(store, samples, tmp_path, name):
    samples.write(store, "one", 3)
    assert main(["video", str(store.path), "one", str(tmp_path / "new folder" / name)]) == 0
    assert len(film(tmp_path / "new folder" / name)[0]) == 3
