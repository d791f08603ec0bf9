"""Every kind of file somebody may call a goal is refused with a reason or converted as documented."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from crl_robot.errors import CrlError, GoalImageError
from crl_robot.goal_image import goal_from_array, load_goal_image

NATIVE = (320, 240)


@pytest.fixture
def picture():
    """uint8 (240, 320, 3): left half red, right half green, a blue corner at the top left."""
    image = np.zeros((240, 320, 3), np.uint8)
    image[:, :160, 0] = 200
    image[:, 160:, 1] = 180
    image[:60, :60] = (0, 0, 250)
    return image


def save(path, image, **options):
    Image.fromarray(image).save(path, **options)
    return path


def png_header(width, height):
    """A PNG file that declares a size and holds no pixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_an_image_at_native_size_is_taken_byte_for_byte(tmp_path, picture):
    goal = load_goal_image(save(tmp_path / "goal.png", picture), NATIVE)
    np.testing.assert_array_equal(goal.image, picture)
    assert goal.warnings == ()
    assert goal.source == str(tmp_path / "goal.png")


def test_a_relative_path_starts_at_the_callers_folder(tmp_path, picture, monkeypatch):
    save(tmp_path / "goal.png", picture)
    monkeypatch.chdir(tmp_path)
    assert load_goal_image("goal.png").source == str(tmp_path / "goal.png")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.png", None, "not there"),
        ("empty.png", b"", "empty"),
        ("notes.png", b"this is not an image\n" * 50, "not an image"),
        ("vector.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 640 480\n", "not an image"),
        ("huge.png", png_header(10_000, 5_001), "too large"),
        ("bomb.png", png_header(40_000, 40_000), "too large"),
        ("nothing_inside.png", png_header(320, 240), "damaged"),
    ],
)
def test_files_that_are_no_goal_are_refused(tmp_path, name, content, says):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GoalImageError, match=says) as caught:
        load_goal_image(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, CrlError)


def test_a_folder_and_a_device_are_refused(tmp_path):
    with pytest.raises(GoalImageError, match="folder"):
        load_goal_image(tmp_path)
    with pytest.raises(GoalImageError, match="device"):
        load_goal_image("/dev/null")


@pytest.mark.parametrize("size", [(1, 1), (31, 240), (320, 31)])
def test_images_of_a_few_pixels_are_refused(tmp_path, size):
    path = save(tmp_path / "small.png", np.zeros((size[1], size[0], 3), np.uint8))
    with pytest.raises(GoalImageError, match="too small") as caught:
        load_goal_image(path)
    assert f"{size[0]}x{size[1]}" in str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_files_cut_short_are_refused(tmp_path, kind):
    whole = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    Image.fromarray(noise).save(whole, kind)
    path = tmp_path / "cut"
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    with pytest.raises(GoalImageError, match=r"damaged|not an image"):
        load_goal_image(path)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_and_several_pages_are_refused(tmp_path, picture, kind):
    frames = [Image.fromarray(picture), Image.fromarray(picture[:, ::-1].copy())]
    path = tmp_path / "moving"
    frames[0].save(path, kind, save_all=True, append_images=frames[1:])
    with pytest.raises(GoalImageError, match="2 images"):
        load_goal_image(path)


def test_a_still_gif_is_taken(tmp_path, picture):
    path = tmp_path / "still.gif"
    Image.fromarray(picture).save(path)
    np.testing.assert_allclose(load_goal_image(path).image, picture, atol=8)


def test_the_photograph_is_taken_from_a_phones_two_picture_file(tmp_path, picture):
    path = tmp_path / "phone.jpg"
    Image.fromarray(picture).save(path, "MPO", save_all=True, append_images=[Image.new("RGB", (80, 60))], quality=95)
    goal = load_goal_image(path)
    assert np.abs(goal.image.astype(int) - picture).mean() < 3


def test_grey_becomes_three_equal_channels(tmp_path):
    grey = np.tile(np.arange(320, dtype=np.uint16) % 256, (240, 1)).astype(np.uint8)
    goal = load_goal_image(save(tmp_path / "grey.png", grey))
    np.testing.assert_array_equal(goal.image, np.repeat(grey[..., None], 3, axis=2))


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    eight = np.tile(np.arange(320) % 256, (240, 1)).astype(np.uint8)
    goal = load_goal_image(save(tmp_path / "deep.png", eight.astype(np.uint16) * 257))
    np.testing.assert_array_equal(goal.image[..., 0], eight)


def test_sixteen_bit_colour_is_scaled_to_eight(tmp_path, picture):
    path = tmp_path / "deep_colour.png"
    cv2.imwrite(str(path), picture[..., ::-1].astype(np.uint16) * 257)
    np.testing.assert_array_equal(load_goal_image(path).image, picture)


def test_floating_point_images_are_refused(tmp_path):
    path = save(tmp_path / "float.tiff", np.zeros((240, 320), np.float32))
    with pytest.raises(GoalImageError, match="8 or 16 bits"):
        load_goal_image(path)


def test_alpha_is_composited_on_black(tmp_path, picture):
    alpha = np.full((240, 320, 1), 255, np.uint8)
    alpha[:, 160:] = 0
    alpha[:60, :60] = 128
    goal = load_goal_image(save(tmp_path / "alpha.png", np.concatenate([picture, alpha], axis=2)))
    np.testing.assert_array_equal(goal.image[100, 50], [200, 0, 0])
    np.testing.assert_array_equal(goal.image[100, 250], [0, 0, 0])
    np.testing.assert_allclose(goal.image[10, 10], [0, 0, 250 * 128 / 255], atol=1)


def test_grey_with_alpha_is_composited_on_black(tmp_path):
    layers = np.full((240, 320, 2), 200, np.uint8)
    layers[:, 160:, 1] = 0
    goal = load_goal_image(save(tmp_path / "la.png", layers))
    assert goal.image[0, 0, 0] in (156, 157)
    assert goal.image[0, 200, 0] == 0


def test_a_palette_is_resolved_and_its_transparent_colour_turns_black(tmp_path, picture):
    palette = Image.fromarray(picture).quantize(8)
    palette.save(tmp_path / "palette.png")
    np.testing.assert_allclose(load_goal_image(tmp_path / "palette.png").image, picture, atol=8)
    palette.save(tmp_path / "clear.png", transparency=palette.getpixel((200, 200)))
    goal = load_goal_image(tmp_path / "clear.png").image
    np.testing.assert_array_equal(goal[200, 200], [0, 0, 0])
    np.testing.assert_allclose(goal[200, 50], picture[200, 50], atol=8)


def test_cmyk_becomes_rgb(tmp_path, picture):
    path = tmp_path / "print.tiff"
    Image.fromarray(picture).convert("CMYK").save(path)
    np.testing.assert_allclose(load_goal_image(path).image, picture, atol=2)


@pytest.mark.parametrize(
    ("orientation", "undo"),
    [(3, lambda a: np.rot90(a, 2)), (6, lambda a: np.rot90(a, 1)), (8, lambda a: np.rot90(a, -1))],
)
def test_exif_rotated_photographs_are_turned_upright(tmp_path, picture, orientation, undo):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "turned.png", np.ascontiguousarray(undo(picture)), exif=exif)
    goal = load_goal_image(path)
    np.testing.assert_array_equal(goal.image, picture)
    assert goal.warnings == ()


def test_another_aspect_is_cropped_about_the_centre_with_a_warning_that_names_both(tmp_path, picture):
    wide = np.zeros((240, 520, 3), np.uint8)
    wide[:, 100:420] = picture
    goal = load_goal_image(save(tmp_path / "wide.png", wide))
    np.testing.assert_array_equal(goal.image, picture)
    (warning,) = goal.warnings
    assert "2.17 (520x240)" in warning
    assert "1.33 (320x240)" in warning


def test_a_tall_image_is_cropped_about_the_centre(picture):
    tall = np.zeros((400, 320, 3), np.uint8)
    tall[80:320] = picture
    goal = goal_from_array(tall, NATIVE, "test")
    np.testing.assert_array_equal(goal.image, picture)
    assert len(goal.warnings) == 1


def test_a_larger_image_of_the_same_aspect_is_averaged_down_without_a_warning(picture):
    goal = goal_from_array(np.repeat(np.repeat(picture, 3, 0), 3, 1), NATIVE, "test")
    np.testing.assert_array_equal(goal.image, picture)
    assert goal.warnings == ()


def test_a_smaller_image_is_enlarged_with_a_warning(picture):
    goal = goal_from_array(picture[::4, ::4].copy(), NATIVE, "test")
    assert goal.image.shape == picture.shape
    assert "enlarged from 80x60" in goal.warnings[0]


def test_an_array_that_is_not_rgb8_is_refused():
    with pytest.raises(GoalImageError, match="float64"):
        goal_from_array(np.zeros((240, 320, 3)), NATIVE, "/goal/image")
