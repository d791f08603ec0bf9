"""Stand in for frames, states and actions that are still in a bag, so that the recorder's own code can align them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from crl_robot.contracts import ACTION_DIM, Action, ArmState, Frame, JointReading, Pose

_NOWHERE = Pose(np.zeros(3), np.array([1.0, 0.0, 0.0, 0.0]))
_NO_JOINTS = np.zeros(0)
_NO_PICTURE = np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True)
class BagFrame(Frame):
    """Stands for a picture that is still in the bag: ``row`` of its topic."""

    row: int = 0


@dataclass(frozen=True)
class BagState(ArmState):
    """Stands for what the state topics last said: a row of each."""

    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class BagAction(Action):
    """Stands for an action: ``row`` of its topic."""

    row: int = 0


def bag_frame(stamp_ns: int, now_ns: int, row: int) -> BagFrame:
    """The picture in ``row`` of its topic."""
    return BagFrame(_NO_PICTURE, stamp_ns, now_ns, row)


def bag_action(stamp_ns: int, row: int) -> BagAction:
    """The action in ``row`` of its topic."""
    return BagAction(np.zeros(ACTION_DIM, np.float32), stamp_ns, row)


def bag_state(stamp_ns: int, now_ns: int, rows: Mapping[str, int]) -> BagState:
    """The state whose oldest part is stamped ``stamp_ns`` and whose newest arrived at ``now_ns``."""
    reading = JointReading(_NO_JOINTS, _NO_JOINTS, 0.0, stamp_ns, now_ns)
    return BagState(reading, _NOWHERE, _NOWHERE, 0.0, "moving", rows=rows)
