"""From what the operator asks for to the Action of one control tick: speed, smoothing, gripper, limits."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from crl_data.teleop.command import Command
from crl_robot.contracts import Action, ActionSpec
from crl_robot.control.safety import SafetyLimits, gripper_target
from crl_robot.errors import ConfigError, ContractError, nearest

Array = NDArray[np.float64]
Frame = Literal["base", "tool_yaw"]

SCALE_STEP = 1.25
SCALE_RANGE = (0.1, 1.0)
GRIPPER_BUTTONS = ("open", "close", "toggle")


@dataclass(frozen=True)
class TeleopSettings:
    """How fast a full deflection is.

    Attributes:
        max_speed: m/s at a speed scale of 1.
        max_turn: rad/s at a speed scale of 1.
        acceleration: m/s^2, limits how fast the speed changes.
        turn_acceleration: rad/s^2.
        start_scale: the speed scale at the beginning, 0.1 .. 1; buttons change it by a quarter.
        frame: 'base', or 'tool_yaw': x and y turn with the gripper about the vertical.
    """

    max_speed: float = 0.2
    max_turn: float = 1.0
    acceleration: float = 1.0
    turn_acceleration: float = 5.0
    start_scale: float = 0.5
    frame: Frame = "base"

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name != "frame" and not (np.isfinite(value) and value > 0):
                raise ConfigError(f"{entry.name} is {value}, expected a finite number above 0")
        if not SCALE_RANGE[0] <= self.start_scale <= SCALE_RANGE[1]:
            raise ConfigError(f"start_scale is {self.start_scale}, expected {SCALE_RANGE[0]} to {SCALE_RANGE[1]}")
        if self.frame not in get_args(Frame):
            raise ConfigError(f"frame is '{self.frame}', {nearest(self.frame, get_args(Frame))}")


class TeleopMapper:
    """Keeps speed, speed scale and gripper target between ticks. Not for several threads at once."""

    def __init__(self, spec: ActionSpec, limits: SafetyLimits, settings: TeleopSettings) -> None:
        self._spec, self._limits, self._settings = spec, limits, settings
        self._velocity = np.zeros(6)
        self._gripper: float | None = None
        self._trigger: float | None = None
        self._asked = ""
        self.scale = settings.start_scale

    def press(self, names: frozenset[str], held: bool) -> None:
        """Take buttons that just went down; the gripper obeys only while the dead-man is ``held``."""
        if "faster" in names:
            self.scale = min(self.scale * SCALE_STEP, SCALE_RANGE[1])
        if "slower" in names:
            self.scale = max(self.scale / SCALE_STEP, SCALE_RANGE[0])
        for name in GRIPPER_BUTTONS:
            if held and name in names:
                self._asked = name

    def step(
        self, command: Command, dt_s: float, stamp_ns: int, opening: float, tool_yaw: float = 0.0
    ) -> Action | None:
        """The Action of this tick, or None while the dead-man is released.

        Args:
            command: what the operator asks for now.
            dt_s: time since the last tick, for the acceleration limit.
            stamp_ns: stamp of the newest frame.
            opening: gripper opening 0..1 that is in force; taken over when the dead-man goes down.
            tool_yaw: heading of the tool in rad, 0 where it looks ahead; only frame 'tool_yaw' uses it.

        Raises:
            ContractError: dt_s, opening or tool_yaw is not a number that can be used.
        """
        if not (np.isfinite([dt_s, opening, tool_yaw]).all() and dt_s > 0):
            raise ContractError(
                f"dt_s is {dt_s}, opening {opening}, tool_yaw {tool_yaw}; expected finite, dt_s above 0"
            )
        if not command.deadman:
            self.release()
            return None
        if self._gripper is None:
            self._gripper, self._trigger = float(np.clip(opening, 0.0, 1.0)), command.opening
        self._velocity = self._approach(self._wanted(command, tool_yaw), dt_s)
        self._gripper = self._grip(self._gripper, command)
        return Action(self._values(self._velocity * self._spec.period_s, self._gripper), stamp_ns)

    def release(self) -> None:
        """Forget speed and gripper; the next Action starts from rest and from the opening in force then."""
        self._velocity = np.zeros(6)
        self._gripper, self._asked = None, ""

    def _wanted(self, command: Command, tool_yaw: float) -> Array:
        """(6,) m/s and rad/s in the base frame."""
        if command.clutch:
            return np.zeros(6)
        settings = self._settings
        twist = np.concatenate([_in_unit_ball(command.twist[:3]), _in_unit_ball(command.twist[3:])])
        twist *= self.scale * np.repeat([settings.max_speed, settings.max_turn], 3)
        if settings.frame == "tool_yaw":
            turn = np.array([[np.cos(tool_yaw), -np.sin(tool_yaw)], [np.sin(tool_yaw), np.cos(tool_yaw)]])
            twist[0:2], twist[3:5] = turn @ twist[0:2], turn @ twist[3:5]
        return twist

    def _approach(self, wanted: Array, dt_s: float) -> Array:
        dt_s = min(dt_s, 2 * self._spec.period_s)
        change = wanted - self._velocity
        for part, most in ((slice(0, 3), self._settings.acceleration), (slice(3, 6), self._settings.turn_acceleration)):
            size = float(np.linalg.norm(change[part]))
            change[part] *= min(1.0, most * dt_s / size) if size else 1.0
        return self._velocity + change

    def _grip(self, now: float, command: Command) -> float:
        asked, self._asked = self._asked, ""
        if asked:
            return {"open": 1.0, "close": 0.0, "toggle": 0.0 if now > 0.5 else 1.0}[asked]
        if command.opening is None or self._at_rest(command.opening):
            return now
        return gripper_target(now, command.opening, self._limits)

    def _at_rest(self, opening: float) -> bool:
        """Whether the trigger is where it was when the dead-man went down; until it moves, what is held stays held."""
        if self._trigger is not None and abs(opening - self._trigger) > self._limits.gripper_hysteresis:
            self._trigger = None
        return self._trigger is not None

    def _values(self, delta: Array, gripper: float) -> NDArray[np.float32]:
        """float32 (7,); a delta that is too long is shortened as a whole, so that it keeps its direction."""
        for part, most in ((slice(0, 3), self._limits.max_step_m), (slice(3, 6), self._limits.max_step_rad)):
            largest = float(np.abs(delta[part]).max())
            delta[part] *= min(1.0, most / largest) if largest else 1.0
        values = np.append(delta, gripper).astype(np.float32)
        # Rounding to float32 may go up; the limit must not be passed by that either.
        bound = np.nextafter(np.repeat([self._limits.max_step_m, self._limits.max_step_rad], 3).astype(np.float32), 0)
        values[:6] = np.clip(values[:6], -bound, bound, dtype=np.float32)
        return values


def _in_unit_ball(vector: Array) -> Array:
    """A stick's corner must not be faster than its side."""
    return vector / max(1.0, float(np.linalg.norm(vector)))
