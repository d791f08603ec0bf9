import json

import numpy as np
import pytest

from crl_robot.errors import ContractError, MismatchError
from crl_robot.image_spec import ImageSpec


def test_the_image_is_cropped_then_resized():
    image = np.zeros((240, 320, 3), np.uint8)
    image[:, :40] = 255  # outside the crop on both sides
    image[:, 280:] = 255
    image[:120, 40:160] = (10, 20, 30)
    out = ImageSpec().apply(image)
    assert out.shape == (64, 64, 3)
    assert (out[:32, :32] == (10, 20, 30)).all()
    assert (out[32:] == 0).all()
    assert (out[:, 32:] == 0).all()


def test_area_interpolation_is_the_mean_of_the_pixels():
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    out = ImageSpec(native=(8, 8), crop=(0, 0, 8, 8), size=(2, 2)).apply(image)
    mean = image.reshape(2, 4, 2, 4, 3).astype(float).mean((1, 3))
    assert np.abs(out - mean).max() <= 0.5


@pytest.mark.parametrize("shape", [(240, 320), (240, 320, 4), (320, 240, 3), (480, 640, 3)])
def test_an_image_that_is_not_native_is_refused(shape: tuple[int, ...]):
    with pytest.raises(ContractError, match="expected uint8"):
        ImageSpec().apply(np.zeros(shape, np.uint8))


def test_a_crop_outside_the_image_is_refused():
    with pytest.raises(ContractError, match="does not lie inside"):
        ImageSpec(crop=(100, 0, 240, 240))


def test_the_hash_is_stable_and_changes_with_every_field():
    assert ImageSpec().hash == "5a0dab325f397139"
    others = [
        ImageSpec(camera="wrist"),
        ImageSpec(crop=(0, 0, 240, 240)),
        ImageSpec(size=(48, 48)),
        ImageSpec(interpolation="linear"),
    ]
    assert len({spec.hash for spec in [ImageSpec(), *others]}) == 5


def test_spec_survives_json():
    spec = ImageSpec(size=(48, 32))
    assert ImageSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_specs_that_differ_are_refused_with_both_values():
    with pytest.raises(MismatchError, match=r"checkpoint .* has size=\[64, 64\], data .* has size=\[48, 48\]"):
        ImageSpec().require_equal(ImageSpec(size=(48, 48)), "checkpoint", "data")
