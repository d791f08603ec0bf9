"""Image messages of the usual kinds become the same picture; what is none is refused."""

import array

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import CompressedImage, Image
from tests.robot.camera_suite import picture

from crl_robot.errors import ContractError
from crl_robot.nodes.images import JPEG_FORMAT, frame_from_any_image, frame_from_compressed, jpeg_message
from crl_robot.nodes.messages import msg_from_image, time_from_ns

pytestmark = pytest.mark.ros
STAMP = 1_795_207_035_940_320_651
PICTURE = picture(5, (64, 48))
GREY = np.repeat(cv2.cvtColor(PICTURE, cv2.COLOR_RGB2GRAY)[..., None], 3, -1)


def message(encoding, pixels, padding=0):
    height, width = pixels.shape[:2]
    rows = np.pad(pixels.reshape(height, -1), ((0, 0), (0, padding)), constant_values=77)
    msg = Image(height=height, width=width, encoding=encoding, step=rows.shape[1])
    msg.data = array.array("B", rows.tobytes())
    msg.header.stamp = time_from_ns(STAMP)
    return msg


@pytest.mark.parametrize("padding", [0, 16])
@pytest.mark.parametrize(
    ("encoding", "pixels", "expected"),
    [
        ("rgb8", PICTURE, PICTURE),
        ("bgr8", PICTURE[..., ::-1], PICTURE),
        ("8UC3", PICTURE[..., ::-1], PICTURE),
        ("rgba8", np.dstack([PICTURE, PICTURE[..., :1]]), PICTURE),
        ("bgra8", np.dstack([PICTURE[..., ::-1], PICTURE[..., :1]]), PICTURE),
        ("mono8", GREY[..., :1], GREY),
    ],
)
def test_an_image_of_any_usual_encoding_with_rows_padded_or_not_becomes_rgb(encoding, pixels, expected, padding):
    frame = frame_from_any_image(message(encoding, pixels, padding), STAMP + 4_000_000)
    np.testing.assert_array_equal(frame.image, expected)
    assert (frame.stamp_ns, frame.age_ms) == (STAMP, 4.0)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [("encoding", "16UC1", "16UC1"), ("step", 100, "step 100"), ("height", 47, "64x47"), ("width", 65, "65x48")],
)
def test_an_image_of_another_kind_or_size_than_its_data_is_refused(field, value, reason):
    msg = message("rgb8", PICTURE)
    setattr(msg, field, value)
    with pytest.raises(ContractError, match=reason):
        frame_from_any_image(msg, STAMP)


def test_an_image_without_a_stamp_is_refused_rather_than_given_one():
    msg = msg_from_image(PICTURE, 0, "left_optical_frame")
    with pytest.raises(ContractError, match="no stamp"):
        frame_from_any_image(msg, STAMP)
    with pytest.raises(ContractError, match="no stamp"):
        frame_from_compressed(jpeg_message(PICTURE, 0, "left_optical_frame", 90), STAMP)


def test_a_jpeg_message_comes_back_as_the_same_picture_within_what_jpeg_loses():
    msg = jpeg_message(PICTURE, STAMP, "left_optical_frame", 95)
    assert msg.format == JPEG_FORMAT
    assert msg.header.frame_id == "left_optical_frame"
    frame = frame_from_compressed(msg, STAMP)
    assert frame.stamp_ns == STAMP
    assert np.abs(frame.image.astype(int) - PICTURE).mean() < 3
    assert frame.image[5, 5, 0] > 200
    assert len(jpeg_message(PICTURE, STAMP, "", 20).data) < len(msg.data)


def test_a_png_comes_back_to_the_byte():
    _, data = cv2.imencode(".png", PICTURE[..., ::-1])
    msg = CompressedImage(format="rgb8; png compressed bgr8", data=array.array("B", data.tobytes()))
    msg.header.stamp = time_from_ns(STAMP)
    np.testing.assert_array_equal(frame_from_compressed(msg, STAMP).image, PICTURE)


@pytest.mark.parametrize(
    ("form", "data", "reason"),
    [
        ("jpeg", b"", "0 bytes"),
        ("jpeg", b"no picture", "cannot be decoded"),
        ("compressedDepth", b"x", "colour"),
    ],
)
def test_what_is_no_compressed_picture_is_refused(form, data, reason):
    msg = CompressedImage(format=form, data=array.array("B", data))
    msg.header.stamp = time_from_ns(STAMP)
    with pytest.raises(ContractError, match=reason):
        frame_from_compressed(msg, STAMP)
