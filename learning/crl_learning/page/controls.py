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
    "hand_over": (Call("policy/hand_over"),),
    "resume": (Call("policy/resume"),),
    "next_stage": (Call("policy/next_stage"),),
    "check": (Call("policy/check"),),
    "capture_goal": (Call("policy/capture_goal"),),
    "run_success": (Call("run/success", True),),
    "run_failure": (Call("run/success", False),),
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
BUSY = {"running": "the policy acts already", "preparing": "a run is being prepared; stop gives it up"}
"""Why no run can be started, by the policy's state."""
ACTING = {
    "running": "the policy acts and would end the move; pause or stop it first",
    "preparing": BUSY["preparing"],
}
"""Why the arm is not sent home, by the policy's state: the policy's next action would end the move."""
TAKEN = ("handed_over", "moving")
"""States of policy and arm while a person moves it."""
NOT_HANDED_OVER = {
    "preparing": BUSY["preparing"],
    "handed_over": "the arm is handed over already",
    **dict.fromkeys(("ready", "ended"), "no run goes on; start one first"),
}
"""Why the arm cannot be handed over, by the policy's state."""


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


def controls(arm: Facts, policy: Facts, recorder: Facts, run: Facts) -> dict[str, str]:
    """For each button why it cannot be pressed now; empty where it can.

    Args:
        run: what the recorder of the policy's runs says of itself.
    """
    mode, state = str((arm or {}).get("mode", "")), str((policy or {}).get("state", ""))
    return {
        **_of_arm(arm, mode, "" if (policy or {}).get("dry_run") else state),
        **_of_policy(policy, mode, state),
        **_of_recorder(recorder),
        **dict.fromkeys(("run_success", "run_failure"), _of_verdict(run)),
        **dict.fromkeys(STOPS, ""),
    }


def _of_arm(arm: Facts, mode: str, state: str) -> dict[str, str]:
    """``state`` of a policy that commands the arm; of a dry run ''."""
    away = "" if arm is not None else "the arm is not heard; start its node"
    latched = "the e-stop is latched; clear the cause and reset first" if mode == "estopped" else ""
    disabled = "enable the arm first" if mode == "disabled" else ""
    return {
        "enable": away or latched or ("" if mode == "disabled" else "the arm is enabled"),
        "reset": away or ("" if mode == "estopped" else "the e-stop is not latched"),
        "home": away or latched or disabled or ACTING.get(state, ""),
    }


def _of_policy(policy: Facts, mode: str, state: str) -> dict[str, str]:
    away = "" if policy is not None else "the policy is not heard; start its node"
    absent = away or ("the policy's node is not active" if state == "inactive" else "")
    go = absent or _before_acting(policy or {}, mode, state)
    stages = len((policy or {}).get("stages") or ())
    last = int((policy or {}).get("stage") or 0) >= stages - 1
    return {
        "start": go or BUSY.get(state, ""),
        "step": go or ("pause first" if state in BUSY else ""),
        "hand_over": absent or NOT_HANDED_OVER.get(state, ""),
        "resume": go or ("" if state in ("paused", "handed_over") else "the policy has not let go of the arm"),
        "next_stage": absent or ("there is no further goal" if last else ""),
        "check": absent,
        "capture_goal": absent,
    }


def _before_acting(policy: Mapping[str, Any], mode: str, state: str) -> str:
    """What must be done before the policy can act, whatever it does now."""
    if not policy.get("goal"):
        return "there is no goal yet; capture or add one"
    if (state, mode) == TAKEN:
        return "somebody else still moves the arm; let go of it first"
    blocked = {
        "": "the arm is not heard; start its node",
        "disabled": "enable the arm first",
        "estopped": "the e-stop is latched; reset it first",
    }
    return "" if policy.get("dry_run") else blocked.get(mode, "")


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


def _of_verdict(run: Facts) -> str:
    if run is None:
        return "no run recorder is heard"
    return "" if run.get("state") in ("recording", "judging") else "no run is recorded or waits for a verdict"
