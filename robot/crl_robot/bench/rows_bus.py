"""Rows: what goes wrong with the servos, their line and their supply."""

from __future__ import annotations

import math
import time
from typing import Any

from crl_robot.bench.device_log import DeviceLog
from crl_robot.bench.known_arm import ALL_IDS, START_JOINTS, tool_position
from crl_robot.bench.outgoing import valued
from crl_robot.bench.rig import Rig
from crl_robot.bench.row import (
    AT_ONCE_MS,
    CHAIN_MS,
    Reaction,
    Row,
    arm_stands,
    bounded,
    goals_stand,
    goes_on,
    noted_stands,
)

WATCHDOG_STOP_MS = 300.0
TORQUE_CHECK_MS = 500.0
RETRIES_MS = 90.0
"""Three attempts, each waiting 20 ms for an answer, and getting in step in between."""
_NO_ANSWER = ("failed", "no servo answers", "watchdog", "no answer")
_BOOT_S = 0.45
_OVERHEAT, _ENCODER, _SHOCK, _OVERLOAD = 4, 8, 16, 32


def line_fault(**faults: Any) -> Any:
    """An injection that sets fields of the emulated line's faults."""

    def inject(rig: Rig) -> float:
        at_s = time.monotonic()
        rig.device.do("faults", faults)
        return at_s

    return inject


def hardware_error(bits: int) -> Any:
    """An injection that raises bits of the hardware error status of some servo."""

    def inject(rig: Rig) -> float:
        rig.upright = rig.device.do("angles")
        at_s = time.monotonic()
        rig.device.do("fail", rig.choice(ALL_IDS), bits)
        return at_s

    return inject


def _missing(rig: Rig) -> float:
    at_s = time.monotonic()
    rig.device.do("faults", {"missing": {rig.choice(ALL_IDS)}})
    return at_s


def _heat(rig: Rig) -> float:
    rig.upright = rig.device.do("angles")
    at_s = time.monotonic()
    rig.device.do("set_sensors", rig.choice(ALL_IDS), 90, 120)
    return at_s


def _sag(rig: Rig) -> float:
    at_s = time.monotonic()
    rig.device.do("set_sensors", rig.choice(ALL_IDS), 35, 80)
    return at_s


def _blip(rig: Rig) -> float:
    rig.upright = rig.device.do("angles")
    at_s = time.monotonic()
    rig.device.do("power_cycle", rig.choice(ALL_IDS))
    return at_s


def _restart_servos(rig: Rig) -> str:
    """The operator lets it cool, holds the arm, and restarts every motor that complains."""
    for servo_id in ALL_IDS:
        rig.device.do("set_sensors", servo_id, 35, 120)
    for servo_id, error in rig.device.do("registers", "hardware_error").items():
        if error:
            rig.device.do("power_cycle", servo_id)
    rig.client.run(_BOOT_S)
    rig.device.do("lift", rig.upright)
    return ""


def _unplug(rig: Rig) -> float:
    at_s = time.monotonic()
    rig.device.do("unplug")
    return at_s


def _plug(rig: Rig) -> str:
    rig.device.do("plug")
    return ""


def _block(rig: Rig) -> float:
    """Something stops the waist, and the command source goes on."""
    tool = tool_position(rig.client.joints or START_JOINTS)
    rig.client.shape = valued((0.0, math.copysign(0.04, -tool[1]), 0.0, 0.0, 0.0, 0.0, 0.5))
    at_s = time.monotonic()
    rig.device.do("block", [0])
    return at_s


def _limp(rig: Rig) -> None:
    rig.client.enable(False)
    hardware_error(_OVERLOAD)(rig)
    rig.client.run(0.1)


def _enable(rig: Rig) -> float:
    at_s = time.monotonic()
    done, _ = rig.client.enable(True)
    rig.notes = ["it was enabled with a servo that cannot hold"] if done else []
    return at_s


def _intrude(rig: Rig) -> float:
    """Another driver wants the port."""
    from crl_robot.errors import ArmError
    from crl_robot.widowx.port import SdkPort

    at_s = time.monotonic()
    rig.notes = []
    try:
        SdkPort(str(rig.device.port), 1_000_000, 0.02).close()
    except ArmError as error:
        rig.notes = [str(error)]
    return at_s


def _refused_driver(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """The second driver is refused in words, and the first does not notice."""
    refused = bool(rig.notes) and "already in use" in rig.notes[0]
    return goes_on(rig, log, at_s) if refused else (0.0, f"a second driver got the port: {rig.notes}")


def rows() -> list[Row]:
    """All of them happen in the plain session."""
    fault = ("arm_fault",)
    silent = WATCHDOG_STOP_MS
    lost = {"heal": _restart_servos, "window_s": 0.8}
    alert = AT_ONCE_MS + RETRIES_MS
    return [
        Row("cable_pulled", line_fault(pulled=True), silent, arm_stands, fault, _NO_ANSWER, 0.7),
        Row("servo_missing", _missing, silent, arm_stands, fault, _NO_ANSWER, 0.7),
        Row("line_torn", line_fault(corrupt=0.3, drop=0.1), silent, arm_stands, fault, _NO_ANSWER, 0.7),
        Row("answers_too_late", line_fault(delay_s=0.03), silent, arm_stands, fault, _NO_ANSWER, 0.7),
        Row("answers_slow", line_fault(delay_s=0.004), CHAIN_MS, goes_on, window_s=0.6),
        Row("line_noisy", line_fault(corrupt=0.0003, drop=0.0003), CHAIN_MS, goes_on, window_s=0.8),
        Row("adapter_unplugged", _unplug, silent, arm_stands, fault, ("port",), 0.7, heal=_plug),
        Row("second_driver", _intrude, CHAIN_MS, _refused_driver),
        Row("overload", hardware_error(_OVERLOAD), alert, goals_stand, fault, ("overloaded",), **lost),
        Row("overheat", _heat, alert, goals_stand, fault, ("overheated",), **lost),
        Row("enable_refused", _enable, AT_ONCE_MS, noted_stands, ("enable_refused",), prepare=_limp, **lost),
        Row("encoder", hardware_error(_ENCODER), alert, goals_stand, fault, ("encoder",), **lost),
        Row("shock", hardware_error(_SHOCK), alert, goals_stand, fault, ("shock",), **lost),
        Row("supply_sags", _sag, alert, goals_stand, fault, ("input voltage",), **lost),
        Row(
            "servo_loses_power",
            _blip,
            TORQUE_CHECK_MS + alert,
            goals_stand,
            fault,
            (*_NO_ANSWER, "torque"),
            **lost,
        ),
        Row("blocked", _block, CHAIN_MS, bounded, ("leash",), window_s=1.5),
    ]
