"""What a servo says of itself, and where that differs from the servo table. Reads only, until asked to write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crl_robot.errors import ArmError
from crl_robot.widowx import control_table as ct
from crl_robot.widowx.bus import Bus
from crl_robot.widowx.control_table import MODELS, Register
from crl_robot.widowx.servo_table import Servo, ServoTable


@dataclass(frozen=True)
class ServoFacts:
    """One servo as it is now; register values in the servo's units."""

    servo: Servo
    model_number: int
    firmware: int
    return_delay: int
    drive_mode: int
    operating_mode: int
    secondary_id: int
    homing_offset: int
    temperature_limit: int
    pwm_limit: int
    current_limit: int
    velocity_limit: int
    min_position: int
    max_position: int
    torque: bool
    hardware_error: int
    watchdog: int | None
    """None where the firmware has no watchdog."""

    @property
    def timed_profile(self) -> bool:
        return bool(self.drive_mode & ct.TIMED_PROFILE)

    @property
    def tripped(self) -> bool:
        return self.watchdog == ct.WATCHDOG_TRIPPED

    @property
    def errors(self) -> list[tuple[str, str]]:
        """What is wrong and what to do."""
        return ct.hardware_errors(self.hardware_error)


@dataclass(frozen=True)
class Difference:
    """A register that is not as the servo table says.

    ``unsafe`` ones change what a goal position means or does; the arm is not enabled with them.
    """

    servo: Servo
    register: Register
    found: int
    expected: int
    unsafe: bool

    def __str__(self) -> str:
        who = f"{self.servo.name} (ID {self.servo.servo_id})"
        return f"{who} has {self.register.name} {self.found}, expected {self.expected}"


def inspect(bus: Bus, servo: Servo) -> ServoFacts:
    """Read everything that matters of one servo. Raises ArmError when it does not answer or is another model."""
    number = bus.ping(servo.servo_id)
    if number != MODELS[servo.model].number:
        raise ArmError(
            f"{servo.name} (ID {servo.servo_id}) is model {number}, expected {MODELS[servo.model].number} "
            f"({servo.model}); choose the servo table of your arm"
        )
    start, size = ct.SETTINGS_SPAN
    data = bus.read_span(servo.servo_id, start, size)
    firmware = ct.FIRMWARE.within(start, data)
    watchdog = bus.read(servo.servo_id, ct.WATCHDOG) if firmware >= ct.WATCHDOG_FIRMWARE else None
    return ServoFacts(
        servo=servo,
        model_number=number,
        firmware=firmware,
        return_delay=ct.RETURN_DELAY.within(start, data),
        drive_mode=ct.DRIVE_MODE.within(start, data),
        operating_mode=ct.OPERATING_MODE.within(start, data),
        secondary_id=ct.SECONDARY_ID.within(start, data),
        homing_offset=ct.HOMING_OFFSET.within(start, data),
        temperature_limit=ct.TEMPERATURE_LIMIT.within(start, data),
        pwm_limit=ct.PWM_LIMIT.within(start, data),
        current_limit=ct.CURRENT_LIMIT.within(start, data),
        velocity_limit=ct.VELOCITY_LIMIT.within(start, data),
        min_position=ct.MIN_POSITION.within(start, data),
        max_position=ct.MAX_POSITION.within(start, data),
        torque=bool(ct.TORQUE.within(start, data)),
        hardware_error=ct.HARDWARE_ERROR.within(start, data),
        watchdog=watchdog,
    )


def inspect_all(bus: Bus, table: ServoTable) -> dict[int, ServoFacts]:
    """Every servo of the table by ID. Raises ArmError naming all that are missing."""
    facts, failures = {}, []
    for servo in table.servos:
        try:
            facts[servo.servo_id] = inspect(bus, servo)
        except ArmError as error:
            failures.append(f"{servo.name} (ID {servo.servo_id}): {error}")
    if failures:
        raise ArmError("not every servo can be used; " + "; ".join(failures))
    return facts


def differences(table: ServoTable, facts: ServoFacts) -> list[Difference]:
    """Where the EEPROM of one servo is not as the table says."""
    servo = facts.servo
    reverse = (facts.drive_mode & ~ct.REVERSE) | int(servo.reverse)
    shadows = ct.NO_SHADOW if servo.shadows is None else servo.shadows
    force_mode = servo == table.gripper.servo and facts.operating_mode == ct.CURRENT_POSITION_MODE
    mode = ct.CURRENT_POSITION_MODE if force_mode else ct.POSITION_MODE
    compared = (
        (ct.DRIVE_MODE, facts.drive_mode, reverse, True),
        (ct.OPERATING_MODE, facts.operating_mode, mode, True),
        (ct.SECONDARY_ID, facts.secondary_id, shadows, True),
        (ct.MIN_POSITION, facts.min_position, servo.low, True),
        (ct.MAX_POSITION, facts.max_position, servo.high, True),
        (ct.RETURN_DELAY, facts.return_delay, 0, False),
        (ct.VELOCITY_LIMIT, facts.velocity_limit, table.velocity_limit, False),
    )
    return [Difference(servo, reg, found, want, unsafe) for reg, found, want, unsafe in compared if found != want]


def write_eeprom(bus: Bus, facts: ServoFacts, wanted: Sequence[Difference]) -> None:
    """Write the expected values of one servo and read them back.

    Raises ArmError while its torque is on (it would refuse), or when a value does not stay.
    """
    servo = facts.servo
    if facts.torque:
        raise ArmError(f"{servo.name} has its torque on; support the arm, release it, then write its EEPROM")
    for difference in wanted:
        bus.write(servo.servo_id, difference.register, difference.expected)
        now = bus.read(servo.servo_id, difference.register)
        if now != difference.expected:
            raise ArmError(f"{servo.name} kept {difference.register.name} at {now}, expected {difference.expected}")
