"""What /robot/state says, and what a person has to do before the arm may move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crl_robot.errors import ContractError

BUTTONS = ("unpressed", "pressed", "unknown", "released")
SOURCES = ("none", "user", "unknown", "fault", "engine")


@dataclass(frozen=True)
class RobotState:
    """Fields of RobotAssemblyState, with the two enumerations as words.

    Attributes:
        enabled: motors on. stopped: an e-stop is latched. error: a component reports a fault;
            the robot may be enabled and move all the same when it is not a fatal one.
        estop_button: 'unpressed', 'pressed', 'unknown' or 'released' (released, but the stop is still latched).
        estop_source: 'none', 'user' (the red button), 'unknown', 'fault' (a joint) or 'engine'.
    """

    enabled: bool
    stopped: bool
    error: bool
    estop_button: str
    estop_source: str
    low_voltage: bool = False

    @property
    def refusal(self) -> str:
        """Why the arm does not move and what to do; empty when it may move."""
        if self.estop_button == "pressed":
            return "the e-stop button is pressed: release it by turning, then reset(), then enable()"
        if self.stopped:
            return f"a stop is latched (source: {self.estop_source}): clear its cause, then reset(), then enable()"
        if self.low_voltage:
            return "the robot is in low voltage mode: check its mains supply"
        if self.enabled:
            return ""
        if self.error:
            return "the robot is disabled and reports an error: reset(), and read its own log if the error comes back"
        return "the robot is disabled: enable() it when nobody is within its reach"


def parse_state(message: Mapping[str, Any]) -> RobotState:
    """Raises ContractError when a field is missing or has a value that is not of the message's definition."""
    try:
        flags = [message[name] for name in ("enabled", "stopped", "error")]
        button = _word(BUTTONS, message["estop_button"], "estop_button")
        source = _word(SOURCES, message["estop_source"], "estop_source")
    except (KeyError, TypeError) as error:
        raise ContractError(f"robot state lacks {error}; is this intera_core_msgs/RobotAssemblyState?") from error
    if not all(isinstance(flag, bool) for flag in flags):
        raise ContractError(f"robot state has enabled, stopped, error = {flags}, expected true or false each")
    enabled, stopped, fault = flags
    return RobotState(enabled, stopped, fault, button, source, bool(message.get("lowVoltage", False)))


def _word(words: tuple[str, ...], value: Any, name: str) -> str:
    if not isinstance(value, int) or not 0 <= value < len(words):
        raise ContractError(f"{name} is {value!r}, expected 0 to {len(words) - 1}")
    return words[value]
