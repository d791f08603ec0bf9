"""The servos on one line: who answers which instruction, and what the plant does meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from crl_robot.emulators.servo_bus.packets import BROADCAST, Instruction, Packet, StatusError, status
from crl_robot.emulators.servo_bus.plant import Plant
from crl_robot.emulators.servo_bus.registers import REGISTERS
from crl_robot.emulators.servo_bus.servo import Servo, ServoSpec

_STEP_S = 0.004
_ANSWER_LEVEL: dict[int, int] = {Instruction.PING: 0, Instruction.READ: 1}
"""Status return level from which on an instruction is answered."""


@dataclass
class BusFaults:
    """What goes wrong; may be changed at any time.

    Attributes:
        drop, corrupt: probability that a byte of an answer is lost or changed.
        delay_s: extra time before each answer.
        missing: IDs that do not hear and do not answer, as with a broken plug.
        pulled: nothing is heard and nothing answers.
    """

    drop: float = 0.0
    corrupt: float = 0.0
    delay_s: float = 0.0
    missing: set[int] = field(default_factory=set)
    pulled: bool = False


class ServoBus:
    """Servos and the plant they turn. Time passes only through `advance`; not safe to share between threads.

    ``on_goal(id, ticks)`` is called for each goal position that a servo takes.
    """

    def __init__(
        self,
        specs: Iterable[ServoSpec],
        plant: Plant,
        firmware: int = 45,
        on_goal: Callable[[int, int], None] | None = None,
    ) -> None:
        self.plant = plant
        self.faults = BusFaults()
        angles, _ = plant.joints()
        self.servos = {s.servo_id: Servo(s, float(angles[s.joint]), firmware) for s in specs}
        self._joints = len(angles)
        self._on_goal = on_goal
        self._left_s = 0.0

    def advance(self, dt: float) -> None:
        """Let ``dt`` s pass for servos and plant, in steps of 4 ms; what is left over counts the next time."""
        self._left_s += dt
        while self._left_s >= _STEP_S:
            self._left_s -= _STEP_S
            for servo in self.servos.values():
                servo.advance(_STEP_S)
            self.plant.advance(_STEP_S, [self._set_point(joint) for joint in range(self._joints)])
            angles, speeds = self.plant.joints()
            for servo in self.servos.values():
                servo.sense(float(angles[servo.spec.joint]), float(speeds[servo.spec.joint]))

    def place(self) -> None:
        """Somebody switched the torque off and put the plant where it stands now; no servo goes back from there."""
        angles, _ = self.plant.joints()
        for servo in self.servos.values():
            servo.place(float(angles[servo.spec.joint]))

    def handle(self, packet: Packet) -> list[bytes]:
        """The status packets that an instruction brings, in the order they go on the wire."""
        if self.faults.pulled:
            return []
        hearing = [s for i, s in self.servos.items() if s.present and i not in self.faults.missing]
        if not packet.intact:
            return [self._status(s, StatusError.CRC) for s in hearing if s.spec.servo_id == packet.servo_id]
        for servo in hearing:
            servo.heard()
        if packet.servo_id == BROADCAST:
            return self._broadcast(packet, hearing)
        answers: list[bytes] = []
        for servo in hearing:
            if servo.spec.servo_id == packet.servo_id:
                answers = self._single(packet, servo)
            elif servo.memory["secondary_id"] == packet.servo_id:  # a shadow obeys and keeps silent
                self._single(packet, servo)
        return answers

    def _single(self, packet: Packet, servo: Servo) -> list[bytes]:
        level = servo.memory["status_return"]
        error, data = self._obey(packet.instruction, packet.parameters, servo)
        wanted = _ANSWER_LEVEL.get(packet.instruction, 2)
        return [self._status(servo, error, data)] if level >= wanted else []

    def _obey(self, instruction: int, data: bytes, servo: Servo) -> tuple[int, bytes]:
        address = int.from_bytes(data[:2], "little")
        if instruction == Instruction.PING:
            return StatusError.NONE, servo.memory.read(0, 2) + servo.memory.read(6, 1)
        if instruction == Instruction.READ:
            return servo.read(address, int.from_bytes(data[2:4], "little"))
        if instruction == Instruction.WRITE:
            return self._write(servo, address, data[2:]), b""
        if instruction == Instruction.REG_WRITE:
            return servo.register(address, data[2:]), b""
        if instruction == Instruction.ACTION:
            servo.act()
            return StatusError.NONE, b""
        if instruction == Instruction.REBOOT:
            servo.reboot()
            return StatusError.NONE, b""
        return StatusError.INSTRUCTION, b""

    def _broadcast(self, packet: Packet, hearing: Sequence[Servo]) -> list[bytes]:
        data, instruction = packet.parameters, packet.instruction
        if instruction == Instruction.PING:
            ordered = sorted(hearing, key=lambda s: s.spec.servo_id)
            return [self._status(s, *self._obey(instruction, data, s)) for s in ordered]
        if instruction == Instruction.SYNC_READ:
            address, size = _span(data)
            return self._in_turn([(servo_id, address, size) for servo_id in data[4:]], hearing)
        if instruction == Instruction.BULK_READ:
            return self._in_turn([(data[i], *_span(data[i + 1 :])) for i in range(0, len(data), 5)], hearing)
        if instruction == Instruction.SYNC_WRITE:
            address, size = _span(data)
            for at in range(4, len(data) - size, size + 1):
                self._write_to(data[at], address, data[at + 1 : at + 1 + size], hearing)
        elif instruction == Instruction.BULK_WRITE:
            self._bulk_write(data, hearing)
        else:
            for servo in hearing:
                self._obey(instruction, data, servo)
        return []

    def _bulk_write(self, data: bytes, hearing: Sequence[Servo]) -> None:
        while len(data) >= 5:
            address, size = _span(data[1:])
            self._write_to(data[0], address, data[5 : 5 + size], hearing)
            data = data[5 + size :]

    def _in_turn(self, spans: Iterable[tuple[int, int, int]], hearing: Sequence[Servo]) -> list[bytes]:
        """Each servo answers after the one before it in the list has: behind a missing one all stay silent."""
        known = {s.spec.servo_id: s for s in hearing}
        answers = []
        for servo_id, address, size in spans:
            if servo_id not in known:
                break
            error, data = known[servo_id].read(address, size)
            answers.append(self._status(known[servo_id], error, data))
        return answers

    def _write_to(self, servo_id: int, address: int, data: bytes, hearing: Sequence[Servo]) -> None:
        for servo in hearing:
            if servo_id in (servo.spec.servo_id, servo.memory["secondary_id"]):
                self._write(servo, address, data)

    def _write(self, servo: Servo, address: int, data: bytes) -> int:
        error = servo.write(address, data)
        goal = REGISTERS["goal_position"].address
        if error == StatusError.NONE and self._on_goal and address <= goal < address + len(data):
            self._on_goal(servo.spec.servo_id, servo.memory["goal_position"])
        return error

    def _status(self, servo: Servo, error: int, data: bytes = b"") -> bytes:
        return status(servo.spec.servo_id, error | servo.alert, data)

    def _set_point(self, joint: int) -> float | None:
        """Where the servos of a joint drive it: two that disagree meet in the middle."""
        wanted = [p for s in self.servos.values() if s.spec.joint == joint and (p := s.set_point) is not None]
        return sum(wanted) / len(wanted) if wanted else None


def _span(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
