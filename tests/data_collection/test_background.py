import threading

import pytest

from crl_data.background import BackgroundWriter
from crl_data.matching import Step
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import Action
from crl_robot.errors import ContractError


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


def test_an_error_while_coding_comes_out_at_the_commit_and_nothing_is_stored(store, samples):
    episode = BackgroundWriter(EpisodeWriter(store, source="test"), capacity=10)
    step = _step(samples, 0)
    episode.offer(step)
    episode.offer(step)
    with pytest.raises(ContractError, match="does not come after"):
        episode.commit(final=None, lost={})
    assert store.episode_ids() == []


def test_discarding_leaves_nothing(store, samples):
    episode = BackgroundWriter(EpisodeWriter(store, source="test"), capacity=10)
    episode.offer(_step(samples, 0))
    episode.discard()
    assert store.episode_ids() == []
