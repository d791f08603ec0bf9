"""What a scene looks like at one moment, and the pair of them that a trial is: where it starts and where it should end.

Plain data in the base frame; nothing here knows MuJoCo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crl_robot.errors import ContractError

Point = tuple[float, float, float]
Placement = tuple[float, float, float, float]
"""(x, y, z) in m of an object's frame, and its yaw in rad."""


@dataclass(frozen=True)
class SceneState:
    """The arm with the gripper pointing down, and everything that it can move; all at rest.

    What is not named stands where the scene's file puts it.

    Attributes:
        tool: position (x, y, z) of the tool point, m.
        gripper: opening, 0 closed .. 1 open.
        objects: placement of free objects by name.
        joints: position of drawers and the like by name, m.
    """

    tool: Point
    gripper: float = 0.0
    objects: Mapping[str, Placement] = field(default_factory=dict)
    joints: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 <= self.gripper <= 1.0:
            raise ContractError(f"gripper is {self.gripper}, expected an opening of 0 (closed) to 1 (open)")


@dataclass(frozen=True)
class Episode:
    """Start and goal of one trial."""

    start: SceneState
    goal: SceneState
