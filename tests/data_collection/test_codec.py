import numpy as np
import pytest

from crl_data.codec import decode_jpeg, decode_lossless, encode_jpeg, encode_lossless
from crl_robot.errors import StoreError


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 17, 3), (9, 30, 3), (150, 200, 3), (480, 640, 3)])
def test_lossless_frames_of_any_size_come_back(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    out = np.empty_like(image)
    decode_lossless(memoryview(encode_lossless(image)), out)
    assert np.array_equal(out, image)


@pytest.mark.parametrize("other", [(23, 32, 3), (25, 32, 3)])
def test_a_lossless_frame_of_another_size_is_refused_instead_of_filling_a_part(other):
    data = encode_lossless(np.zeros(other, np.uint8))
    with pytest.raises(StoreError, match="another number of bytes"):
        decode_lossless(data, np.empty((24, 32, 3), np.uint8))


@pytest.mark.parametrize("data", [b"", b"\x28\xb5", b"not a frame of zstd at all"])
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(StoreError):
        decode_lossless(data, np.empty((24, 32, 3), np.uint8))
    with pytest.raises(StoreError, match="not a JPEG"):
        decode_jpeg(data, (24, 32, 3))


def test_a_jpeg_is_decoded_into_the_given_image(samples):
    image = samples.image()
    data, out = encode_jpeg(image, 95), np.zeros_like(image)
    assert np.shares_memory(decode_jpeg(data, image.shape, out), out)
    assert np.array_equal(out, decode_jpeg(data, image.shape))
    with pytest.raises(StoreError, match=r"shape \(24, 32, 3\), expected \(24, 33, 3\)"):
        decode_jpeg(data, (24, 33, 3), np.zeros((24, 33, 3), np.uint8))
