import dataclasses

import numpy as np
import pytest
import torch

from crl_learning.action_scale import ActionScale
from crl_learning.batches import Batches, BatchSettings
from crl_learning.config import BatchNeeds, GoalMixture
from crl_learning.dataset import TrajectoryData, Transitions, transitions
from crl_learning.image_source import ResidentImages, StreamedImages, image_source
from crl_robot.contracts import ActionSpec
from crl_robot.image_spec import ImageSpec

CPU = torch.device("cpu")
NEEDS = BatchNeeds(GoalMixture("geometric", 0.9))


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 8, 12, 3), np.uint8)


@pytest.fixture
def mapped(images, tmp_path) -> np.memmap:
    np.save(tmp_path / "images.npy", images)
    return np.load(tmp_path / "images.npy", mmap_mode="r")


def data_of(images: np.ndarray) -> TrajectoryData:
    actions = np.random.default_rng(1).uniform(-0.05, 0.05, (30, 7)).astype(np.float32)
    return TrajectoryData(images, actions, np.array([10, 20]), ImageSpec(size=(12, 8)), ActionSpec())


def draw(data: TrajectoryData, rows: Transitions | None = None) -> list[torch.Tensor]:
    settings = BatchSettings(16, NEEDS, crop_pixels=2, crop_probability=0.5)
    batches = Batches(data, ActionScale.from_actions(data.actions), settings, CPU)
    batch = batches.draw(rows or transitions(data, range(2)), torch.Generator().manual_seed(0))
    return [batch.states, batch.goals, batch.actions, batch.noise]


def test_batches_from_a_mapped_file_are_those_from_memory(images, mapped):
    for streamed, resident in zip(draw(data_of(mapped)), draw(data_of(images)), strict=True):
        assert torch.equal(streamed, resident)


def test_batches_of_data_without_gaps_are_bit_for_bit_those_of_data_without_stamps(images):
    follows = np.ones(30, bool)
    follows[[9, 29]] = False
    told = dataclasses.replace(data_of(images), follows=follows)
    for one, other in zip(draw(data_of(images)), draw(told), strict=True):
        assert torch.equal(one, other)


def test_batches_are_those_of_the_first_release(images):
    """Drawn with the transitions as they were computed before gaps were left out."""
    data = data_of(images)
    index = torch.cat([torch.arange(0, 9), torch.arange(10, 29)])
    remaining = torch.cat([torch.arange(9, 0, -1), torch.arange(19, 0, -1)])
    expected = draw(data, Transitions(index, remaining))
    for one, other in zip(draw(data), expected, strict=True):
        assert torch.equal(one, other)


def test_no_batch_holds_a_step_before_a_gap(images):
    follows = np.ones(30, bool)
    follows[[3, 9, 20, 29]] = False
    data = dataclasses.replace(data_of(images), follows=follows)
    left_out = {data.images[step].tobytes() for step in (3, 9, 20, 29)}
    settings = BatchSettings(512, NEEDS, crop_pixels=0, crop_probability=0.0)
    batch = Batches(data, ActionScale.from_actions(data.actions), settings, CPU).draw(
        transitions(data, range(2)), torch.Generator().manual_seed(0)
    )
    drawn = {state.numpy().tobytes() for state in batch.states}
    assert not drawn & left_out
    assert len(drawn) == 26


def test_images_in_memory_are_not_copied_on_the_cpu(images):
    source = image_source(images, CPU)
    assert isinstance(source, ResidentImages)
    before = source.take(torch.tensor([3]), torch.zeros(1, 2, dtype=torch.int64)).clone()
    images[3] = 255 - images[3]
    after = source.take(torch.tensor([3]), torch.zeros(1, 2, dtype=torch.int64))
    assert torch.equal(after, 255 - before)


def test_a_mapped_file_is_streamed_on_the_cpu(mapped):
    assert isinstance(image_source(mapped, CPU), StreamedImages)
    assert data_of(mapped).mapped


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("part", [0.5, 0.0])
def test_a_gpu_gets_the_same_images_whether_they_fit_or_not(images, mapped, monkeypatch, part):
    monkeypatch.setattr("crl_learning.image_source.DEVICE_PART", part)
    index, shifts = torch.tensor([4, 29, 0]), torch.tensor([[0, 0], [2, -1], [-2, 2]])
    expected = ResidentImages(images, CPU).take(index, shifts)
    for source in (image_source(images, torch.device("cuda")), image_source(mapped, torch.device("cuda"))):
        assert isinstance(source, ResidentImages if part else StreamedImages)
        assert torch.equal(source.take(index, shifts).cpu(), expected)
