"""Batches against the plain NumPy sampler, given the same random numbers."""

import dataclasses

import numpy as np
import pytest
import torch

from crl_learning.action_scale import ActionScale
from crl_learning.batches import Batches, BatchSettings
from crl_learning.config import BatchNeeds, GoalMixture
from crl_learning.dataset import TrajectoryData, Transitions, transitions
from crl_learning.draws import Draws, draw
from crl_learning.reference_sampler import reference_batch, tensors_of
from crl_robot.contracts import ActionSpec
from crl_robot.image_spec import ImageSpec

CPU = torch.device("cpu")
LENGTHS = [2, 9, 20, 5]
FUTURE = GoalMixture("geometric", 0.9)
MIXED = GoalMixture("uniform", 0.9, random=0.3, next=0.2, current=0.2)
CLAMPED = GoalMixture("clamped", 0.8, random=0.5)


@pytest.fixture(scope="module")
def data() -> TrajectoryData:
    rng = np.random.default_rng(0)
    total = sum(LENGTHS)
    follows = np.ones(total, bool)
    follows[[*(np.cumsum(LENGTHS) - 1), 6, 15, 16, 25]] = False
    return TrajectoryData(
        rng.integers(0, 256, (total, 7, 11, 3), np.uint8),
        rng.uniform(-0.05, 0.05, (total, 7)).astype(np.float32),
        np.array(LENGTHS),
        ImageSpec(size=(11, 7)),
        ActionSpec(),
        follows=follows,
        proprio=rng.normal(size=(total, 3)).astype(np.float32),
    )


def settings_of(needs: BatchNeeds, **more) -> BatchSettings:
    return BatchSettings(128, needs, crop_pixels=3, crop_probability=0.7, **more)


def drawn(data: TrajectoryData, settings: BatchSettings, seed: int = 0) -> tuple[Transitions, Draws]:
    rows = transitions(data, [0, 1, 2])
    width = settings.chunk * data.actions.shape[1]
    return rows, draw(settings.of_draws(), len(rows), width, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "settings",
    [
        settings_of(BatchNeeds(FUTURE)),
        settings_of(BatchNeeds(MIXED)),
        settings_of(BatchNeeds(CLAMPED, next_states=True)),
        settings_of(BatchNeeds(FUTURE, MIXED, next_states=True, subgoal_steps=4)),
        settings_of(BatchNeeds(MIXED, CLAMPED, subgoal_steps=3), critic_sees_crop=False),
        settings_of(BatchNeeds(FUTURE), critic_sees_crop=False, chunk=4),
    ],
    ids=["future", "mixed", "next", "subgoals", "cloned", "chunk"],
)
def test_the_same_random_numbers_give_the_batch_of_the_numpy_sampler(data, settings):
    scale = ActionScale.from_actions(data.actions)
    rows, draws = drawn(data, settings)
    got = tensors_of(Batches(data, scale, settings, CPU).build(rows, draws))
    expected = reference_batch(data, scale, settings, rows, draws)
    assert got.keys() == expected.keys()
    for name, values in expected.items():
        assert np.array_equal(got[name].numpy(), values), name


def test_states_of_an_environment_are_not_cropped(data):
    states = np.random.default_rng(1).normal(size=(len(data.images), 5)).astype(np.float32)
    plain = dataclasses.replace(data, images=states, image_spec=None)
    settings = settings_of(BatchNeeds(FUTURE, next_states=True))
    scale = ActionScale.from_actions(data.actions)
    rows, draws = drawn(plain, settings)
    batch = Batches(plain, scale, settings, CPU).build(rows, draws)
    assert batch.states.dtype == torch.float32
    expected = reference_batch(plain, scale, settings, rows, draws)
    assert all(np.array_equal(got.numpy(), expected[name]) for name, got in tensors_of(batch).items())


def test_several_cameras_are_cropped_alike(data):
    both = dataclasses.replace(data, images=np.concatenate([data.images, 255 - data.images], axis=-1))
    settings = settings_of(BatchNeeds(FUTURE))
    rows, draws = drawn(both, settings)
    states = Batches(both, ActionScale.from_actions(data.actions), settings, CPU).build(rows, draws).states
    assert torch.equal(states[..., :3], 255 - states[..., 3:])


def test_only_what_is_cloned_is_augmented_where_the_critic_sees_no_crop(data):
    settings = settings_of(BatchNeeds(FUTURE, next_states=True), critic_sees_crop=False, colour_jitter=(0.5, 0, 0, 0))
    settings = dataclasses.replace(settings, jitter_probability=1.0)
    rows, draws = drawn(data, settings)
    batch = Batches(data, ActionScale.from_actions(data.actions), settings, CPU).build(rows, draws)
    state = rows.index[draws.row]
    assert np.array_equal(batch.states.numpy(), data.images[state.numpy()])
    assert batch.next_states is not None
    assert np.array_equal(batch.next_states.numpy(), data.images[state.numpy() + 1])
    assert batch.cloned_states is not None
    assert (batch.cloned_states != batch.states).any(dim=(1, 2, 3)).double().mean() > 0.9


def test_state_goal_and_next_state_get_the_same_change_of_colour(data):
    """Identical images stay identical: what differs between state and goal is what moved."""
    same = dataclasses.replace(data, images=np.broadcast_to(data.images[:1], data.images.shape).copy())
    settings = settings_of(
        BatchNeeds(FUTURE, next_states=True), colour_jitter=(0.2, 0.2, 0.2, 0.1), jitter_probability=0.5
    )
    rows, draws = drawn(same, settings)
    batch = Batches(same, ActionScale.from_actions(data.actions), settings, CPU).build(rows, draws)
    assert batch.next_states is not None
    assert torch.equal(batch.states, batch.goals)
    assert torch.equal(batch.states, batch.next_states)


def test_an_option_leaves_the_numbers_that_every_run_draws_as_they_are(data):
    plain, more = BatchNeeds(FUTURE), BatchNeeds(MIXED, CLAMPED, next_states=True, subgoal_steps=2)
    first, second = (drawn(data, settings_of(needs))[1] for needs in (plain, more))
    for name in ("row", "shifts", "noise"):
        assert torch.equal(getattr(first, name), getattr(second, name))
    assert torch.equal(first.goals.future, second.goals.future)


def test_proprioception_belongs_to_the_state_and_to_the_next_one(data):
    arm = np.arange(len(data.images), dtype=np.float32)[:, None]
    settings = settings_of(BatchNeeds(FUTURE, next_states=True))
    rows, draws = drawn(data, settings)
    batch = Batches(
        dataclasses.replace(data, proprio=arm), ActionScale.from_actions(data.actions), settings, CPU
    ).build(rows, draws)
    assert batch.proprio is not None
    assert batch.next_proprio is not None
    assert torch.equal(batch.proprio[:, 0].long(), rows.index[draws.row])
    assert torch.equal(batch.next_proprio, batch.proprio + 1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("part", [0.5, 0.0])
def test_a_gpu_draws_the_batch_of_the_same_numbers_and_never_waits(data, monkeypatch, part):
    monkeypatch.setattr("crl_learning.image_source.DEVICE_PART", part)
    settings = settings_of(BatchNeeds(MIXED, CLAMPED, next_states=True), colour_jitter=(0.2, 0.2, 0.2, 0.1))
    scale, cuda = ActionScale.from_actions(data.actions), torch.device("cuda")
    batches = Batches(data, scale, settings, cuda)
    rows = transitions(data, [0, 1, 2]).to(batches.generator_device)
    generator = torch.Generator(batches.generator_device).manual_seed(0)
    batches.draw(rows, generator)
    torch.cuda.set_sync_debug_mode("error")
    try:
        batch = batches.draw(rows, generator)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert batch.states.is_cuda
    assert batch.goals.is_cuda
