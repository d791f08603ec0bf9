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
    """One sync read, and another where a servo has raised an alert. Raises ArmError when one of them fails."""
    ids = [servo.servo_id for servo in table.servos]
    health, _ = bus.sync_read(ids, *ct.HEALTH_SPAN)
    alerted = sorted(bus.alerts)
    errors, _ = bus.sync_read(alerted, ct.HARDWARE_ERROR.address, 1) if alerted else ({}, 0)
    return tuple(_health(s, health[s.servo_id], errors.get(s.servo_id, b"\0")) for s in table.servos)


def servo_health(bus: Bus, servo: Servo) -> ServoHealth:
    """The same of one servo, when others may be missing. Raises ArmError."""
    spans = (ct.HEALTH_SPAN, (ct.HARDWARE_ERROR.address, 1))
    return _health(servo, *(bus.read_span(servo.servo_id, *span) for span in spans))


def _health(servo: Servo, health: bytes, errors: bytes) -> ServoHealth:
    start, current = ct.HEALTH_SPAN[0], MODELS[servo.model].current
    value = ct.EFFORT.within(start, health)
    return ServoHealth(
        name=servo.name,
        temperature_c=ct.TEMPERATURE.within(start, health),
        voltage_v=ct.VOLTAGE.within(start, health) / 10,
        current_a=value * CURRENT_UNIT_A if current else None,
        load=None if current else value * LOAD_UNIT,
        errors=tuple(f"{what}: {advice}" for what, advice in ct.hardware_errors(errors[0])),
    )
