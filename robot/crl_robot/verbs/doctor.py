"""`crl-robot doctor`: what is on the bus, and what to fix."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from crl_robot.verbs.common import Verbs, add_arm_arguments, chosen_port, connected, settings

if TYPE_CHECKING:
    from crl_robot.widowx.doctor import Examination


def add(verbs: Verbs) -> None:
    """Add the verb."""
    doctor = verbs.add_parser(
        "doctor",
        help="list servos, limits and errors, and say what to fix; moves nothing",
        description="Exit code 0: nothing to fix; 1: a problem; 2: the port cannot be used.",
    )
    add_arm_arguments(doctor)
    doctor.add_argument("--json", action="store_true", help="print JSON instead of tables")
    doctor.add_argument(
        "--write-eeprom", action="store_true", help="write the registers that differ from the servo table (torque off)"
    )
    doctor.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from crl_robot.widowx.doctor import examine
    from crl_robot.widowx.servo_table import load_servo_table

    table, port = load_servo_table(arguments.arm), chosen_port(arguments)
    if arguments.write_eeprom:
        with connected(arguments) as arm:
            for difference in arm.write_eeprom():
                print(f"written: {difference}")
    examination = examine(port, table, settings(arguments))
    if arguments.json:
        print(json.dumps(examination.to_dict(), indent=2))
    else:
        _print(examination)
    return 0 if examination.sound else 1


def _print(examination: Examination) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    latency = "" if examination.latency_ms is None else f", latency timer {examination.latency_ms} ms"
    console.print(f"{examination.arm} on {examination.port}{latency}")
    table = Table("servo", "ID", "model", "firmware", "torque", "position rad", "limits rad", "deg C", "V")
    table.columns[0].no_wrap = True
    for row in (report.to_dict() for report in examination.servos):
        low, high = row["limits_rad"]
        cells = (row["id"], row["model"], row["firmware"], "on" if row["torque"] else "off", row["position_rad"])
        table.add_row(
            row["name"], *map(str, cells), f"{low} .. {high}", str(row["temperature_c"]), str(row["voltage_v"])
        )
    console.print(table)
    for finding in examination.findings:
        colour = "red" if finding.level == "problem" else "yellow"
        console.print(f"[{colour}]{finding.level}[/{colour}]: {finding.what}\n  to do: {finding.fix}", highlight=False)
    if not examination.findings:
        console.print("nothing to fix")
