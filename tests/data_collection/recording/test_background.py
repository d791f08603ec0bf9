import dataclasses
import threading
import time

import pytest

from crl_data.recording.background import BackgroundWriter
from crl_data.recording.matching import Step
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import Action
from crl_robot.errors import ContractError, StoreError

NOTHING = {"success": None, "note": "", "final": None}


def _step(samples, tick):
    observation = samples.observation(tick)
    action = Action(samples.action(), observation.newest_stamp_ns)
    return Step(observation, action, action)


def _episode(store, capacity=10):
    return BackgroundWriter(EpisodeWriter(store, source="test", episode_id="one"), capacity)


def _wait_for(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_steps_and_states_are_committed_in_order(store, samples):
    episode = _episode(store)
    steps = [_step(samples, tick) for tick in range(5)]
    for step in steps:
        episode.offer(step)
    for tick in range(20):
        episode.offer_state(samples.arm(tick))
    episode.finish(**NOTHING, lost={"over_shoulder": 1, "actions": 2})
    assert store.episode_ids() == []
    episode.accept(success=True)
    read = store.read("one")
    assert read["stamp_ns"].tolist() == [step.observation.stamp_ns for step in steps]
    assert read.meta.lost == {"over_shoulder": 1, "actions": 2, "steps": 0, "arm": 0}
    assert read.meta.success is True
    assert store.array(read.meta, "streams/arm/stamp_ns").tolist() == list(range(20))
    assert episode.bytes_written > 1000


def _held_up(store, capacity):
    """An episode whose coding waits in its first step until it may go on."""
    writer = EpisodeWriter(store, source="test", episode_id="one")
    go_on, entered = threading.Event(), threading.Event()
    add_step = writer.add_step

    def slow(*arguments):
        entered.set()
        go_on.wait(5)
        add_step(*arguments)

    writer.add_step = slow
    return BackgroundWriter(writer, capacity), go_on, entered


def test_a_full_queue_drops_steps_without_waiting_and_counts_them_with_their_frames(store, samples):
    episode, go_on, entered = _held_up(store, capacity=2)
    episode.offer(_step(samples, 0))
    assert entered.wait(5)
    for tick in range(1, 6):
        episode.offer(_step(samples, tick))
    assert (episode.taken, episode.dropped, episode.waiting) == (3, 3, 1.0)
    assert episode.lost == {"steps": 3, "arm": 0, "over_shoulder": 3}
    go_on.set()
    episode.finish(**NOTHING, lost={"over_shoulder": 4})
    episode.accept()
    assert len(store.read("one")) == 3
    assert store.meta("one").lost == {"over_shoulder": 7, "steps": 3, "arm": 0}


def test_frames_that_steps_share_are_lost_only_with_the_last_of_those_steps(store, samples):
    episode, go_on, entered = _held_up(store, capacity=1)
    episode.offer(_step(samples, 0))
    assert entered.wait(5)
    step = _step(samples, 1)
    for later in range(3):
        observation = dataclasses.replace(step.observation, stamp_ns=step.observation.stamp_ns + later)
        episode.offer(Step(observation, step.requested, step.executed))
    go_on.set()
    episode.end()
    assert episode.lost == {"steps": 2, "arm": 0, "over_shoulder": 0}
    episode.discard()


def test_a_second_step_of_the_same_instant_is_dropped_and_the_episode_goes_on(store, samples):
    """Two commands computed from one frame made the whole episode fail at its commit."""
    episode = _episode(store)
    step = _step(samples, 0)
    for one in (step, step, _step(samples, 1)):
        episode.offer(one)
    assert (episode.taken, episode.dropped) == (2, 1)
    episode.finish(**NOTHING, lost={})
    episode.accept()
    assert len(store.read("one")) == 2


def test_a_state_that_is_not_later_than_the_last_is_counted(store, samples):
    episode = _episode(store)
    episode.offer(_step(samples, 0))
    for stamp in (5, 5, 6):
        episode.offer_state(samples.arm(stamp))
    episode.finish(**NOTHING, lost={})
    episode.accept()
    assert store.meta("one").lost["arm"] == 1


def test_goals_are_marked_on_the_newest_step_and_only_once(store, samples):
    episode = _episode(store)
    with pytest.raises(StoreError, match="no steps yet"):
        episode.mark_goal()
    for tick in range(3):
        episode.offer(_step(samples, tick))
    assert [episode.mark_goal(), episode.mark_goal()] == [2, 2]
    episode.offer(_step(samples, 3))
    episode.mark_goal()
    episode.finish(**NOTHING, lost={})
    episode.accept()
    assert store.meta("one").goal_steps == (2, 3)


def _failing(store, error, after=0):
    writer = EpisodeWriter(store, source="test", episode_id="one")
    add_step, calls = writer.add_step, []

    def fail(*arguments):
        calls.append(arguments)
        if len(calls) > after:
            raise error
        add_step(*arguments)

    writer.add_step = fail
    return BackgroundWriter(writer, 10)


def test_an_error_at_the_first_step_is_seen_at_once_and_comes_out_at_the_end(store, samples):
    episode = _failing(store, ContractError("strange"))
    episode.offer(_step(samples, 0))
    _wait_for(lambda: episode.failure)
    with pytest.raises(ContractError, match="strange"):
        episode.finish(**NOTHING, lost={})
    assert store.episode_ids() == []


def test_what_was_written_before_an_error_is_kept_and_what_came_after_is_counted(store, samples):
    """A disk that was full for a moment cost the whole episode."""
    episode = _failing(store, StoreError("disk full"), after=2)
    for tick in range(5):
        episode.offer(_step(samples, tick))
    _wait_for(lambda: episode.failure)
    episode.offer_state(samples.arm(1))
    with pytest.raises(StoreError, match="disk full"):
        episode.mark_goal()
    episode.finish(**NOTHING, lost={})
    episode.accept()
    assert len(store.read("one")) == 2
    assert store.meta("one").lost == {"steps": 3, "over_shoulder": 3, "arm": 1}


def test_an_end_that_the_disk_refused_can_be_tried_again(store, samples, monkeypatch):
    episode = _episode(store)
    episode.offer(_step(samples, 0))
    episode.end()
    with monkeypatch.context() as patch:
        patch.setattr("crl_robot.durable.os.rename", _refuse)
        with pytest.raises(StoreError, match="No space"):
            episode.finish(**NOTHING, lost={})
    episode.finish(**NOTHING, lost={})
    episode.accept()
    assert len(store.read("one")) == 1


def _refuse(*_):
    raise OSError(28, "No space left on device")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_while_coding_ends_the_episode_and_never_blocks_its_end(store, samples):
    """The coding thread died, its queue filled, and finishing waited for ever to put the end mark into it."""
    episode = _failing(store, ZeroDivisionError())
    episode.offer(_step(samples, 0))
    _wait_for(lambda: episode.failure)
    for tick in range(1, 4):
        episode.offer(_step(samples, tick))
    with pytest.raises(StoreError, match="codes images"):
        episode.finish(**NOTHING, lost={})
    assert episode.lost["steps"] == 4
    assert store.episode_ids() == []


def test_discarding_leaves_nothing(store, samples):
    episode = _episode(store)
    episode.offer(_step(samples, 0))
    episode.discard()
    assert store.episode_ids() == []
    assert list(store.path.parent.iterdir()) == [store.path]
