"""Looks at a port and the servos on it, without moving or writing anything, and says what to fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crl_robot.errors import ArmError
from crl_robot.widowx import control_table as ct
from crl_robot.widowx.bus import Bus
from crl_robot.widowx.health import ServoHealth, servo_health
from crl_robot.widowx.inspection import ServoFacts, differences, inspect
from crl_robot.widowx.port import PortError, SdkPort, latency_timer_ms, serial_ports
from crl_robot.widowx.servo_table import Servo, ServoTable
from crl_robot.widowx.settings import ServoArmSettings
from crl_robot.widowx.units import radians_from_ticks

_LATENCY_MS = 1
_WARM_C = 60
_LOW_VOLTAGE, _HIGH_VOLTAGE = 10.5, 13.0


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be; a 'problem' keeps the arm from working, a 'note' does not."""

    level: Literal["problem", "note"]
    what: str
    fix: str


@dataclass(frozen=True)
class ServoReport:
    """One servo that answered."""

    facts: ServoFacts
    health: ServoHealth
    position: int

    def to_dict(self) -> dict[str, Any]:
        servo = self.facts.servo
        return {
            "name": servo.name,
            "id": servo.servo_id,
            "model": servo.model,
            "firmware": self.facts.firmware,
            "torque": self.facts.torque,
            "position_rad": round(radians_from_ticks(self.position), 4),
            "limits_rad": [round(angle, 4) for angle in servo.limits_rad],
            "temperature_c": self.health.temperature_c,
            "voltage_v": self.health.voltage_v,
            "errors": list(self.health.errors),
        }


@dataclass(frozen=True)
class Examination:
    """What was found on one port."""

    port: str
    arm: str
    latency_ms: int | None
    servos: tuple[ServoReport, ...]
    missing: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing keeps the arm from working."""
        return not any(f.level == "problem" for f in self.findings)

    def to_dict(self) -> dict[str, Any]:
        return {
            "port": self.port,
            "arm": self.arm,
            "sound": self.sound,
            "latency_timer_ms": self.latency_ms,
            "servos": [servo.to_dict() for servo in self.servos],
            "missing": list(self.missing),
            "findings": [vars(finding) for finding in self.findings],
        }


def choose_port() -> str:
    """The only adapter that is plugged in. Raises PortError listing the ports when there is none, or several."""
    ports = serial_ports()
    adapters = [port for port, is_adapter, _ in ports if is_adapter]
    if len(adapters) == 1:
        return adapters[0]
    listed = "; ".join(f"{port} ({text})" for port, _, text in ports) or "none"
    count = "no" if not adapters else "more than one"
    raise PortError(f"{count} servo adapter (FTDI 0403:6014) found; serial ports: {listed}; name one with --port")


def examine(port: str, table: ServoTable, settings: ServoArmSettings | None = None) -> Examination:
    """Read everything. Raises PortError when the port cannot be used."""
    settings = settings or ServoArmSettings()
    bus = Bus(SdkPort(port, table.baud, settings.answer_s), [s.servo_id for s in table.servos], settings)
    try:
        reports, missing = _ask(bus, table)
    finally:
        bus.close()
    latency = latency_timer_ms(port)
    findings = [*_missing_findings(missing, table), *_latency_findings(port, latency)]
    for report in reports:
        findings += _servo_findings(table, report)
    return Examination(port, table.name, latency, tuple(reports), tuple(s.name for s, _ in missing), tuple(findings))


def _ask(bus: Bus, table: ServoTable) -> tuple[list[ServoReport], list[tuple[Servo, str]]]:
    reports, missing = [], []
    for servo in table.servos:
        try:
            facts = inspect(bus, servo)
            health = servo_health(bus, servo)
            reports.append(ServoReport(facts, health, bus.read(servo.servo_id, ct.POSITION)))
        except PortError:
            raise
        except ArmError as error:
            missing.append((servo, str(error)))
    return reports, missing


def _missing_findings(missing: Sequence[tuple[Servo, str]], table: ServoTable) -> list[Finding]:
    if len(missing) == len(table.servos):
        fix = "switch the 12 V supply on, check the cable from the adapter to the base, and that no other driver runs"
        return [Finding("problem", "no servo answers", fix)]
    fix = "check the cable that leads to it, and its ID and model with the vendor's wizard"
    return [Finding("problem", f"{s.name} (ID {s.servo_id}) cannot be used: {error}", fix) for s, error in missing]


def _latency_findings(port: str, latency: int | None) -> list[Finding]:
    if latency is None or latency <= _LATENCY_MS:
        return []
    what = f"the latency timer of {port} is {latency} ms, so that each exchange takes as long"
    return [Finding("note", what, "install the udev rule of docs/widowx.md, or write 1 into its latency_timer file")]


def _servo_findings(table: ServoTable, report: ServoReport) -> list[Finding]:
    facts, health, servo = report.facts, report.health, report.facts.servo
    out = [Finding("problem", f"{servo.name}: {what}", fix) for what, fix in facts.errors]
    for difference in differences(table, facts):
        level = "problem" if difference.unsafe else "note"
        out.append(Finding(level, str(difference), "support the arm and run crl-robot doctor --write-eeprom"))
    if facts.tripped:
        out.append(Finding("problem", f"the bus watchdog of {servo.name} has tripped", "run crl-robot clear"))
    if facts.watchdog is None:
        what = f"{servo.name} has firmware {facts.firmware}, without a bus watchdog"
        fix = f"update it to {ct.WATCHDOG_FIRMWARE} or later: now nothing stops the arm when the driver dies"
        out.append(Finding("note", what, fix))
    if not servo.low <= report.position <= servo.high:
        what = f"{servo.name} stands at {report.position} ticks, outside {servo.low} .. {servo.high}"
        out.append(Finding("note", what, "move it inside by hand with the torque off (crl-robot release)"))
    return out + _power_findings(servo.name, health)


def _power_findings(name: str, health: ServoHealth) -> list[Finding]:
    out = []
    if health.temperature_c >= _WARM_C:
        out.append(Finding("note", f"{name} is at {health.temperature_c} degrees C", "let it rest, lighten its load"))
    if not _LOW_VOLTAGE <= health.voltage_v <= _HIGH_VOLTAGE:
        fix = "use the 12 V supply of the arm and check its plug"
        out.append(Finding("problem", f"{name} gets {health.voltage_v} V, expected 12 V", fix))
    return out
