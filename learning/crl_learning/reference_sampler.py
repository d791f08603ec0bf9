"""The sampler once more, in plain NumPy and one sample at a time: what `Batches` is compared with.

Written from the definitions and not from the fast sampler: cumulated weights instead of closed forms, padded images
instead of one gather. Given the same random numbers it must give the same batch.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from crl_learning.action_scale import ActionScale
from crl_learning.batches import BatchSettings
from crl_learning.config import GoalMixture
from crl_learning.dataset import TrajectoryData, Transitions
from crl_learning.draws import Draws, GoalDraws
from crl_robot.contracts import ACTION_DIM

Array = NDArray[Any]


@dataclass(frozen=True)
class Place:
    """A state: where it lies, the last observation of its trajectory, and how many transitions follow in a row."""

    state: int
    end: int
    run: int


def reference_batch(
    data: TrajectoryData, scale: ActionScale, settings: BatchSettings, rows: Transitions, draws: Draws
) -> dict[str, Array]:
    """The fields of `Batch` that are not None, with colours as they are; see there for shapes."""
    samples = [_sample(data, scale, settings, rows, draws, number) for number in range(settings.size)]
    return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}


def future_offset(mixture: GoalMixture, remaining: int, uniform: float) -> int:
    """The smallest k with P(K <= k) >= ``uniform``, from the weights of all k."""
    ahead = np.arange(remaining)
    weights = np.ones(remaining) if mixture.law == "uniform" else mixture.gamma**ahead
    if mixture.law == "clamped":
        weights *= 1 - mixture.gamma
        weights[-1] = mixture.gamma ** (remaining - 1)
    share = np.cumsum(weights / weights.sum())
    side = "right" if mixture.law == "uniform" else "left"
    return 1 + min(int(np.searchsorted(share, uniform, side=side)), remaining - 1)


def _sample(
    data: TrajectoryData, scale: ActionScale, settings: BatchSettings, rows: Transitions, draws: Draws, number: int
) -> dict[str, Array]:
    row = int(draws.row[number])
    state = int(rows.index[row])
    place = Place(state, state + int(rows.remaining[row]), int(rows.run[row]))
    observations, needs = rows.observations.numpy(), settings.needs
    goal, offset = _goal(needs.goals, place, observations, draws.goals, number)
    found: dict[str, Array] = {"noise": draws.noise[number].numpy(), **_actions(data, scale, place, settings.chunk)}
    wanted = {"states": state, "goals": goal}
    if needs.next_states and draws.next_noise is not None:
        wanted["next_states"] = state + 1
        found |= {"next_noise": draws.next_noise[number].numpy(), "goal_offsets": np.array(offset)}
    if data.proprio is not None:
        found |= {"proprio": data.proprio[state]}
        found |= {"next_proprio": data.proprio[state + 1]} if needs.next_states else {}
    if needs.actor_goals and draws.actor_goals:
        goal, offset = _goal(needs.actor_goals, place, observations, draws.actor_goals, number)
        wanted["actor_goals"] = goal
    if needs.subgoal_steps:
        wanted |= _subgoals(place, needs.subgoal_steps, goal, offset)
    augmented = set(wanted)
    if not settings.critic_sees_crop:
        wanted |= {"cloned_states": state, "cloned_goals": goal}
        augmented = {"cloned_states", "cloned_goals"}
    shift = draws.shifts[number].numpy()
    for name, position in wanted.items():
        found[name] = _cropped(data.images[position], shift if name in augmented else np.zeros(2, int))
    return found


def _goal(mixture: GoalMixture, place: Place, observations: Array, draws: GoalDraws, number: int) -> tuple[int, int]:
    """Position and offset of one goal."""
    offset = future_offset(mixture, place.end - place.state, float(draws.future[number]))
    kind = 1.0 if draws.kind is None else float(draws.kind[number])
    if draws.other is not None and kind < mixture.random:
        goal = int(observations[int(float(draws.other[number]) * len(observations))])
        return goal, 0 if goal == place.state else -1
    if kind < mixture.random + mixture.next:
        offset = 1
    elif kind < mixture.random + mixture.next + mixture.current:
        offset = 0
    return place.state + offset, offset


def _subgoals(place: Place, steps: int, goal: int, offset: int) -> dict[str, int]:
    ahead = min(place.state + steps, place.end)
    return {"subgoals": ahead, "subgoal_targets": ahead if offset < 0 else min(ahead, goal)}


def _actions(data: TrajectoryData, scale: ActionScale, place: Place, chunk: int) -> dict[str, Array]:
    """The action, or a chunk of them of which those after the run hold still."""
    if chunk == 1:
        return {"actions": scale.normalise(data.actions[place.state])}
    taken, valid = [], [number < place.run for number in range(chunk)]
    for number, there in enumerate(valid):
        action = scale.normalise(data.actions[place.state + min(number, place.run - 1)])
        still = np.zeros_like(action)
        if len(action) == ACTION_DIM:
            still[-1] = action[-1]
        taken.append(action if there else still)
    return {"actions": np.concatenate(taken), "action_valid": np.array(valid)}


def _cropped(image: Array, shift: Array) -> Array:
    """Pad by repeating the border, crop back to size; states are left as they are."""
    if image.ndim == 1:
        return np.asarray(image)
    room = int(np.abs(shift).max())
    padded = np.pad(image, ((room, room), (room, room), (0, 0)), mode="edge")
    top, left = room + shift
    return padded[top : top + image.shape[0], left : left + image.shape[1]]


def tensors_of(batch: object) -> dict[str, Tensor]:
    """The fields of a batch that are there."""
    values = {one.name: getattr(batch, one.name) for one in fields(batch)}  # pyright: ignore[reportArgumentType]
    return {name: value for name, value in values.items() if value is not None}
