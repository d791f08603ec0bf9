import dataclasses

import numpy as np
import pytest
import torch

from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.serving import cache as serving
from crl_data.serving.cache import load_frames
from crl_data.store import Store
from crl_learning.dataset import TrajectoryData, split_trajectories, transitions, usable_trajectories
from crl_learning.store_data import frame_cache, load_store
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ContractError, StoreError
from crl_robot.image_spec import ImageSpec

SPEC = ImageSpec(size=(12, 8))


def data_of(lengths) -> TrajectoryData:
    total = sum(lengths)
    images = np.zeros((total, 8, 12, 3), dtype=np.uint8)
    return TrajectoryData(images, np.zeros((total, 7), np.float32), np.array(lengths), SPEC, ActionSpec())


def test_the_last_observation_of_a_trajectory_is_no_transition():
    found = transitions(data_of([3, 1, 2]), [0, 1, 2])
    assert found.index.tolist() == [0, 1, 4]
    assert found.remaining.tolist() == [2, 1, 1]


def test_transitions_come_from_the_chosen_trajectories_only():
    assert transitions(data_of([3, 2]), [1]).index.tolist() == [3]


def test_no_goal_lies_in_another_trajectory():
    data = data_of([4, 7, 2, 5])
    found = transitions(data, range(4))
    trajectory = np.repeat(np.arange(4), data.lengths)
    last = (found.index + found.remaining).numpy()
    assert (trajectory[found.index.numpy()] == trajectory[last]).all()


def test_a_step_before_a_gap_is_no_transition_but_what_comes_after_it_is_still_its_future():
    """The motion of several periods was learned as if it took one."""
    follows = np.array([True, False, True, False, True, True, False])
    found = transitions(dataclasses.replace(data_of([4, 3]), follows=follows), [0, 1])
    assert found.index.tolist() == [0, 2, 4, 5]
    assert found.remaining.tolist() == [3, 1, 2, 1]


@pytest.mark.parametrize("trajectories", [[0, 1, 2], [2, 0]])
def test_data_without_gaps_give_the_same_transitions_as_data_of_which_nothing_is_known(trajectories):
    data = data_of([3, 1, 5])
    told = dataclasses.replace(data, follows=np.array([1, 1, 0, 0, 1, 1, 1, 1, 0], bool))
    for one, other in zip(vars_of(data, trajectories), vars_of(told, trajectories), strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)


def vars_of(data, trajectories):
    found = transitions(data, trajectories)
    return found.index, found.remaining


def test_data_whose_every_step_is_before_a_gap_are_refused():
    with pytest.raises(ContractError, match="nothing to learn"):
        transitions(dataclasses.replace(data_of([3]), follows=np.zeros(3, bool)), [0])


def test_marks_of_another_length_are_refused():
    with pytest.raises(ContractError, match=r"follows have shape \(2,\), expected \(3,\)"):
        dataclasses.replace(data_of([3]), follows=np.zeros(2, bool))


def test_data_without_two_observations_in_a_row_are_refused():
    with pytest.raises(ContractError, match="nothing to learn"):
        transitions(data_of([1, 1]), [0, 1])


def test_lengths_that_do_not_fit_the_images_are_refused():
    with pytest.raises(ContractError, match=r"images have shape \(3, 8, 12, 3\), expected \(4, 8, 12, 3\)"):
        TrajectoryData(np.zeros((3, 8, 12, 3), np.uint8), np.zeros((3, 7)), np.array([4]), SPEC, ActionSpec())


def test_actions_that_are_not_finite_are_refused():
    actions = np.zeros((2, 7), np.float32)
    actions[1, 3] = np.nan
    with pytest.raises(ContractError, match="not finite"):
        TrajectoryData(np.zeros((2, 8, 12, 3), np.uint8), actions, np.array([2]), SPEC, ActionSpec())


def test_the_split_keeps_trajectories_whole_and_apart():
    usable = np.ones(40, bool)
    training, held_out = split_trajectories(usable, 0.1, seed=3)
    assert len(held_out) == 4
    assert sorted([*training, *held_out]) == list(range(40))
    assert np.array_equal(held_out, split_trajectories(usable, 0.1, seed=3)[1])


@pytest.mark.parametrize(("count", "part", "expected"), [(20, 0.0, 0), (3, 0.05, 1), (1, 0.5, 0)])
def test_a_small_set_holds_out_one_trajectory_when_it_can(count, part, expected):
    assert len(split_trajectories(np.ones(count, bool), part, seed=0)[1]) == expected


@pytest.mark.parametrize("seed", range(5))
def test_both_parts_have_trajectories_that_can_be_learned_from_however_many_cannot(seed):
    """One of a single step was held out alone, or all long ones were."""
    data = data_of([1, 1, 5, 1, 1, 1, 9, 1])
    training, held_out = split_trajectories(usable_trajectories(data), 0.2, seed)
    assert sorted([*training, *held_out]) == list(range(8))
    assert held_out.tolist() in ([2], [6])
    assert len(transitions(data, training))
    assert len(transitions(data, held_out))


def test_a_trajectory_with_a_gap_after_every_step_cannot_be_learned_from():
    follows = np.array([False, False, True, False, False])
    data = dataclasses.replace(data_of([2, 2, 0, 1]), follows=follows)
    assert usable_trajectories(data).tolist() == [False, True, False, False]
    assert usable_trajectories(data_of([2, 0, 3, 1])).tolist() == [True, False, True, False]


def test_a_missing_store_is_refused_with_its_path(tmp_path):
    with pytest.raises(StoreError, match=r"nothing\.zarr does not exist"):
        load_store(tmp_path / "nothing.zarr", ImageSpec())


@pytest.fixture
def store(tmp_path) -> Store:
    """Two episodes of two and three steps, lossless."""
    spec = StoreSpec(ActionSpec(), {"over_shoulder": CameraSpec((12, 8), "lossless")}, "test arm", ())
    store = Store.create(tmp_path / "a.zarr", spec)
    rng = np.random.default_rng(0)
    for steps in (2, 3):
        with EpisodeFile(store, f"of-{steps}") as file:
            for _ in range(steps):
                file.add_frame("over_shoulder", rng.integers(0, 256, (8, 12, 3), np.uint8))
            actions = rng.uniform(-0.05, 0.05, (2, steps, 7)).astype(np.float32)
            arrays = {"action_commanded": actions[0], "action_achieved": actions[1]}
            file.commit(EpisodeMeta("", "test", clock="none"), arrays)
    return store


@pytest.mark.parametrize("memory", [True, False])
def test_a_store_gives_the_same_data_from_memory_and_from_a_mapped_file(store, tmp_path, memory):
    spec = ImageSpec(native=(12, 8), crop=(0, 0, 12, 8), size=(12, 8))
    decoded, _ = store.load_images(spec, progress=False)
    data = load_store(store.path, spec, "achieved", frame_cache(str(tmp_path / "kept"), 1), memory)
    assert data.mapped is not memory
    assert np.array_equal(data.images, decoded)
    assert np.array_equal(data.actions, store.load_actions("achieved"))
    assert data.lengths.tolist() == [2, 3]
    assert data.fingerprint == store.fingerprint()


def test_episodes_that_are_committed_while_a_store_is_read_are_not_mixed_in(store, monkeypatch):
    """Frames and actions were once listed one after the other, and did not fit when somebody recorded meanwhile."""
    spec = ImageSpec(native=(12, 8), crop=(0, 0, 12, 8), size=(12, 8))

    def record_one_more(*given, **named):
        frames = load_frames(*given, **named)
        with EpisodeFile(store, "later") as file:
            file.add_frame("over_shoulder", np.zeros((8, 12, 3), np.uint8))
            arrays = {f"action_{label}": np.zeros((1, 7), np.float32) for label in store.spec.labels}
            file.commit(EpisodeMeta("", "test", clock="none"), arrays)
        return frames

    monkeypatch.setattr(serving, "load_frames", record_one_more)
    data = load_store(store.path, spec)
    assert "later" in store.episode_ids()
    assert "later" not in data.episodes
    assert len(data.episodes) == len(data.lengths) == 2


def test_a_store_tells_where_its_steps_lack_time(store):
    spec = ImageSpec(native=(12, 8), crop=(0, 0, 12, 8), size=(12, 8))
    with EpisodeFile(store, "with-gap") as file:
        for _ in range(4):
            file.add_frame("over_shoulder", np.zeros((8, 12, 3), np.uint8))
        arrays = {f"action_{label}": np.zeros((4, 7), np.float32) for label in store.spec.labels}
        period_ns = round(store.spec.action.period_s * 1e9)
        file.commit(EpisodeMeta("", "test"), arrays | {"stamp_ns": np.array([0, 1, 3, 4]) * period_ns})
    data = load_store(store.path, spec)
    assert data.lengths.tolist() == [2, 3, 4]
    assert data.gaps == 1
    assert transitions(data, range(3)).index.tolist() == [0, 2, 3, 5, 7]


def test_the_cache_is_the_users_a_folder_or_off(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    automatic, chosen = frame_cache("auto", 2), frame_cache(str(tmp_path / "mine"), 0.5)
    assert automatic.folder == tmp_path / "goal-image-control" / "frames"
    assert (chosen.folder, chosen.limit_bytes) == (tmp_path / "mine", 500_000_000)
    assert frame_cache("off", 2) is None
