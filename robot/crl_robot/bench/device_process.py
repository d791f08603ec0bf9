"""The process of the emulated arm: its servos, its line, its joints, and the log of what it is given and does."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from crl_robot.bench.device_log import DeviceLog
from crl_robot.bench.known_arm import ALL_IDS
from crl_robot.emulators.servo_bus.arms import servo_specs
from crl_robot.emulators.servo_bus.bus import ServoBus
from crl_robot.emulators.servo_bus.line import EmulatedBus
from crl_robot.emulators.servo_bus.packets import Packet
from crl_robot.emulators.servo_bus.plant import Plant, SimplePlant
from crl_robot.widowx.servo_table import load_servo_table

FALL_RAD_S = 0.3
FALL_FLOOR_RAD = -1.5


def serve(pipe: Connection, port: Path, start: list[float], seed: int) -> None:
    """The process: do what the pipe says until it says quit or closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the bench, which then ends this
    workings = Workings(port, start, seed)
    try:
        with suppress(EOFError):
            while (order := pipe.recv())[0] != "quit":
                name, values = order
                pipe.send(getattr(workings, name)(*values))
    finally:
        workings.line.close()


class Workings:
    """What can be done to the arm; lives in the process."""

    def __init__(self, port: Path, start: list[float], seed: int) -> None:
        self._port, self._seed = port, seed
        self.plant = LoggedPlant(np.array(start))
        self.bus = LoggedBus(self.plant)
        for servo in self.bus.servos.values():  # as the driver before left it: held, not dropped
            servo.memory["torque_enable"] = 1
        self._stalled_s = 0.0
        self.line = EmulatedBus(self.bus, baud=1_000_000, seed=seed)
        self.plug()

    def ready(self) -> None:
        """Say that the arm is there."""

    def plug(self) -> None:
        """Put the adapter in."""
        self.line.link(self._port)

    def unplug(self) -> None:
        """Take the adapter out; whoever has it open gets I/O errors. The servos keep their supply."""
        self._stalled_s += self.line.stalled_s
        self.line.unplug()
        self._port.unlink(missing_ok=True)
        self.line = EmulatedBus(self.bus, baud=1_000_000, seed=self._seed)

    def faults(self, values: dict[str, Any]) -> None:
        """Set fields of `BusFaults`."""
        with self.line.locked() as bus:
            for name, value in values.items():
                setattr(bus.faults, name, value)

    def fail(self, servo_id: int, bits: int) -> None:
        """Raise bits of a servo's hardware error status."""
        with self.line.locked() as bus:
            bus.servos[servo_id].fail(bits)

    def set_sensors(self, servo_id: int, temperature: int, voltage: int) -> None:
        """What a servo feels: degrees C and tenths of a volt."""
        with self.line.locked() as bus:
            bus.servos[servo_id].temperature, bus.servos[servo_id].voltage = temperature, voltage

    def power_cycle(self, servo_id: int) -> None:
        """A servo loses its power for a moment: torque, errors and RAM are gone."""
        with self.line.locked() as bus:
            bus.servos[servo_id].reboot()

    def block(self, joints: list[int]) -> None:
        """Joints that something keeps from turning."""
        with self.line.locked():
            self.plant.blocked = set(joints)

    def lift(self, angles: list[float]) -> None:
        """Somebody puts the arm, or what of it has no torque, back to ``angles`` (7,) rad."""
        with self.line.locked():
            self.plant.put(np.array(angles))

    def angles(self) -> list[float]:
        """(7,) rad, where the joints are."""
        with self.line.locked():
            return self.plant.joints()[0].tolist()

    def registers(self, name: str) -> dict[int, int]:
        """One register of every servo."""
        with self.line.locked() as bus:
            return {i: servo.memory[name] for i, servo in bus.servos.items()}

    def drain(self) -> DeviceLog:
        """What happened since the last time."""
        with self.line.locked():
            goals, self.bus.log = self.bus.log, self.bus.log[-1:]
            truth, self.plant.log = self.plant.log, self.plant.log[-1:]
            stalled, self._stalled_s = self._stalled_s + self.line.stalled_s, 0.0
            self.line.stalled_s = 0.0
        given = np.array(goals, dtype=np.float64).reshape(-1, 1 + 3 * len(ALL_IDS))
        ticks, present, torque = np.split(given[:, 1:], 3, axis=1)
        states = np.array(truth, dtype=np.float64).reshape(-1, 8)
        return DeviceLog(given[:, 0], ticks, present, torque > 0, states[:, 0], states[:, 1:], stalled)


class LoggedBus(ServoBus):
    """A bus with a log: when a packet brought goals or switched a torque, all goals, positions and torques after it."""

    def __init__(self, plant: Plant) -> None:
        super().__init__(servo_specs(load_servo_table("wx250s")), plant, on_goal=self._note_goal)
        self.log: list[tuple[float, ...]] = []
        self._took_goals = False
        self._torques: list[int] = []

    def handle(self, packet: Packet) -> list[bytes]:
        self._took_goals = False
        answers = super().handle(packet)
        torques = [int(self.servos[i].torque) for i in ALL_IDS]
        if self._took_goals or torques != self._torques:
            memories = [self.servos[i].memory for i in ALL_IDS]
            goals, present = ([m[name] for m in memories] for name in ("goal_position", "present_position"))
            self.log.append((time.monotonic(), *goals, *present, *torques))
            self._torques = torques
        return answers

    def _note_goal(self, servo_id: int, ticks: int) -> None:
        self._took_goals = True


class LoggedPlant(SimplePlant):
    """Simple joints that can be blocked, with a log of (monotonic s, angles (7,))."""

    def __init__(self, start: np.ndarray) -> None:
        super().__init__(start, fall_rad_s=FALL_RAD_S, floor=FALL_FLOOR_RAD)
        self.blocked: set[int] = set()
        self.log: list[tuple[float, ...]] = []

    def advance(self, dt: float, set_points: Sequence[float | None]) -> None:
        held = {joint: self._q[joint] for joint in self.blocked}
        super().advance(dt, set_points)
        for joint, angle in held.items():
            self._q[joint], self._v[joint] = angle, 0.0
        self.log.append((time.monotonic(), *self._q))

    def put(self, angles: np.ndarray) -> None:
        """Stand at ``angles`` (7,) rad."""
        self._q[:] = angles
