import json

import av
import cv2
import numpy as np
import pytest

from crl_data.cli import main


def test_an_unknown_key_exits_2_and_names_the_nearest(capsys):
    assert main(["play", "out=a.zarr", "sede=1"]) == 2
    assert "did you mean 'seed'" in capsys.readouterr().err


def test_info_prints_json_with_everything_in_it(store, samples, capsys):
    samples.write(store, "one", 3, success=True, lost={"over_shoulder": 4})
    samples.write(store, "two", 5)
    assert main(["info", str(store.path), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["episodes"], summary["steps"]) == (2, 8)
    assert summary["hours"] == pytest.approx(8 / 5 / 3600)
    assert summary["lost_frames"] == {"over_shoulder": 4}
    assert summary["success"] == {"yes": 1, "unmarked": 1}
    assert summary["action_spec"]["rate_hz"] == 5.0
    assert np.isclose(summary["actions"]["dx"]["mean"], store.load_actions()[:, 0].mean())
    assert not store.path.with_suffix(".png").exists()


def test_info_draws_a_contact_sheet_and_says_where(store, samples, capsys):
    for index in range(14):
        samples.write(store, f"e{index:02d}", 2)
    assert main(["info", str(store.path)]) == 0
    picture = store.path.with_suffix(".png")
    assert str(picture) in capsys.readouterr().out.replace("\n", "")
    image = cv2.imread(str(picture))
    assert image is not None
    assert image.shape[1] > 3 * 3 * 160


def test_info_of_an_empty_store_shows_zero_episodes(store, capsys):
    assert main(["info", str(store.path)]) == 0
    assert "0 (none)" in capsys.readouterr().out


def test_info_of_a_missing_store_exits_2_without_a_traceback(tmp_path, capsys):
    assert main(["info", str(tmp_path / "x.zarr")]) == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("episode", ["two", "1"])
def test_video_writes_every_frame_of_the_episode(store, samples, tmp_path, episode):
    samples.write(store, "one", 3)
    samples.write(store, "two", 5)
    assert main(["video", str(store.path), episode, str(tmp_path / "v.mp4")]) == 0
    with av.open(str(tmp_path / "v.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5


def test_video_of_an_unknown_episode_or_camera_exits_2(store, samples, tmp_path, capsys):
    samples.write(store, "one", 3)
    assert main(["video", str(store.path), "three", str(tmp_path / "v.mp4")]) == 2
    assert "no episode 'three'" in capsys.readouterr().err
    assert main(["video", str(store.path), "one", str(tmp_path / "v.mp4"), "--camera", "wirst"]) == 2
    assert not (tmp_path / "v.mp4").exists()


def test_play_with_an_unknown_camera_is_refused_and_makes_no_store(tmp_path, capsys):
    """The recording processes died one by one with tracebacks, and a store without episodes stayed."""
    assert main(["play", f"out={tmp_path}/a.zarr", "cameras=wirst", "episodes=2", "workers=2"]) == 2
    assert "did you mean 'wrist'" in capsys.readouterr().err
    assert not (tmp_path / "a.zarr").exists()
