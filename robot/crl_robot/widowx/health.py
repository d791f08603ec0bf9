"""Temperature, voltage, load and errors of each servo, for diagnostics about once a second."""

from __future__ import annotations

from dataclasses import dataclass

from crl_robot.widowx import control_table as ct
from crl_robot.widowx.bus import Bus
from crl_robot.widowx.control_table import MODELS
from crl_robot.widowx.servo_table import Servo, ServoTable
from crl_robot.widowx.units import CURRENT_UNIT_A, LOAD_UNIT


@dataclass(frozen=True)
class ServoHealth:
    """One servo.

    Attributes:
        name: of the servo.
        temperature_c, voltage_v: measured inside it.
        current_a: measured current, None for servos that do not measure it.
        load: estimated share of the largest torque, -1..1, None for servos that measure their current.
        errors: what is wrong and what to do, in words.
    """

    name: str
    temperature_c: int
    voltage_v: float
    current_a: float | None
    load: float | None
    errors: tuple[str, ...]


def read_health(bus: Bus, table: ServoTable) -> tuple[ServoHealth, ...]:
    """Three sync reads. Raises ArmError when one of them fails."""
    ids = [servo.servo_id for servo in table.servos]
    power, _ = bus.sync_read(ids, *ct.HEALTH_SPAN)
    effort, _ = bus.sync_read(ids, ct.EFFORT.address, ct.EFFORT.size)
    errors, _ = bus.sync_read(ids, ct.HARDWARE_ERROR.address, 1)
    return tuple(_health(s, power[s.servo_id], effort[s.servo_id], errors[s.servo_id]) for s in table.servos)


def servo_health(bus: Bus, servo: Servo) -> ServoHealth:
    """The same of one servo, when others may be missing. Raises ArmError."""
    spans = (ct.HEALTH_SPAN, (ct.EFFORT.address, ct.EFFORT.size), (ct.HARDWARE_ERROR.address, 1))
    return _health(servo, *(bus.read_span(servo.servo_id, *span) for span in spans))


def _health(servo: Servo, power: bytes, effort: bytes, errors: bytes) -> ServoHealth:
    start, value, current = ct.HEALTH_SPAN[0], ct.EFFORT.decode(effort), MODELS[servo.model].current
    return ServoHealth(
        name=servo.name,
        temperature_c=ct.TEMPERATURE.within(start, power),
        voltage_v=ct.VOLTAGE.within(start, power) / 10,
        current_a=value * CURRENT_UNIT_A if current else None,
        load=None if current else value * LOAD_UNIT,
        errors=tuple(f"{what}: {advice}" for what, advice in ct.hardware_errors(errors[0])),
    )
