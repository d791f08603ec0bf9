"""`python -m crl_robot.emulators.servo_bus`: an emulated arm as a process of its own."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from crl_robot.emulators.servo_bus.arms import simple_bus, world_bus
from crl_robot.emulators.servo_bus.bus import ServoBus
from crl_robot.emulators.servo_bus.line import EmulatedBus
from crl_robot.errors import CrlError
from crl_robot.sim.world import World
from crl_robot.widowx.servo_table import ServoTable, load_servo_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. The port is printed, and linked where --link says."""
    parsed = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        bus = _bus(load_servo_table(parsed.table), parsed)
    except CrlError as error:
        sys.stderr.write(f"servo_bus: {error}\n")
        return 2
    with EmulatedBus(bus, baud=None if parsed.instant else 1_000_000, seed=parsed.seed) as line:
        if parsed.link:
            line.link(parsed.link)
        sys.stdout.write(f"{line.path}\n")
        sys.stdout.flush()
        stop.wait()
    if parsed.link:
        parsed.link.unlink(missing_ok=True)
    return 0


def _bus(table: ServoTable, parsed: argparse.Namespace) -> ServoBus:
    if parsed.world:
        bus = world_bus(table, World(), firmware=parsed.firmware)
    else:
        start = np.append(table.poses["sleep"], 0.0)
        bus = simple_bus(table, start, parsed.fall, firmware=parsed.firmware)
    faults = bus.faults
    faults.drop, faults.corrupt, faults.delay_s = parsed.drop, parsed.corrupt, parsed.delay_ms / 1e3
    faults.missing.update(parsed.missing)
    return bus


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m crl_robot.emulators.servo_bus", description=__doc__)
    parser.add_argument("--table", default="wx250s", help="servo table: a name or a YAML file (default: %(default)s)")
    parser.add_argument("--link", type=Path, help="make a link to the port here")
    parser.add_argument("--world", action="store_true", help="move the MuJoCo arm instead of simple joints")
    parser.add_argument("--fall", type=float, default=0.0, help="rad/s at which joints without torque sink")
    parser.add_argument("--firmware", type=int, default=45, help="of all servos; below 38 there is no watchdog")
    parser.add_argument("--instant", action="store_true", help="answer at once instead of with the timing of 1 Mbps")
    parser.add_argument("--drop", type=float, default=0.0, help="probability that a byte of an answer is lost")
    parser.add_argument("--corrupt", type=float, default=0.0, help="probability that a byte of an answer is changed")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="extra time before each answer")
    parser.add_argument("--missing", type=int, action="append", default=[], help="ID of a servo that is not there")
    parser.add_argument("--seed", type=int, default=0, help="of the damage done to answers")
    return parser


if __name__ == "__main__":
    sys.exit(main())
