"""Randomisation as configuration: what varies from episode to episode and how far, drawn from the episode's seed.

A draw is a `WorldOptions` and shifts of the objects' starts; ranges and draws are recorded with the data. Each group
draws from a stream of its own, so switching one changes nothing in the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from crl_robot.sim.randomisation_group import Group
from crl_robot.sim.randomisation_looks import Camera, Colours, Distractors, Light, Textures
from crl_robot.sim.randomisation_motion import Friction, Latency, Objects, Servos, Shift
from crl_robot.sim.world_options import WorldOptions

STREAM = 0x52A4D
"""Ends the entropy of every draw, so that it repeats no draw that an episode's own generator makes."""


@dataclass(frozen=True)
class Draw:
    """What one episode differs in: its world, and how the start of each object is shifted, in the scene's order."""

    world: WorldOptions
    object_shifts: tuple[Shift, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What differs from the world as it is modelled, ready for JSON."""
        plain = asdict(WorldOptions())
        drawn = {name: value for name, value in asdict(self.world).items() if value != plain[name]}
        return drawn | ({"object_shifts": self.object_shifts} if self.object_shifts else {})


@dataclass(frozen=True)
class Randomisation:
    """What varies from episode to episode, and how far; nothing unless a group is enabled."""

    objects: Objects = field(default_factory=Objects)
    colours: Colours = field(default_factory=Colours)
    textures: Textures = field(default_factory=Textures)
    light: Light = field(default_factory=Light)
    camera: Camera = field(default_factory=Camera)
    distractors: Distractors = field(default_factory=Distractors)
    latency: Latency = field(default_factory=Latency)
    servos: Servos = field(default_factory=Servos)
    friction: Friction = field(default_factory=Friction)

    @property
    def groups(self) -> dict[str, Group]:
        """The groups that are enabled, by name."""
        every = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: group for name, group in every.items() if group.enabled}

    @property
    def decorated(self) -> bool:
        """Whether worlds must be made with a table cover and distractors."""
        return self.textures.enabled or self.distractors.enabled

    def draw(self, entropy: Sequence[int], base: WorldOptions | None = None) -> Draw:
        """What the episode of this ``entropy`` differs in; what no enabled group draws is as in ``base``."""
        values: dict[str, Any] = {}
        shifts: tuple[Shift, ...] = ()
        for index, one in enumerate(fields(self)):
            group = self.groups.get(one.name)
            rng = np.random.default_rng(np.random.SeedSequence([*entropy, STREAM], spawn_key=(index,)))
            if isinstance(group, Objects):
                shifts = group.shifts(rng)
            elif group is not None:
                values |= group.draw(rng)
        return Draw(replace(base or WorldOptions(), **values), shifts)

    def to_dict(self) -> dict[str, Any]:
        """The ranges of the enabled groups, ready for JSON."""
        return {name: asdict(group) for name, group in self.groups.items()}
