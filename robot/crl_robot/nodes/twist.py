"""Velocities as a command source, in MoveIt Servo's manner: the newest twist becomes Actions at the control rate.

Topics arm/twist (m/s and rad/s in the base frame) and arm/gripper (opening 0..1). A zero twist, and silence for longer
than 0.1 s, end the motion. The Actions go through the same controller as all others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import TwistStamped
from numpy.typing import NDArray

from crl_robot.contracts import Action, ActionSpec
from crl_robot.errors import ArmError, ContractError
from crl_robot.geometry import matrix_from_quat, rpy_from_matrix
from crl_robot.nodes.messages import BASE_FRAME, ns_from_time

Array = NDArray[np.float64]
SILENCE_NS = 100_000_000


def velocity_from_msg(msg: TwistStamped) -> Array:
    """(6,) vx, vy, vz in m/s, then the angular velocity in rad/s. Raises ContractError on another frame or NaN."""
    if msg.header.frame_id not in ("", BASE_FRAME):
        raise ContractError(
            f"twist is in frame '{msg.header.frame_id}', expected '{BASE_FRAME}' or none; transform it first"
        )
    linear, angular = msg.twist.linear, msg.twist.angular
    velocity = np.array([linear.x, linear.y, linear.z, angular.x, angular.y, angular.z])
    if not np.isfinite(velocity).all():
        raise ContractError(f"twist is not finite: {velocity.tolist()}; the arm holds")
    return velocity


def stamp_from_msg(msg: TwistStamped, now_ns: int) -> int:
    """The stamp of the message, or now for one without."""
    return ns_from_time(msg.header.stamp) or now_ns


def delta_from_velocity(velocity: Array, period_s: float) -> Array:
    """(6,) velocity -> (6,) delta of an Action after ``period_s``; the turn about the angular velocity's axis."""
    turn = velocity[3:] * period_s
    angle = float(np.linalg.norm(turn))
    if angle < 1e-12:
        return np.append(velocity[:3] * period_s, np.zeros(3))
    quat = np.append(np.cos(angle / 2), np.sin(angle / 2) * turn / angle)
    return np.append(velocity[:3] * period_s, rpy_from_matrix(matrix_from_quat(quat)))


@dataclass(frozen=True)
class _Twist:
    velocity: Array
    source: str
    stamp_ns: int
    arrived_ns: int


class TwistCommands:
    """Keeps the newest twist and opening, and says when which Action is due. Times are of a monotonic clock, in ns.

    Args:
        spec: meaning of the Actions.
        early_ns: how much earlier than due an Action may be asked for: half the time between two questions.
    """

    def __init__(self, spec: ActionSpec, early_ns: int) -> None:
        self._period_s = spec.period_s
        self._period_ns, self._early_ns = round(spec.period_s * 1e9), early_ns
        self._newest: _Twist | None = None
        self._gripper: tuple[float, int] | None = None
        self._driving = False
        self._due_ns = 0

    def take(self, velocity: Array, source: str, stamp_ns: int, now_ns: int) -> None:
        """The newest twist. While one source's twists move the arm, another's is refused with ArmError.

        A zero twist of another source is no wish to move, and is not heard.
        """
        if self._moving(now_ns) and self._newest and self._newest.source != source:
            if velocity.any():
                raise ArmError("another source's twists move the arm; let it stop before another takes over")
            return
        self._newest = _Twist(velocity, source, stamp_ns, now_ns)

    def take_gripper(self, opening: float, stamp_ns: int) -> None:
        """The newest opening, which goes with the next Action. Raises ContractError when it is not a number."""
        if not np.isfinite(opening):
            raise ContractError(f"gripper opening is {opening}, expected 0 (closed) to 1 (open)")
        self._gripper = (float(np.clip(opening, 0.0, 1.0)), stamp_ns)

    def ended(self, now_ns: int) -> str:
        """Why a motion that was under way ends now, told once; empty when there is nothing to end."""
        if not self._driving or self._moving(now_ns):
            return ""
        self._driving = False
        silent = self._newest is None or now_ns - self._newest.arrived_ns > SILENCE_NS
        return "no twist for 0.1 s" if silent else "the twist is zero"

    def due(self, gripper: float, now_ns: int) -> Action | None:
        """The Action to be given now, if any; ``gripper`` is the opening commanded so far."""
        moving = self._moving(now_ns)
        if now_ns < self._due_ns - self._early_ns or not (moving or self._gripper):
            return None
        self._due_ns = max(self._due_ns, now_ns - 2 * self._early_ns) + self._period_ns
        opening, stamp_ns = self._gripper or (gripper, 0)
        delta = np.zeros(6)
        if moving and self._newest:
            stamp_ns = self._newest.stamp_ns
            delta = delta_from_velocity(self._newest.velocity, self._period_s)
        self._gripper, self._driving = None, moving
        return Action(np.append(delta, opening).astype(np.float32), stamp_ns)

    def refused(self) -> None:
        """The last Action was not accepted: nothing of this source is under way."""
        self._driving = False

    def drop(self) -> None:
        """Nothing that was sent so far counts any more, as after a message that nobody can carry out."""
        self._newest = self._gripper = None
        self._driving = False

    def _moving(self, now_ns: int) -> bool:
        newest = self._newest
        return newest is not None and now_ns - newest.arrived_ns <= SILENCE_NS and bool(newest.velocity.any())
