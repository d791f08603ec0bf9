import torch
from torch.nn.functional import pad

from crl_learning.augment import sample_shifts, take_shifted


def images(count: int = 5, height: int = 9, width: int = 13) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, height, width, 3), dtype=torch.uint8, generator=generator)


def padded_crop(image: torch.Tensor, rows: int, columns: int, pixels: int) -> torch.Tensor:
    """The crop written out: channels first, replicate padding, slice, channels last again."""
    height, width, _ = image.shape
    padded = pad(image.permute(2, 0, 1)[None].float(), (pixels,) * 4, mode="replicate")[0]
    top, left = pixels + rows, pixels + columns
    return padded[:, top : top + height, left : left + width].permute(1, 2, 0).to(torch.uint8)


def test_one_gather_equals_replicate_padding_and_cropping_on_images_that_are_not_square():
    source, shifts = images(), torch.tensor([[-3, 2], [0, 0], [3, -3], [1, 3]])
    index = torch.tensor([4, 0, 2, 2])
    taken = take_shifted(source, index, shifts)
    for row, (i, (rows, columns)) in enumerate(zip(index.tolist(), shifts.tolist(), strict=True)):
        assert torch.equal(taken[row], padded_crop(source[i], rows, columns, 3))


def test_no_shift_gives_the_images_themselves():
    source, index = images(), torch.tensor([3, 1])
    assert torch.equal(take_shifted(source, index, torch.zeros(2, 2, dtype=torch.int64)), source[index])


def test_each_sample_has_its_own_coin_and_offset():
    shifts = sample_shifts(4000, 3, 0.5, torch.Generator().manual_seed(1))
    assert shifts.abs().max() == 3
    moved = (shifts != 0).any(dim=1).double().mean()
    assert abs(moved - 0.5 * (1 - 1 / 49)) < 0.03
    assert len(shifts.unique(dim=0)) == 49


def test_probability_zero_or_no_pixels_never_shifts():
    generator = torch.Generator().manual_seed(2)
    assert not sample_shifts(100, 3, 0.0, generator).any()
    assert not sample_shifts(100, 0, 1.0, generator).any()
