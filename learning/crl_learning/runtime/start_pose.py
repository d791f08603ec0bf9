"""Where a run begins: nowhere in particular, at the arm's home pose, where the data began, or at joints by name."""

from __future__ import annotations

import math
from dataclasses import dataclass

from crl_robot.errors import ConfigError, nearest

NONE, HOME, DATA = "none", "home", "data"


@dataclass(frozen=True)
class StartPose:
    """Joints (N,) in rad; None is the arm's own home pose."""

    joints: tuple[float, ...] | None

    @property
    def words(self) -> str:
        """For people."""
        return "home" if self.joints is None else "to the start pose"


def start_pose(words: str, of_the_data: tuple[float, ...] | None) -> StartPose | None:
    """From the parameter start_pose; None for 'none'.

    Args:
        words: 'none', 'home', 'data', or joints in rad with commas.
        of_the_data: where the checkpoint's data began; None where it is not known.

    Raises:
        ConfigError: it is none of them, or the checkpoint does not know where its data began.
    """
    if words == NONE:
        return None
    if words == HOME:
        return StartPose(None)
    if words == DATA:
        if of_the_data is None:
            raise ConfigError(
                "start_pose is 'data', but the checkpoint does not know where its data began; calibrate it anew "
                "(crl-run calibrate), or choose start_pose:=home"
            )
        return StartPose(of_the_data)
    return StartPose(_joints(words))


def _joints(words: str) -> tuple[float, ...]:
    try:
        joints = tuple(float(word) for word in words.split(","))
    except ValueError as error:
        known = nearest(words, (NONE, HOME, DATA))
        raise ConfigError(f"start_pose is '{words}'; {known}, or joints in rad such as 0,-1.2,1.0,0,0.6,0") from error
    if not all(math.isfinite(joint) for joint in joints):
        raise ConfigError(f"start_pose is '{words}', expected finite joints in rad")
    return joints
