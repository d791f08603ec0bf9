"""The alignment of a live view with a data set, on drawn scenes that are moved by known amounts."""

import cv2
import numpy as np
import pytest

from crl_data.aligning.align import Reference, align
from crl_data.aligning.likeness import Views
from crl_data.aligning.overlay import draw_overlay
from crl_data.aligning.registration import register
from crl_robot.errors import ContractError

SIZE = (320, 240)
MIDDLE = ((SIZE[0] - 1) / 2, (SIZE[1] - 1) / 2)


def scene(seed=0, size=SIZE):
    """A table, boxes and a poster, larger than the picture."""
    rng = np.random.default_rng(seed)
    width, height = size
    image = np.full((3 * height, 3 * width, 3), 120, np.uint8)
    for _ in range(150):
        x, y = rng.integers(0, 3 * width), rng.integers(0, 3 * height)
        w, h = rng.integers(width // 20, width // 4, 2)
        colour = rng.integers(20, 235, 3).tolist()
        box = cv2.boxPoints(((float(x), float(y)), (float(w), float(h)), float(rng.uniform(0, 90))))
        cv2.fillConvexPoly(image, box.astype(np.int32), colour, cv2.LINE_AA)
    return image


def view(picture, right=0.0, down=0.0, turn_deg=0.0, scale=1.0, size=SIZE):
    """What a camera sees whose content lies so many pixels further right and down, turned clockwise, larger."""
    middle = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    matrix = cv2.getRotationMatrix2D((3 * size[0] / 2 - 0.5, 3 * size[1] / 2 - 0.5), -turn_deg, scale)
    matrix[:, 2] += np.array(middle) - [3 * size[0] / 2 - 0.5, 3 * size[1] / 2 - 0.5] + [right, down]
    return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR)


def with_arm(image, rng):
    """Something long and dark in front of a part of the view."""
    image = image.copy()
    points = [(int(rng.integers(0, SIZE[0])), SIZE[1]), *rng.integers(40, 200, (2, 2)).tolist()]
    cv2.polylines(image, [np.array(points, np.int32)], False, (30, 30, 35), 26, cv2.LINE_AA)
    return image


def as_jpeg(image, quality=60):
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


@pytest.fixture(scope="module")
def reference():
    rng = np.random.default_rng(1)
    return Reference.of([with_arm(view(scene()), rng) for _ in range(12)])


def test_the_same_view_is_aligned_with_the_best_score(reference):
    found = align(reference, view(scene()))
    assert found.verdict == "aligned"
    assert found.advice == "nothing to do"
    assert found.score > 0.95
    assert found.offset_px < 0.1


@pytest.mark.parametrize(("right", "down", "turn", "scale"), [(12, -7, 0, 1), (-40, 25, 0, 1), (3, 2, 4, 1.03)])
def test_a_known_movement_is_measured(reference, right, down, turn, scale):
    found = align(reference, view(scene(), right, down, turn, scale))
    assert found.verdict == "moved"
    assert found.shift_px == pytest.approx((right, down), abs=0.5)
    assert found.rotation_deg == pytest.approx(turn, abs=0.2)
    assert found.scale == pytest.approx(scale, abs=0.005)
    assert found.found > found.score


def test_the_advice_names_the_way_back(reference):
    found = align(reference, view(scene(), right=12))
    assert found.advice == "turn the camera right, by about 12 px"
    found = align(reference, view(scene(), down=-9, turn_deg=3))
    assert found.advice == "tilt it up, by about 9 px; roll it clockwise, by about 3.0 degrees"
    assert "move it away" in align(reference, view(scene(), scale=1.1)).advice


def test_the_score_rises_while_the_camera_is_turned_back(reference):
    scores = [align(reference, view(scene(), right=right)).score for right in (16, 8, 4, 2, 0)]
    assert scores == sorted(scores)


@pytest.mark.parametrize("seed", range(5))
def test_arm_light_colour_noise_and_jpeg_do_not_matter(reference, seed):
    rng = np.random.default_rng(seed)
    for right in (0, 10):
        lit = with_arm(view(scene(), right), rng) * rng.uniform(0.5, 1.2) * rng.uniform(0.85, 1.15, 3)
        noisy = np.clip(lit + rng.normal(0, 4, lit.shape), 0, 255).astype(np.uint8)
        found = align(reference, as_jpeg(noisy))
        assert found.verdict == ("moved" if right else "aligned")
        assert found.shift_px == pytest.approx((right, 0), abs=0.6)


@pytest.mark.parametrize("seed", range(1, 6))
def test_another_scene_is_not_taken_for_a_moved_camera(reference, seed):
    assert align(reference, view(scene(seed))).verdict == "different_scene"


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_covered_camera_is_a_different_scene(reference, value):
    found = align(reference, np.full((SIZE[1], SIZE[0], 3), value, np.uint8))
    assert found.verdict == "different_scene"
    assert "covers" in found.advice
    assert np.isfinite(found.matrix).all()


def test_the_tolerance_can_be_chosen(reference):
    live = view(scene(), right=3)
    assert align(reference, live).verdict == "moved"
    assert align(reference, live, tolerance_px=4).verdict == "aligned"
    with pytest.raises(ContractError, match="above 0"):
        align(reference, live, tolerance_px=0)


def test_brightness_is_told(reference):
    assert align(reference, view(scene()) // 2).brightness == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("size", [(96, 72), (160, 120), (640, 480), (1280, 720)])
def test_every_size_of_picture_is_measured_in_its_own_pixels(size):
    picture = scene(2, size)
    shift = 0.04 * size[0]
    found = align([view(picture, size=size)] * 2, view(picture, shift, 0, size=size))
    assert found.shift_px == pytest.approx((shift, 0), abs=0.01 * size[0])


def test_frames_may_be_given_instead_of_a_reference():
    frames = [view(scene())] * 3
    assert align(frames, view(scene())).verdict == "aligned"


def test_another_size_or_type_is_refused(reference):
    with pytest.raises(ContractError, match="set the camera to the recorded size"):
        align(reference, np.zeros((480, 640, 3), np.uint8))
    with pytest.raises(ContractError, match="float64"):
        align(reference, np.zeros((240, 320, 3)))
    with pytest.raises(ContractError, match="at least one"):
        Reference.of([])
    flat = np.zeros((4, 4), np.float32)
    with pytest.raises(ContractError, match="one size"):
        register(Views(flat, flat[:2], flat))


def test_frames_that_differ_all_over_make_no_steady_reference():
    assert Reference.of([view(scene(seed)) for seed in range(4)]).steady is False


@pytest.mark.parametrize("right", [0, 12])
def test_the_overlay_shows_four_panels_and_says_the_verdict(reference, right):
    live = view(scene(), right)
    picture = draw_overlay(reference.picture, live, align(reference, live))
    assert picture.dtype == np.uint8
    assert picture.shape[0] > 2 * SIZE[1]
    assert picture.shape[1] == 2 * SIZE[0] + 4
