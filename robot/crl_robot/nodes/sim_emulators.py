"""Emulated hardware around the simulated world, for the ordinary arm node: a servo bus, or a Sawyer behind rosbridge.

No arm topic is here: the arm node connects to the emulator as it would to the robot. The emulator's own thread steps
the world, so that what the hardware measures and what the world does are of one moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crl_robot.emulators.rosbridge.plant import WorldPlant
from crl_robot.emulators.rosbridge.sawyer import EmulatedSawyer
from crl_robot.emulators.rosbridge.server import RosbridgeServer
from crl_robot.emulators.servo_bus.arms import world_bus
from crl_robot.emulators.servo_bus.line import EmulatedBus
from crl_robot.errors import ArmError, ConfigError
from crl_robot.nodes.sim_hardware import Health
from crl_robot.sim.world import World
from crl_robot.widowx.servo_table import load_servo_table

BUS_BAUD = 1_000_000


class _Emulated:
    """What all emulated hardware has in common: enabling and holding are up to the driver."""

    def enable(self) -> None:
        """Nothing: motors are switched on by the driver, when its operator says so."""

    def disable(self) -> None:
        """Nothing: holding is the driver's."""


class EmulatedServoBus(_Emulated):
    """The servos of a WidowX 250s on a pseudo-terminal with the timing of 1 Mbps, as they are after power-on.

    Args:
        world: is stepped by the bus, on the wall clock.
        link: path that becomes a link to the port; '' makes none, the port is in `health` then.

    Raises ConfigError when the link cannot be made.
    """

    def __init__(self, world: World, link: str) -> None:
        self._bus = EmulatedBus(world_bus(load_servo_table("wx250s"), world), baud=BUS_BAUD)
        self._link = Path(link).expanduser().absolute() if link else None
        if self._link is not None:
            try:
                self._make_link(self._link)
            except ConfigError:
                self._bus.close()
                raise

    def step(self) -> None:
        """Raise ArmError when the bus has ended, for the world stands still then."""
        if not self._bus.serving:
            raise ArmError("the thread of the emulated servo bus has ended; its traceback is in the log")

    @contextmanager
    def placed(self) -> Iterator[None]:
        """As if a person switched the torque off, and put arm and scene where they shall be."""
        with self._bus.locked() as bus:
            yield
            bus.place()

    def health(self) -> Health:
        """The port, and what the emulator itself is short of."""
        with self._bus.locked() as bus:
            powered = sum(servo.torque for servo in bus.servos.values())
            tripped = sum(servo.tripped for servo in bus.servos.values())
        values: dict[str, Any] = {"port": self._bus.path, "servos_with_torque": powered, "watchdogs_tripped": tripped}
        values["stalled_s"] = round(self._bus.stalled_s, 3)
        return True, f"emulating a servo bus on {self._link or self._bus.path}", values

    def close(self) -> None:
        """Remove link and port: the driver gets I/O errors."""
        if self._link is not None and self._link.is_symlink() and str(self._link.readlink()) == self._bus.path:
            self._link.unlink()
        self._bus.close()

    def _make_link(self, link: Path) -> None:
        if link.exists() and not link.is_symlink():
            raise ConfigError(f"{link} exists and is not a link; name another path for the emulated port")
        try:
            self._bus.link(link)
        except OSError as error:
            raise ConfigError(f"cannot make the emulated port {link}: {error}; name another path") from error


class EmulatedRosbridge(_Emulated):
    """A Sawyer behind rosbridge on this machine, as it is after power-on: motors off, nothing latched.

    Args:
        world: is stepped by the server's thread, on the wall clock.
        port: TCP port, 0 takes a free one; it is in `health` then.

    Raises ConfigError when the port cannot be had.
    """

    def __init__(self, world: World, port: int) -> None:
        self._robot = EmulatedSawyer(WorldPlant(world))
        self._server = RosbridgeServer(self._robot, port)
        self._server.start()

    def step(self) -> None:
        """Raise ArmError when the server has ended, for the world stands still then."""
        if not self._server.serving:
            raise ArmError("the thread of the emulated rosbridge has ended; its traceback is in the log")

    @contextmanager
    def placed(self) -> Iterator[None]:
        """As if a person switched the motors off, and put arm and scene where they shall be."""
        with self._robot.lock:
            yield
            self._robot.place()

    def health(self) -> Health:
        """The port, who is connected, and what was not obeyed."""
        refused = {f"refused_{reason.replace(' ', '_')}": count for reason, count in self._robot.refusals.items()}
        values = {"port": self._server.port, "clients": self._server.clients, "motors": self._robot.power.moves}
        return True, f"emulating Sawyer's rosbridge on port {self._server.port}", {**values, **refused}

    def close(self) -> None:
        """Cut every connection and stop listening."""
        self._server.stop()
