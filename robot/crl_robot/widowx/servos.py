"""All servos of one arm as a group: sample them, aim them, power them, watch them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crl_robot.errors import ArmError
from crl_robot.widowx import control_table as ct
from crl_robot.widowx.bus import Bus
from crl_robot.widowx.control_table import MODELS
from crl_robot.widowx.inspection import ServoFacts, differences, inspect_all
from crl_robot.widowx.servo_table import Servo, ServoTable
from crl_robot.widowx.settings import ServoArmSettings
from crl_robot.widowx.units import ACCELERATION_UNIT, PWM_FULL, SPEED_UNIT

_SLOW_SPEED_UNITS = 4  # 0.1 rad/s: a servo that starts towards a goal nobody wants is caught within a tick or two
_SLOW_MOVE_MS = 2000
_SHADOW_TOLERANCE = 30
_BEYOND_LIMIT = 60


@dataclass(frozen=True)
class Sample:
    """What every servo measured when it was asked, all at once: register values by ID."""

    position: Mapping[int, int]
    velocity: Mapping[int, int]
    asked_ns: int
    """Monotonic."""


class ServoGroup:
    """Servos by their table. ``facts`` is what they said of themselves last."""

    def __init__(self, bus: Bus, table: ServoTable, settings: ServoArmSettings) -> None:
        self.bus, self.table, self.settings = bus, table, settings
        self.ids = tuple(s.servo_id for s in table.servos)
        self.commanded = (*(s.servo_id for s in table.joints), table.gripper.servo.servo_id)
        self.facts: dict[int, ServoFacts] = {}
        self.inspect()

    def inspect(self) -> None:
        """Read all servos again. Raises ArmError when one is missing or of another model."""
        self.facts = inspect_all(self.bus, self.table)

    def sample(self) -> Sample:
        """One sync read. Raises ArmError unless every servo answered."""
        start, size = ct.STATE_SPAN
        data, asked_ns = self.bus.sync_read(self.ids, start, size)
        return Sample(
            {i: ct.POSITION.within(start, d) for i, d in data.items()},
            {i: ct.VELOCITY.within(start, d) for i, d in data.items()},
            asked_ns,
        )

    def clipped(self, ticks: Mapping[int, int]) -> dict[int, int]:
        """Goals for the commanded servos, inside their limits: a goal beyond them would be ignored."""
        table = self.table
        return {i: min(max(ticks[i], table.by_id(i).low), table.by_id(i).high) for i in self.commanded}

    def send(self, goals: Mapping[int, int]) -> None:
        """One sync write of goal positions; nobody confirms it."""
        self.bus.sync_write(ct.GOAL_POSITION, goals)

    def goals_taken(self, goals: Mapping[int, int]) -> bool:
        """Whether the servos have these goal positions. Raises ArmError when they cannot be asked."""
        if not goals:
            return True
        data, _ = self.bus.sync_read(list(goals), ct.GOAL_POSITION.address, ct.GOAL_POSITION.size)
        return all(ct.GOAL_POSITION.decode(data[i]) == goal for i, goal in goals.items())

    def aim(self, goals: Mapping[int, int]) -> bool:
        """Send goals and look whether they arrived, a bounded number of times.

        A servo with a hardware error is not asked: without torque it may not take a goal, and the others must hold.
        """
        for _ in range(self.settings.retries + 1):
            self.send(goals)
            if self.goals_taken({i: goal for i, goal in goals.items() if i not in self.bus.alerts}):
                return True
        return False

    def set_profile(self, slow: bool) -> None:
        """Slow while something may start that nobody asked for, else as the settings say."""
        for servo_id in self.ids:
            self.set_servo_profile(servo_id, slow)

    def set_servo_profile(self, servo_id: int, slow: bool) -> None:
        """The same for one servo."""
        settings, timed = self.settings, self.facts[servo_id].timed_profile
        speed = max(1, round(settings.speed_limit / SPEED_UNIT))
        ramp = 0 if timed or slow else round(settings.acceleration / ACCELERATION_UNIT)
        slow_value, value = (_SLOW_MOVE_MS, settings.timed_move_ms) if timed else (_SLOW_SPEED_UNITS, speed)
        self.bus.write(servo_id, ct.PROFILE_ACCELERATION, ramp)
        self.bus.write(servo_id, ct.PROFILE_VELOCITY, slow_value if slow else value)

    def limit_gripper(self) -> None:
        """Limit the force of the gripper by voltage, and by current where its mode controls that."""
        servo = self.table.gripper.servo
        facts, force = self.facts[servo.servo_id], self.settings.gripper_force
        self.bus.write(servo.servo_id, ct.GOAL_PWM, min(round(force * PWM_FULL), facts.pwm_limit))
        if MODELS[servo.model].current and facts.operating_mode == ct.CURRENT_POSITION_MODE:
            self.bus.write(servo.servo_id, ct.GOAL_CURRENT, round(force * facts.current_limit))

    def set_torque(self, on: bool) -> None:
        """Torque of all servos, one after the other, each confirmed."""
        for servo_id in self.ids:
            self.bus.write(servo_id, ct.TORQUE, int(on))

    def set_watchdog(self, units: int) -> bool:
        """Write the watchdog of every servo that has one; returns whether any does."""
        for servo_id in self.ids:
            self.set_servo_watchdog(servo_id, units)
        return any(facts.watchdog is not None for facts in self.facts.values())

    def set_servo_watchdog(self, servo_id: int, units: int) -> None:
        """The same for one servo; an old one without watchdog is left alone."""
        if self.facts[servo_id].watchdog is not None:
            self.bus.write(servo_id, ct.WATCHDOG, units)

    def tripped(self) -> list[str]:
        """Names of the servos whose watchdog has tripped."""
        able = [i for i in self.ids if self.facts[i].watchdog is not None]
        data, _ = self.bus.sync_read(able, ct.WATCHDOG.address, 1) if able else ({}, 0)
        return [self.table.by_id(i).name for i, d in data.items() if d[0] == ct.WATCHDOG_TRIPPED]

    def without_torque(self) -> list[str]:
        """Names of the servos whose torque is off."""
        data, _ = self.bus.sync_read(self.ids, ct.TORQUE.address, 1)
        return [self.table.by_id(i).name for i, d in data.items() if not d[0]]

    def errors(self) -> list[str]:
        """The hardware errors of the servos that raised an alert, in words."""
        out = []
        for servo_id in sorted(self.bus.alerts):
            servo = self.table.by_id(servo_id)
            for what, advice in ct.hardware_errors(self.bus.read(servo_id, ct.HARDWARE_ERROR)):
                out.append(f"{servo.name} (ID {servo_id}) {what}: {advice}")
        return out

    def refuse_unsafe(self) -> None:
        """Raise ArmError when a servo is set up so that goals would mean something else."""
        unsafe = [d for f in self.facts.values() for d in differences(self.table, f) if d.unsafe]
        if unsafe:
            raise ArmError(
                f"the arm is not set up as {self.table.name}: {'; '.join(map(str, unsafe))}; "
                "support it and run `crl-robot doctor --write-eeprom`"
            )

    def refuse_misplaced(self, sample: Sample) -> None:
        """Raise ArmError when a joint is far beyond its limits, or two servos of one joint would fight."""
        for servo in self.table.joints:
            tick = sample.position[servo.servo_id]
            if not servo.low - _BEYOND_LIMIT <= tick <= servo.high + _BEYOND_LIMIT:
                raise ArmError(
                    f"{servo.name} stands at {tick} ticks, expected {servo.low} .. {servo.high}; with the torque off "
                    "move it inside by hand, then enable the arm"
                )
        for shadow in self.table.shadows:
            self._refuse_fight(shadow, sample)

    def _refuse_fight(self, shadow: Servo, sample: Sample) -> None:
        helped = self.table.by_name(self.table.joint_of(shadow))
        apart = sample.position[shadow.servo_id] - sample.position[helped.servo_id]
        if abs(apart) > _SHADOW_TOLERANCE:
            raise ArmError(
                f"{shadow.name} reads {apart} ticks away from the servo it helps, at most {_SHADOW_TOLERANCE} allowed: "
                "the two would fight; correct its homing offset, see docs/widowx.md"
            )
