"""The page's buttons: what each does, and whether it can be pressed now, with the reason where it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crl_robot.errors import ConfigError, nearest

Facts = Mapping[str, Any] | None


@dataclass(frozen=True)
class Call:
    """A service of the graph: SetBool with ``value``, Trigger without one."""

    service: str
    value: bool | None = None


CALLS: dict[str, tuple[Call, ...]] = {
    "enable": (Call("arm/enable", True),),
    "disable": (Call("arm/enable", False), Call("policy/pause")),
    "estop": (Call("arm/estop"), Call("policy/pause")),
    "reset": (Call("arm/reset"),),
    "home": (Call("arm/home"),),
    "start": (Call("policy/start"),),
    "pause": (Call("policy/pause"),),
    "step": (Call("policy/step"),),
    "stop": (Call("policy/stop"),),
    "next_stage": (Call("policy/next_stage"),),
    "check": (Call("policy/check"),),
    "capture_goal": (Call("policy/capture_goal"),),
    "record": (Call("recorder/start"),),
    "success": (Call("recorder/mark_success", True),),
    "failure": (Call("recorder/mark_success", False),),
    "drop": (Call("recorder/discard"),),
}
KEEP = {
    "recording": (Call("recorder/stop"), Call("recorder/accept")),
    "finishing": (Call("recorder/stop"), Call("recorder/accept")),
    "pending": (Call("recorder/accept"),),
}
"""Keeping ends what still runs; the recorder itself asks for both."""
STOPS = frozenset({"estop", "disable", "pause", "stop"})
"""Always possible: a page that is wrong about the state must not stand between a person and a stop.

Their calls are made side by side, whatever becomes of the others; the first one's answer is told.
"""
EVERYWHERE = (*CALLS, "keep")


def calls_for(command: str, recorder: Facts) -> tuple[Call, ...]:
    """The services behind a button. Raises ConfigError for a command that is not known or cannot be now."""
    if command == "keep":
        state = str((recorder or {}).get("state", "away"))
        if state not in KEEP:
            raise ConfigError(f"there is nothing to keep: the recorder is {state}; record an episode first")
        return KEEP[state]
    if command not in CALLS:
        raise ConfigError(f"there is no command '{command}', {nearest(command, EVERYWHERE)}")
    return CALLS[command]


def controls(arm: Facts, policy: Facts, recorder: Facts) -> dict[str, str]:
    """For each button why it cannot be pressed now; empty where it can."""
    mode, state = str((arm or {}).get("mode", "")), str((policy or {}).get("state", ""))
    return {
        **_of_arm(arm, mode),
        **_of_policy(policy, mode, state),
        **_of_recorder(recorder),
        **dict.fromkeys(STOPS, ""),
    }


def _of_arm(arm: Facts, mode: str) -> dict[str, str]:
    away = "" if arm is not None else "the arm is not heard; start its node"
    latched = "the e-stop is latched; clear the cause and reset first" if mode == "estopped" else ""
    disabled = "enable the arm first" if mode == "disabled" else ""
    return {
        "enable": away or latched or ("" if mode == "disabled" else "the arm is enabled"),
        "reset": away or ("" if mode == "estopped" else "the e-stop is not latched"),
        "home": away or latched or disabled,
    }


def _of_policy(policy: Facts, mode: str, state: str) -> dict[str, str]:
    away = "" if policy is not None else "the policy is not heard; start its node"
    inactive = "the policy's node is not active" if state == "inactive" else ""
    dry = bool((policy or {}).get("dry_run"))
    no_goal = "" if (policy or {}).get("goal") else "there is no goal yet; capture or add one"
    blocked = {"disabled": "enable the arm first", "estopped": "the e-stop is latched; reset it first"}.get(mode, "")
    go = away or inactive or no_goal or ("" if dry else blocked)
    busy = {"running": "the policy acts already", "preparing": "a run is being prepared; stop gives it up"}
    running = busy.get(state, "")
    stages = len((policy or {}).get("stages") or ())
    last = int((policy or {}).get("stage") or 0) >= stages - 1
    return {
        "start": go or running,
        "step": go or ("pause first" if running else ""),
        "next_stage": away or inactive or ("there is no further goal" if last else ""),
        "check": away or inactive,
        "capture_goal": away or inactive,
    }


def _of_recorder(recorder: Facts) -> dict[str, str]:
    state = str((recorder or {}).get("state", ""))
    away = "" if recorder is not None else "no recorder is heard"
    nothing = "" if state in KEEP else "there is no episode"
    waiting = str((recorder or {}).get("waiting_for") or "")
    busy = "an episode is being recorded or waits for keep or drop" if state in KEEP else ""
    return {
        "record": away or busy or waiting,
        **dict.fromkeys(("keep", "drop", "success", "failure"), away or nothing),
    }
