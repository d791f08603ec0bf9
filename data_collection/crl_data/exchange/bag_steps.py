"""Puts the messages of a bag together to steps, by the code that the recorder and the policy use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from crl_data.exchange.bag_index import BagEvent, BagIndex
from crl_data.exchange.bag_marks import BagState, bag_action, bag_frame, bag_state
from crl_data.recording.matching import REMEMBERED_S, Step, StepMatcher, nearest_state
from crl_data.recording.ticking import StepClock
from crl_robot.streams import ObservationBuffer


@dataclass(frozen=True)
class Alignment:
    """How streams are put together.

    Attributes:
        cameras: topics of pictures.
        states: topics of everything else that a step needs.
        action: topic whose messages make the steps; empty where the arm was moved by hand.
        action_stamp: 'observation', the stamp names the newest frame that the action was computed from, as ours do; or
            'own', the action is stamped by itself and belongs to the newest observation.
        tolerance_s: largest difference between an action's stamp and the frame that it names.
        max_age_s: age above which a frame or a state is too old.
        align_s: largest difference between the stamps of one observation.
        rate_hz: of the steps where no action makes them.
    """

    cameras: tuple[str, ...]
    states: tuple[str, ...]
    action: str
    action_stamp: str
    tolerance_s: float
    max_age_s: float
    align_s: float
    rate_hz: float


@dataclass
class BagEpisode:
    """The steps between two boundaries, the state one step after the last, and what was lost there, by kind."""

    steps: list[Step] = field(default_factory=list)
    states: list[BagState] = field(default_factory=list)
    final: BagState | None = None
    lost: dict[str, int] = field(default_factory=dict)


class StepMaker:
    """Takes a bag's messages one after the other, as nodes would have got them."""

    def __init__(self, index: BagIndex, alignment: Alignment) -> None:
        self._index, self._how = index, alignment
        self._buffer = ObservationBuffer(alignment.cameras, alignment.max_age_s, alignment.align_s, REMEMBERED_S)
        self._source = (
            StepMatcher(self._buffer, alignment.tolerance_s)
            if alignment.action
            else StepClock(self._buffer, *_period(alignment.rate_hz))
        )
        self._newest: dict[str, int] = {}
        self._episode: BagEpisode | None = None
        self._unobserved = 0

    def begin(self, now_ns: int) -> None:
        """An episode starts here, with what is stamped after it."""
        self._source.begin(now_ns)
        self._episode, self._unobserved = BagEpisode(), 0

    def end(self, now_ns: int) -> BagEpisode:
        """The episode ends here."""
        episode = self._episode or BagEpisode()
        episode.steps += self._source.end(now_ns)
        episode.lost = {name: count for name, count in self._source.lost.items() if name != "requests"}
        episode.lost["actions"] = episode.lost.get("actions", 0) + self._unobserved
        episode.steps, repeated = _one_per_observation(episode.steps)
        episode.lost["steps"] = episode.lost.get("steps", 0) + repeated
        episode.final = self._final(episode)
        self._episode = None
        return episode

    def take(self, event: BagEvent) -> None:
        """Take one message."""
        if event.topic in self._how.cameras:
            self._take_frame(event)
        elif event.topic in self._how.states:
            self._take_state(event)
        if event.topic == self._how.action and self._episode is not None:
            self._take_action(event)
        if self._episode is not None:
            self._episode.steps += self._source.take(event.now_ns)

    def _take_frame(self, event: BagEvent) -> None:
        stamp_ns = self._index.topics[event.topic].stamp_ns[event.row]
        self._buffer.add_frame(event.topic, bag_frame(stamp_ns, event.now_ns, event.row))
        if not self._how.states:
            self._buffer.add_arm(bag_state(stamp_ns, event.now_ns, {}))

    def _take_state(self, event: BagEvent) -> None:
        self._newest[event.topic] = event.row
        if len(self._newest) == len(self._how.states):
            oldest_ns = min(self._index.topics[topic].stamp_ns[row] for topic, row in self._newest.items())
            state = bag_state(oldest_ns, event.now_ns, dict(self._newest))
            self._buffer.add_arm(state)
            if self._episode is not None:
                self._episode.states.append(state)

    def _take_action(self, event: BagEvent) -> None:
        stamp_ns = self._index.topics[event.topic].stamp_ns[event.row]
        action = bag_action(stamp_ns, event.row)
        if self._how.action_stamp == "observation" and isinstance(self._source, StepMatcher):
            self._source.add_commanded(action, event.now_ns)
            return
        observation = self._buffer.observe(event.now_ns)
        if observation is None:
            self._unobserved += 1
        elif self._episode is not None:
            self._episode.steps.append(Step(observation, action, action))

    def _final(self, episode: BagEpisode) -> BagState | None:
        if not episode.steps:
            return None
        period_ns = round(1e9 / self._how.rate_hz)
        due_ns = episode.steps[-1].observation.arm.joints.stamp_ns + period_ns
        state = nearest_state(episode.states, due_ns, period_ns // 2)
        return state if isinstance(state, BagState) else None


def episodes(index: BagIndex, alignment: Alignment, gap_s: float | None, marker: str) -> Iterator[BagEpisode]:
    """The episodes of a bag, each with at least one step or loss.

    Args:
        index: what the bag holds.
        alignment: how to put it together.
        gap_s: a pause of the actions (of the first camera without any) that ends an episode; None for no such end.
        marker: a topic whose ``data`` is true when an episode begins and false when it ends; empty for none.
    """
    maker, paced_by = StepMaker(index, alignment), alignment.action or alignment.cameras[0]
    running, last_ns = not marker, None
    if running:
        maker.begin(-1)
    for event in index.events:
        paused = gap_s is not None and last_ns is not None and event.now_ns - last_ns > gap_s * 1e9
        if event.topic == paced_by:
            if paused and running and last_ns is not None:
                yield maker.end(last_ns)
                maker.begin(last_ns)
            last_ns = event.now_ns
        if event.topic == marker:
            if running:
                yield maker.end(event.now_ns)
            running = bool(index.topics[marker].values["data"][event.row][0])
            if running:
                maker.begin(event.now_ns)
        maker.take(event)
    if running and index.events:
        yield maker.end(index.events[-1].now_ns)


def _period(rate_hz: float) -> tuple[float, float]:
    """(period, slack) in s for a StepClock."""
    return 1 / rate_hz, 0.25 / rate_hz


def _one_per_observation(steps: list[Step]) -> tuple[list[Step], int]:
    """Steps of strictly increasing time, and how many were left out."""
    kept: list[Step] = []
    for step in steps:
        if not kept or step.observation.stamp_ns > kept[-1].observation.stamp_ns:
            kept.append(step)
    return kept, len(steps) - len(kept)
