import colorsys

import numpy as np
import pytest
import torch
from torch.nn.functional import pad

from crl_learning.augment import LUMA, jitter_colours, take_by_pixels, take_shifted
from crl_learning.config import BatchNeeds, GoalMixture
from crl_learning.draws import DrawSettings, draw


def images(count: int = 5, height: int = 9, width: int = 13) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, height, width, 3), dtype=torch.uint8, generator=generator)


def padded_crop(image: torch.Tensor, rows: int, columns: int, pixels: int) -> torch.Tensor:
    """The crop written out: channels first, replicate padding, slice, channels last again."""
    height, width, _ = image.shape
    padded = pad(image.permute(2, 0, 1)[None].float(), (pixels,) * 4, mode="replicate")[0]
    top, left = pixels + rows, pixels + columns
    return padded[:, top : top + height, left : left + width].permute(1, 2, 0).to(torch.uint8)


@pytest.mark.parametrize("take", [take_shifted, take_by_pixels])
def test_one_gather_equals_replicate_padding_and_cropping_on_images_that_are_not_square(take):
    source, shifts = images(), torch.tensor([[-3, 2], [0, 0], [3, -3], [1, 3]])
    index = torch.tensor([4, 0, 2, 2])
    taken = take(source, index, shifts)
    for row, (i, (rows, columns)) in enumerate(zip(index.tolist(), shifts.tolist(), strict=True)):
        assert torch.equal(taken[row], padded_crop(source[i], rows, columns, 3))


@pytest.mark.parametrize("pixels", [2, 12, 40])
def test_the_ways_of_cpu_and_gpu_give_the_same_bytes_also_where_the_window_leaves_the_image(pixels):
    generator = torch.Generator().manual_seed(4)
    index = torch.randint(5, (200,), generator=generator)
    shifts = torch.randint(-pixels, pixels + 1, (200, 2), generator=generator)
    assert torch.equal(take_shifted(images(), index, shifts), take_by_pixels(images(), index, shifts))


def test_no_shift_gives_the_images_themselves():
    source, index = images(), torch.tensor([3, 1])
    assert torch.equal(take_shifted(source, index, torch.zeros(2, 2, dtype=torch.int64)), source[index])


def shifts_of(count: int, pixels: int, probability: float) -> torch.Tensor:
    settings = DrawSettings(count, BatchNeeds(GoalMixture("uniform", 0.9)), pixels, probability)
    return draw(settings, 10, 7, torch.Generator().manual_seed(1)).shifts


def test_each_sample_has_its_own_coin_and_offset():
    shifts = shifts_of(4000, 3, 0.5)
    assert shifts.abs().max() == 3
    moved = (shifts != 0).any(dim=1).double().mean()
    assert abs(moved - 0.5 * (1 - 1 / 49)) < 0.03
    assert len(shifts.unique(dim=0)) == 49


def test_probability_zero_or_no_pixels_never_shifts():
    assert not shifts_of(100, 3, 0.0).any()
    assert not shifts_of(100, 0, 1.0).any()


def jittered(image: np.ndarray, brightness: float, contrast: float, saturation: float) -> np.ndarray:
    """The change of one image written out, one property after the other."""
    pixels = image.astype(np.float64)
    mean = (pixels @ LUMA).mean()
    grey = (pixels @ LUMA)[..., None]
    pixels = grey + (1 + saturation) * (pixels - grey)
    pixels = mean + (1 + contrast) * (pixels - mean)
    return np.clip((1 + brightness) * pixels, 0, 255)


def test_colours_change_as_written_out_image_by_image():
    source = images()
    change = torch.tensor([[0.2, -0.1, 0.3, 0], [0, 0, 0, 0], [-0.3, 0, 0, 0], [0, 0.5, 0, 0], [0, 0, -0.9, 0]])
    got = jitter_colours(source, change).numpy()
    for image, numbers, result in zip(source.numpy(), change.tolist(), got, strict=True):
        assert np.abs(result - jittered(image, *numbers[:3])).max() <= 0.51


def test_no_change_of_colour_gives_the_images_themselves():
    assert torch.equal(jitter_colours(images(), torch.zeros(5, 4)), images())


def test_hue_turns_colours_and_leaves_grey_and_luma_as_they_are():
    grey = torch.full((1, 2, 2, 3), 90, dtype=torch.uint8)
    assert torch.equal(jitter_colours(grey, torch.tensor([[0, 0, 0, 0.3]])), grey)
    muted = torch.tensor([[[[140, 120, 110]]]], dtype=torch.uint8)
    turned = jitter_colours(muted, torch.tensor([[0, 0, 0, 0.2]]))[0, 0, 0].numpy()
    assert turned @ LUMA == pytest.approx(muted[0, 0, 0].numpy() @ LUMA, abs=1.5)
    assert colorsys.rgb_to_hsv(*turned / 255)[0] != pytest.approx(colorsys.rgb_to_hsv(140, 120, 110)[0], abs=0.05)
