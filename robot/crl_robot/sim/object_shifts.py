"""Moves the objects of an episode's start by what a randomisation drew, as far as there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crl_robot.sim.randomisation_motion import Shift
from crl_robot.sim.state import Episode, Placement
from crl_robot.sim.world import World

ROOM_M = 0.002
"""Overlap of two things at which there is no room."""
_SCALES = (1.0, 0.5, 0.25)


def shifted(episode: Episode, names: Sequence[str], shifts: Sequence[Shift], scale: float = 1.0) -> Episode:
    """The episode with object ``names[i]`` moved by ``shifts[i]`` times ``scale``; the rest is as before.

    An object that the task does not ask to move is moved in the goal, too, so that the goal stays what it was about.
    """
    start, goal = dict(episode.start.objects), dict(episode.goal.objects)
    for name, shift in zip(names, shifts, strict=False):
        if name not in start:
            continue
        stays = goal.get(name) == start[name]
        start[name] = _moved(start[name], shift, scale)
        if stays:
            goal[name] = start[name]
    return Episode(replace(episode.start, objects=start), replace(episode.goal, objects=goal))


def overlap_m(world: World) -> float:
    """How deep the two things that overlap most are in each other now, m; 0 when none are."""
    with world.lock:
        return max((-float(contact.dist) for contact in world.data.contact), default=0.0)


def _moved(placement: Placement, shift: Shift, scale: float) -> Placement:
    x, y, z, yaw = placement
    dx, dy, turn = (scale * value for value in shift)
    return x + dx, y + dy, z, yaw + turn


def candidates(episode: Episode, names: Sequence[str], shifts: Sequence[Shift]) -> list[Episode]:
    """What to try until there is room: the whole shift, less of it, none."""
    return [*(shifted(episode, names, shifts, scale) for scale in _SCALES), episode]
