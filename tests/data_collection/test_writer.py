"""Steps and states of an episode are in all of its columns or in none."""

import dataclasses

import numpy as np
import pytest

from crl_data.checking.check import check_store
from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.episode_folder import EpisodeFolder
from crl_data.growing import GrowingArray
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.errors import ContractError, StoreError

CAMERAS = ("over_shoulder", "wrist")
ROWS_OF_A_STEP = range(0, 18, 2)
"""Two cameras append three rows each, then the columns of the step one each."""


@pytest.fixture
def two_cameras(tmp_path, samples) -> Store:
    return Store.create(tmp_path / "a.zarr", samples.spec(cameras=CAMERAS))


@pytest.mark.parametrize("rows", ROWS_OF_A_STEP)
@pytest.mark.parametrize("done", [0, 2])
def test_a_step_that_memory_was_too_small_for_leaves_the_others(two_cameras, samples, starve, monkeypatch, rows, done):
    """Some columns had the row and others not: the whole episode could not be committed any more."""
    observations = [samples.observation(tick, CAMERAS) for tick in range(5)]
    kept = [*range(done), 3, 4]
    with EpisodeWriter(two_cameras, source="test", episode_id="one") as writer:
        for tick in range(done):
            writer.add_step(observations[tick], samples.action())
        with monkeypatch.context() as patch:
            starve(patch, rows)
            with pytest.raises(MemoryError):
                writer.add_step(observations[2], samples.action())
        assert len(writer) == done
        for tick in (3, 4):
            writer.add_step(observations[tick], samples.action())
        writer.commit()
    episode = two_cameras.read("one")
    assert episode["stamp_ns"].tolist() == [observations[tick].stamp_ns for tick in kept]
    assert episode.cameras["wrist"].stamp_ns.tolist() == [observations[t].frames["wrist"].stamp_ns for t in kept]
    assert check_store(two_cameras.path, progress=False).exit_code == 0


@pytest.mark.parametrize("rows", range(6))
@pytest.mark.parametrize("done", [0, 3])
def test_a_state_that_memory_was_too_small_for_leaves_the_others(store, samples, starve, monkeypatch, rows, done):
    """Columns of unlike length were committed, and check called the episode damaged."""
    states = [stamped(samples, 100 * tick) for tick in range(1, 6)]
    with EpisodeWriter(store, source="test", episode_id="one") as writer:
        samples.fill(writer)
        for state in states[:done]:
            writer.add_state(state)
        with monkeypatch.context() as patch:
            starve(patch, rows)
            with pytest.raises(MemoryError):
                writer.add_state(states[3])
        writer.add_state(states[4])
        writer.commit()
    stream = EpisodeFolder.open(store.folder("one"), store.spec).arm_stream()
    assert stream["stamp_ns"].tolist() == [*(100 * tick for tick in range(1, done + 1)), 500]
    assert check_store(store.path, progress=False).exit_code == 0


def test_streams_of_unlike_lengths_are_not_committed(store, samples):
    with EpisodeFile(store, "one") as file:
        file.add_frame("over_shoulder", samples.image())
        arrays = {f"action_{label}": np.zeros((1, 7), np.float32) for label in store.spec.labels}
        arrays |= {"streams/arm/stamp_ns": np.arange(5), "streams/arm/gripper": np.zeros(4)}
        with pytest.raises(StoreError, match=r"streams/arm.*unlike lengths"):
            file.commit(EpisodeMeta("one", "test", clock="none"), arrays)


def test_no_column_is_made_only_to_be_thrown_away(store, samples, monkeypatch):
    """Each step and state built a growing array for every column that was there already."""
    made: list[tuple[int, ...]] = []
    init = GrowingArray.__init__

    def counted(self, dtype, shape=(), folder=None):
        made.append(shape)
        init(self, dtype, shape, folder)

    with EpisodeWriter(store, source="test") as writer:
        writer.add_step(samples.observation(0), samples.action())
        writer.add_state(samples.arm(1))
        monkeypatch.setattr(GrowingArray, "__init__", counted)
        writer.add_step(samples.observation(1), samples.action())
        writer.add_state(samples.arm(2))
    assert made == []


def test_states_without_a_receive_stamp_have_none_in_the_store(store, samples):
    """They were stored as if they had arrived the moment they were measured."""
    with EpisodeWriter(store, source="test", episode_id="one") as writer:
        samples.fill(writer)
        for tick in range(1, 4):
            writer.add_state(samples.arm(100 * tick))
        with pytest.raises(ContractError, match=r"receive_stamp_ns.*every state or for none"):
            writer.add_state(stamped(samples, 400))
        writer.commit()
    stream = EpisodeFolder.open(store.folder("one"), store.spec).arm_stream()
    assert stream["stamp_ns"].tolist() == [100, 200, 300]
    assert "receive_stamp_ns" not in stream
    assert check_store(store.path, progress=False).exit_code == 0


def test_receive_stamps_of_states_are_kept(store, samples):
    with EpisodeWriter(store, source="test", episode_id="one") as writer:
        samples.fill(writer)
        writer.add_state(stamped(samples, 100))
        writer.commit()
    stream = EpisodeFolder.open(store.folder("one"), store.spec).arm_stream()
    assert stream["receive_stamp_ns"].tolist() == [107]


def stamped(samples, stamp_ns: int):
    """An arm state that arrived 7 ns after it was measured."""
    arm = samples.arm(stamp_ns)
    return dataclasses.replace(arm, joints=dataclasses.replace(arm.joints, receive_stamp_ns=stamp_ns + 7))
