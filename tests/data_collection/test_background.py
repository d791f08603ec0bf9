import threading
import time

import pytest

from crl_data.background import BackgroundWriter
from crl_data.matching import Step
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import Action
from crl_robot.errors import ContractError, StoreError


def _step(samples, tick):
    observation = samples.observation(tick)
    action = Action(samples.action(), observation.newest_stamp_ns)
    return Step(observation, action, action)


def test_steps_are_committed_in_order(store, samples):
    episode = BackgroundWriter(EpisodeWriter(store, source="test", episode_id="one"), capacity=10)
    steps = [_step(samples, tick) for tick in range(5)]
    for step in steps:
        episode.offer(step)
    episode.commit(final=None, lost={"over_shoulder": 1})
    read = store.read("one")
    assert read["stamp_ns"].tolist() == [step.observation.stamp_ns for step in steps]
    assert read.meta.lost == {"over_shoulder": 1}


def test_a_full_queue_drops_steps_without_waiting_and_counts_them(store, samples):
    writer = EpisodeWriter(store, source="test", episode_id="one")
    go_on, entered = threading.Event(), threading.Event()
    add_step = writer.add_step

    def slow(*arguments):
        entered.set()
        go_on.wait(5)
        add_step(*arguments)

    writer.add_step = slow
    episode = BackgroundWriter(writer, capacity=2)
    episode.offer(_step(samples, 0))
    assert entered.wait(5)
    for tick in range(1, 6):
        episode.offer(_step(samples, tick))
    assert (episode.taken, episode.dropped) == (3, 3)
    go_on.set()
    episode.commit(final=None, lost={})
    assert len(store.read("one")) == 3


def test_a_second_step_of_the_same_instant_is_dropped_and_the_episode_goes_on(store, samples):
    """Two commands computed from one frame made the whole episode fail at its commit."""
    episode = BackgroundWriter(EpisodeWriter(store, source="test", episode_id="one"), capacity=10)
    step = _step(samples, 0)
    for one in (step, step, _step(samples, 1)):
        episode.offer(one)
    assert (episode.taken, episode.dropped) == (2, 1)
    episode.commit(final=None, lost={})
    assert len(store.read("one")) == 2


def _failing_writer(store, error):
    writer = EpisodeWriter(store, source="test")

    def fail(*arguments):
        raise error

    writer.add_step = fail
    return writer


def test_an_error_while_coding_is_seen_at_once_comes_out_at_the_commit_and_nothing_is_stored(store, samples):
    episode = BackgroundWriter(_failing_writer(store, ContractError("strange")), capacity=10)
    episode.offer(_step(samples, 0))
    _wait_for(lambda: episode.failure)
    with pytest.raises(ContractError, match="strange"):
        episode.commit(final=None, lost={})
    assert store.episode_ids() == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_while_coding_ends_the_episode_and_never_blocks_its_end(store, samples):
    """The coding thread died, its queue filled, and finishing waited for ever to put the end mark into it."""
    episode = BackgroundWriter(_failing_writer(store, ZeroDivisionError()), capacity=1)
    episode.offer(_step(samples, 0))
    _wait_for(lambda: episode.failure)
    for tick in range(1, 4):
        episode.offer(_step(samples, tick))
    with pytest.raises(StoreError, match="codes images"):
        episode.commit(final=None, lost={})
    assert store.episode_ids() == []


def _wait_for(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_discarding_leaves_nothing(store, samples):
    episode = BackgroundWriter(EpisodeWriter(store, source="test"), capacity=10)
    episode.offer(_step(samples, 0))
    episode.discard()
    assert store.episode_ids() == []
