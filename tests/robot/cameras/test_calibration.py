"""Calibration files, and calibrations from pictures whose true K and D are known."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
import yaml
from tests.robot.cameras.boards import BOARD, SIZE, D, K, photograph, poses, rays

from crl_robot.cameras import views as views_module
from crl_robot.cameras.calibration import Calibration, load_calibration, save_calibration
from crl_robot.cameras.checkerboard import Board, calibrate, cells_covered, find_corners, is_new_view
from crl_robot.cli import main
from crl_robot.contracts import Frame
from crl_robot.errors import CameraError, ConfigError

ROS_FILE = """\
image_width: 640
image_height: 480
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: [438.783367, 0.0, 305.593336, 0.0, 437.302876, 243.738352, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.361976, 0.11051, 0.001014, 0.000505, 0.0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [0.999978, 0.002789, -0.006046, -0.002816, 0.999986, -0.004401, 0.006034, 0.004417, 0.999972]
projection_matrix:
  rows: 3
  cols: 4
  data: [393.653800, 0.0, 322.797939, 0.0, 0.0, 393.653800, 241.090902, 0.0, 0.0, 0.0, 1.0, 0.0]
"""


@pytest.fixture(scope="module")
def photographs():
    """Twelve pictures of the board, a little out of focus and with the noise of a sensor."""
    rng, seen = np.random.default_rng(0), rays()
    return [
        np.clip(cv2.GaussianBlur(image, (0, 0), 0.6) + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)
        for image in (photograph(seen, turn, shift) for turn, shift in poses(12))
    ]


@pytest.fixture(scope="module")
def views(photographs):
    return [corners for image in photographs if (corners := find_corners(image, BOARD)) is not None]


@pytest.fixture(scope="module")
def board_folder(photographs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number, image in enumerate(photographs):
        cv2.imwrite(str(folder / f"{number:02}.png"), image)
    cv2.imwrite(str(folder / "nothing.png"), np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    return folder


def farthest_px(calibration):
    """Largest distance, over the picture, of a ray's pixel by the calibration from its true one."""
    grid = np.stack(np.meshgrid(np.linspace(-0.55, 0.5, 12), np.linspace(-0.4, 0.4, 9)), -1).reshape(-1, 2)
    points = np.hstack([grid, np.ones((len(grid), 1))])
    zero = np.zeros(3)
    true, _ = cv2.projectPoints(points, zero, zero, K, D)
    found, _ = cv2.projectPoints(points, zero, zero, calibration.K, calibration.D)
    return np.linalg.norm(true - found, axis=-1).max()


def test_known_intrinsics_are_recovered_from_pictures(views):
    """Bounds: focal lengths within 0.5 %, centre within 3 px, every ray within 2 px of where the true lens puts it."""
    assert len(views) >= 10
    report = calibrate("left", views, BOARD, SIZE)
    found = report.calibration
    np.testing.assert_allclose(np.diag(found.K)[:2], np.diag(K)[:2], rtol=0.005)
    np.testing.assert_allclose(found.K[:2, 2], K[:2, 2], atol=3.0)
    np.testing.assert_allclose(found.D[0], D[0], atol=0.02)
    assert farthest_px(found) < 2.0
    assert report.rms_px < 0.3
    assert report.coverage > 0.6
    assert len(report.view_px) == report.views == len(views)


def test_corners_lie_where_the_true_lens_puts_them(photographs):
    """Bounds: a quarter pixel on average; which end of the board comes first is not told by its picture."""
    for image, (turn, shift) in list(zip(photographs, poses(12), strict=True))[1:4]:
        corners = find_corners(image, BOARD)
        true, _ = cv2.projectPoints(BOARD.points - BOARD.points.mean(0), np.array(turn), np.array(shift), K, D)
        true = true.reshape(-1, 2)
        assert min(np.linalg.norm(corners - points, axis=1).mean() for points in (true, true[::-1])) < 0.25


def test_exact_corners_give_back_the_intrinsics():
    rotated = [cv2.projectPoints(BOARD.points, np.array(t), np.array(s), K, D)[0] for t, s in poses(9)]
    report = calibrate("left", [view.reshape(-1, 2).astype(np.float32) for view in rotated], BOARD, SIZE)
    np.testing.assert_allclose(report.calibration.K, K, rtol=1e-3)
    assert farthest_px(report.calibration) < 0.05
    assert report.rms_px < 0.01


def test_what_is_not_good_is_said_with_what_to_do():
    rng = np.random.default_rng(0)
    views = []
    for number in range(7):
        turn, shift = np.array([0.02 * number, 0.0, 0.0]), np.array([0.01 * number, 0.0, 0.6])
        corners, _ = cv2.projectPoints(BOARD.points, turn, shift, K, D)
        views.append((corners.reshape(-1, 2) + rng.normal(0, 1.0, (54, 2))).astype(np.float32))
    said = " ".join(calibrate("left", views, BOARD, SIZE).remarks)
    for words in ("7 views", "go to its edges", "tilted", "is the board flat"):
        assert words in said


def test_too_few_views_are_refused(views):
    with pytest.raises(ConfigError, match="5 views show the whole board, expected at least 6"):
        calibrate("left", views[:5], BOARD, SIZE)


def test_a_view_is_new_only_where_the_board_moved(views):
    assert is_new_view(views[0], [], SIZE)
    assert not is_new_view(views[0] + 5, [views[0]], SIZE)
    assert is_new_view(views[0] + 60, [views[0]], SIZE)


def test_cells_count_the_corners_in_them():
    cells = cells_covered([np.array([[1, 1], [639, 479], [638, 478]], np.float32)], SIZE)
    assert (cells.shape, cells[0, 0], cells[-1, -1], cells.sum()) == ((6, 8), 1, 2, 3)


@pytest.mark.parametrize("wrong", [(6, 6, 0.02), (9, 2, 0.02), (9, 6, 0.0)])
def test_a_board_whose_direction_or_size_is_unknown_is_refused(wrong):
    with pytest.raises(ConfigError, match="inner corners"):
        Board(*wrong)


def test_a_calibration_survives_its_file(tmp_path):
    calibration = Calibration.single("wrist", SIZE, K, D)
    save_calibration(tmp_path / "wrist.yaml", calibration)
    back = load_calibration(tmp_path / "wrist.yaml", SIZE)
    assert (back.camera, back.size) == ("wrist", SIZE)
    for name in ("K", "D", "R", "P"):
        np.testing.assert_array_equal(getattr(back, name), getattr(calibration, name))
    np.testing.assert_array_equal(back.P[:, :3], K)


def test_a_file_of_the_ros_calibrator_is_read_and_written_with_the_same_keys(tmp_path):
    path = tmp_path / "narrow_stereo.yaml"
    path.write_text(ROS_FILE)
    calibration = load_calibration(path)
    assert calibration.P[0, 0] == 393.6538
    assert calibration.D.tolist() == [-0.361976, 0.11051, 0.001014, 0.000505, 0.0]
    save_calibration(tmp_path / "again.yaml", calibration)
    assert yaml.safe_load((tmp_path / "again.yaml").read_text()) == yaml.safe_load(ROS_FILE)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("plumb_bob", "equidistant", "equidistant"),
        ("cols: 5", "cols: 4", "distortion_coefficients has 1x4"),
        ("438.783367", ".nan", "finite"),
        ("438.783367", "-1.0", "focal lengths"),
        ("305.593336", "900.0", "centre inside 640x480"),
        ("0.999978", "0.5", "no rotation"),
        ("image_width: 640", "", "KeyError"),
        ("image_width: 640", "image_width: [", "camera_info"),
        ("rows: 3", "lines: 3", "rows"),
    ],
)
def test_a_file_that_is_no_calibration_is_refused_with_the_reason(tmp_path, old, new, reason):
    path = tmp_path / "wrong.yaml"
    path.write_text(ROS_FILE.replace(old, new, 1))
    with pytest.raises(ConfigError, match=reason):
        load_calibration(path)


def test_a_calibration_of_another_size_is_refused(tmp_path):
    path = tmp_path / "wrist.yaml"
    save_calibration(path, Calibration.single("wrist", SIZE, K, D))
    with pytest.raises(ConfigError, match="is for 640x480 pixels, the camera gives 320x240"):
        load_calibration(path, (320, 240))
    with pytest.raises(ConfigError, match=r"missing\.yaml"):
        load_calibration(tmp_path / "missing.yaml")


def test_the_command_makes_a_file_from_a_folder_and_says_how_good_it_is(board_folder, tmp_path, capsys):
    out = tmp_path / "left.yaml"
    code = main(["calibrate", str(board_folder), "--out", str(out), "--board", "9x6", "--square", "0.025"])
    said = capsys.readouterr().out
    assert "picture 13: no whole board" in said
    assert "coverage" in said
    assert "not good: " in said  # fewer than 15 views
    assert code == 1
    assert load_calibration(out, SIZE).camera == "left"


def test_the_command_makes_a_file_from_a_live_camera(board_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(views_module, "LOOK_EVERY_S", 0.0)
    out, kept = tmp_path / "left.yaml", tmp_path / "kept"
    flags = ["--kind", "file", "--device", str(board_folder), "--fps", "20", "--views", "6", "--keep", str(kept)]
    assert main(["calibrate", "--out", str(out), *flags]) in (0, 1)
    assert "view 6 of 6" in capsys.readouterr().out
    assert len(list(kept.glob("*.png"))) == 6
    assert load_calibration(out, SIZE).K[0, 0] == pytest.approx(K[0, 0], rel=0.05)


@pytest.mark.parametrize(
    "flags", [["--board", "nine"], ["nowhere"], ["--out", "nowhere/x.yaml"], ["--kind", "file", "--device", "nowhere"]]
)
def test_the_command_ends_with_two_and_writes_nothing_when_it_cannot(flags, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["calibrate", "--out", "x.yaml", *flags]) == 2
    assert "crl-robot:" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_help_on_the_command_comes_without_opencv():
    code = "import sys, crl_robot.cli as cli; cli._parser(); sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Away:
    """A camera that never has a frame."""

    name, size = "left", SIZE

    def read(self) -> Frame:
        raise CameraError("camera 'left' is away")

    def close(self) -> None:
        pass


def test_a_live_camera_that_stays_away_is_an_error(monkeypatch):
    monkeypatch.setattr(views_module, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(views_module, "MISSING_S", 0.02)
    with pytest.raises(CameraError, match="away"):
        views_module.views_from_camera(Away(), BOARD, 6, print)
