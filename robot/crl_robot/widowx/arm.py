"""The WidowX (and any arm of a servo table) behind the `Arm` protocol.

Connecting only reads. Motion needs `enable`; `close` leaves the torque on. There is no thread in here: the servos'
bus watchdog is fed by reads and commands alone, so that a command loop that hangs or dies stops the arm.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import JointReading
from crl_robot.errors import ArmError
from crl_robot.widowx import control_table as ct
from crl_robot.widowx.bus import Bus
from crl_robot.widowx.goals import goals_from
from crl_robot.widowx.guard import Guard
from crl_robot.widowx.health import ServoHealth, read_health
from crl_robot.widowx.inspection import Difference, differences, write_eeprom
from crl_robot.widowx.port import SdkPort
from crl_robot.widowx.servo_table import ServoTable
from crl_robot.widowx.servos import ServoGroup
from crl_robot.widowx.settings import ServoArmSettings
from crl_robot.widowx.units import SPEED_UNIT, radians_from_ticks

_LOG = logging.getLogger(__name__)
_REBOOT_TIMEOUT_S = 3.0
_REBOOT_POLL_S = 0.02


class WidowXArm:
    """An arm of servos on one bus.

    Args:
        port: serial port of the adapter.
        table: servos of the arm.
        settings: see `ServoArmSettings`.
        clock_ns: the clock of the stamps.

    Raises ArmError when the port is in use or a servo is missing or of another model.
    """

    def __init__(
        self,
        port: str,
        table: ServoTable,
        settings: ServoArmSettings | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        settings = settings or ServoArmSettings()
        self.table, self.port, self.joint_names = table, port, table.joint_names
        self._clock_ns = clock_ns
        self._bus = Bus(SdkPort(port, table.baud, settings.answer_s), [s.servo_id for s in table.servos], settings)
        try:
            self._group = ServoGroup(self._bus, table, settings)
        except ArmError:
            self._bus.close()
            raise
        self._guard = Guard(self._group)
        self._closed = self._enabled = self._holding = False
        self._goals: dict[int, int] = {}

    @property
    def enabled(self) -> bool:
        """Whether this driver switched the torque on and takes commands."""
        return self._enabled

    @property
    def powered(self) -> bool:
        """Whether any servo had its torque on when they were inspected last, by whomever it was switched on."""
        return any(facts.torque for facts in self._group.facts.values())

    @property
    def watchdog(self) -> str:
        """'off', 'armed' or 'tripped'."""
        return self._guard.watchdog

    @property
    def counts(self) -> Counter[str]:
        """How often exchanges were retried, failed and so on since connecting."""
        return self._bus.counts

    @property
    def differences(self) -> list[Difference]:
        """Where the servos' EEPROM is not as the table says; nothing is written unless `write_eeprom` is called."""
        return [d for facts in self._group.facts.values() for d in differences(self.table, facts)]

    def read(self) -> JointReading:
        """Measured joints, stamped when the servos were asked. Raises ArmError unless every servo answered."""
        self._require_open()
        sample = self._group.sample()
        ids = [s.servo_id for s in self.table.joints]
        gripper = sample.position[self.table.gripper.servo.servo_id]
        return JointReading(
            np.array([radians_from_ticks(sample.position[i]) for i in ids]),
            np.array([sample.velocity[i] * SPEED_UNIT for i in ids]),
            self.table.gripper.linkage.opening_from_ticks(gripper),
            self._clock_ns() - (time.monotonic_ns() - sample.asked_ns),
        )

    def command(self, position: NDArray[np.float64], gripper: float) -> None:
        """Send goal positions: joints (N,) rad within the limits, opening 0..1.

        Raises ArmError, and sends nothing, on wrong values, while not enabled, after the watchdog tripped and while a
        servo reports a hardware error.
        """
        self._require_open()
        goals = goals_from(self.table, position, gripper)
        if not self._enabled:
            raise ArmError("the torque is off; call enable() first")
        self._guard.refuse_tripped()
        self._guard.refuse_faults()
        self._group.send(goals)
        self._goals, self._holding = goals, False

    def hold(self) -> None:
        """Stay where it is now; the gripper keeps its goal. Raises ArmError when the servos cannot be told.

        Called again without a command in between it keeps the same goals: were each sagged reading taken as the new
        goal, the arm would creep down. An arm whose torque is off or whose watchdog tripped stands still already.
        """
        if self._closed or not self._enabled or self._guard.tripped:
            return
        goals = self._goals if self._holding else self._present_goals()
        if self._group.aim(goals):
            self._goals, self._holding = goals, True
        elif not self._guard.look_for_trip():
            raise ArmError("the servos do not take the goals that hold the arm; switch off their supply if it moves")

    def close(self) -> None:
        """Hold, switch the watchdog off, keep the torque on, and give the port back."""
        if self._closed:
            return
        try:
            self.hold()
            self._guard.disarm()
        except ArmError as error:
            _LOG.warning("closing %s: the arm could not be told to hold: %s", self.port, error)
        self._closed, self._enabled = True, False
        self._bus.close()

    def enable(self) -> None:
        """Switch the torque on where the arm stands, arm the watchdog, and take commands from now on.

        Raises ArmError, and leaves the torque as it was, while anything makes that unsafe.
        """
        self._require_open()
        group = self._group
        group.inspect()
        if not group.facts[self.table.gripper.servo.servo_id].torque:
            self._goals, self._holding = {}, False  # a limp gripper holds nothing: it stays where it is, too
        self._guard.note_tripped()
        self._guard.refuse_tripped()
        self._guard.refuse_hardware_errors()
        group.refuse_unsafe()
        group.refuse_misplaced(group.sample())
        group.set_profile(slow=True)
        group.send(self._present_goals())
        group.set_torque(True)
        self._settle_in()

    def reset(self) -> None:
        """Clear a tripped watchdog; see `clear_watchdog`. Hardware errors need `reboot`. Raises ArmError."""
        self._require_open()
        self._group.inspect()
        self._guard.note_tripped()
        if self._guard.tripped:
            self.clear_watchdog()
        self._guard.refuse_hardware_errors()

    def clear_watchdog(self) -> None:
        """Take commands again after the watchdog tripped; the arm stays where it stands. Raises ArmError."""
        self._require_open()
        self._group.set_profile(slow=True)  # a servo may go on to its old goal until it has the new one
        self._guard.clear()
        if self._group.without_torque():
            self._enabled = False
        else:
            self._settle_in()

    def release(self, supported: bool) -> None:
        """Switch the torque off, so that the arm can be guided by hand.

        ``supported`` says that somebody holds the arm: without torque it falls. Raises ArmError otherwise.
        """
        self._require_open()
        if not supported:
            raise ArmError("without torque the arm falls; hold it with both hands and call release(supported=True)")
        self._guard.disarm()
        self._group.set_torque(False)
        self._enabled = self._holding = False

    def reboot(self, name: str) -> None:
        """Restart one servo, which clears its hardware error, while the others hold. Its joint is limp meanwhile.

        Raises ArmError when it does not come back within 3 s or comes back with an error.
        """
        self._require_open()
        servo_id = self.table.by_name(name).servo_id
        self.hold()
        self._bus.reboot(servo_id)
        self._await(servo_id)
        self._group.inspect()
        self._guard.refuse_hardware_errors()
        if self._enabled:
            self._group.set_servo_profile(servo_id, slow=True)
            self._group.send(self._present_goals())
            self._bus.write(servo_id, ct.TORQUE, 1)
            self._settle_in()

    def health(self) -> tuple[ServoHealth, ...]:
        """Temperature, voltage, load and errors; about once a second. Raises ArmError when they cannot be read."""
        self._require_open()
        return read_health(self._bus, self.table)

    def diagnostics(self) -> dict[str, float | int | str]:
        """`health` and the state of bus and watchdog, flat: 'elbow_temperature_c' and so on. Raises ArmError."""
        values: dict[str, float | int | str] = {"torque": "on" if self._enabled else "off", "watchdog": self.watchdog}
        for servo in self.health():
            effort = ("load", servo.load) if servo.load is not None else ("current_a", servo.current_a or 0.0)
            values[f"{servo.name}_temperature_c"] = servo.temperature_c
            values[f"{servo.name}_voltage_v"] = servo.voltage_v
            values[f"{servo.name}_{effort[0]}"] = round(effort[1], 3)
            if servo.errors:
                values[f"{servo.name}_errors"] = "; ".join(servo.errors)
        return values | {f"bus_{name}": count for name, count in self.counts.items()}

    def write_eeprom(self) -> list[Difference]:
        """Write what differs from the table, and return it. Raises ArmError while the torque of such a servo is on."""
        self._require_open()
        self._group.inspect()
        written = self.differences
        for servo_id, facts in self._group.facts.items():
            write_eeprom(self._bus, facts, [d for d in written if d.servo.servo_id == servo_id])
        self._group.inspect()
        return written

    def _settle_in(self) -> None:
        """Hold where the arm stands, then go from slow profiles to those of the settings and arm the watchdog."""
        goals = self._present_goals()
        if not self._group.aim(goals):
            raise ArmError("the servos do not take goals; run `crl-robot doctor`")
        self._group.limit_gripper()
        self._group.set_profile(slow=False)
        self._guard.arm()
        self._goals, self._holding, self._enabled = goals, True, True

    def _present_goals(self) -> dict[int, int]:
        """Where the arm stands, and what the gripper was told last."""
        goals = self._group.clipped(self._group.sample().position)
        gripper = self.table.gripper.servo.servo_id
        if self._enabled:
            goals[gripper] = self._goals.get(gripper, goals[gripper])
        return goals

    def _await(self, servo_id: int) -> None:
        """Wait until a servo answers again; the others hear the questions, which feeds their watchdogs."""
        deadline = time.monotonic() + _REBOOT_TIMEOUT_S
        while not self._bus.answers(servo_id):
            if time.monotonic() > deadline:
                raise ArmError(f"ID {servo_id} did not come back within {_REBOOT_TIMEOUT_S} s; check its cable")
            time.sleep(_REBOOT_POLL_S)

    def _require_open(self) -> None:
        if self._closed:
            raise ArmError("the arm is closed; make a new WidowXArm")
