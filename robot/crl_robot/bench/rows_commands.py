"""Rows: what command sources and operators do wrong, or do to stop the arm."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from crl_robot.bench.device_log import DeviceLog
from crl_robot.bench.known_arm import START_JOINTS, tool_position
from crl_robot.bench.outgoing import ACTION_NAMES, Outgoing, Shape, named, resized, shifted, spoiled, valued
from crl_robot.bench.rig import Rig
from crl_robot.bench.row import (
    AT_ONCE_MS,
    CHAIN_MS,
    INNER_MS,
    PERIOD_MS,
    Reaction,
    Row,
    bounded,
    goals_stand,
    refused_stands,
    shortened,
)

STALE_MS = 500.0


def shaped(make: Callable[[Rig], Shape]) -> Callable[[Rig], float]:
    """An injection that sends one changed Action at once, and only such ones from then on."""

    def inject(rig: Rig) -> float:
        rig.client.shape = make(rig)
        return rig.client.send_action()

    return inject


def _nan(rig: Rig) -> Shape:
    return spoiled(rig.choice(tuple(range(7))), float(rig.rng.choice([math.nan, math.inf, -math.inf])))


def _size(rig: Rig) -> Shape:
    return resized(rig.choice((0, 1, 6, 8)))


def _names(rig: Rig) -> Shape:
    wrong = (("waist",) * 7, (), ("dx", "dy", "dz", "droll", "dpitch", "dyaw"), tuple(reversed(ACTION_NAMES)))
    return named(wrong[rig.choice(tuple(range(len(wrong))))])


def _past(rig: Rig) -> Shape:
    return shifted(-float(rig.rng.uniform(0.6, 30.0)))


def _future(rig: Rig) -> Shape:
    return shifted(float(rig.rng.uniform(0.2, 30.0)))


def _far(rig: Rig) -> Shape:
    """A step of 0.06 to 0.5 m along an axis, towards the middle of where the arm works."""
    axis, size = rig.choice((0, 1)), float(rig.rng.uniform(0.06, 0.5))
    tool = tool_position(rig.client.joints or START_JOINTS)
    delta = [0.0] * 6
    delta[axis] = math.copysign(size, (0.3, 0.0)[axis] - tool[axis])
    return valued((*delta, 0.5))


def _outwards(rig: Rig) -> Shape:
    delta = np.zeros(7)
    delta[rig.choice((0, 1, 2))] = float(rig.rng.choice([-0.05, 0.05]))
    return valued(tuple(delta.tolist()))


def straighten(rig: Rig) -> str:
    """The operator brings the arm home, where the gripper points down."""
    rig.heal()
    rig.go_home()
    return ""


def _tilting(rig: Rig) -> Shape:
    return valued((0.0, 0.0, 0.0, 0.0, float(rig.rng.choice([-0.25, 0.25])), 0.0, 0.5))


def _frozen_image(rig: Rig) -> float:
    rig.client.stamp_ns = rig.client.now_ns()
    return rig.client.send_action()


def _silence(rig: Rig) -> float:
    at_s = rig.client.send_action()
    rig.quiet()
    return at_s


def _second_source(rig: Rig) -> float:
    rig.notes = [str(rig.client.now_ns())]
    return rig.client.send_second(Outgoing((0.0, 0.0, 0.03, 0.0, 0.0, 0.2, 0.0), int(rig.notes[0])))


def _owner_goes_on(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """The Action of the other must not come back as commanded, and those of the owner must."""
    taken = {c.stamp_ns for c in rig.client.commanded if c.at_s >= at_s}
    if int(rig.notes[0]) in taken:
        return 0.0, "the Action of a second source was taken"
    return 0.0, "" if taken else "the Actions of the owner were not taken any more"


def _disable(rig: Rig) -> float:
    at_s = time.monotonic()
    rig.client.enable(False)
    return at_s


def _disabled(rig: Rig) -> None:
    rig.client.enable(False)
    rig.client.run(0.15)


def _now(rig: Rig) -> float:
    return rig.client.send_action()


def _estop(rig: Rig) -> float:
    at_s = time.monotonic()
    rig.client.trigger("estop")
    return at_s


def _estop_topic(rig: Rig) -> float:
    at_s = time.monotonic()
    rig.client.input_estop(True)
    return at_s


def _going_home(rig: Rig) -> None:
    rig.quiet()
    rig.client.trigger("home")
    rig.client.run(float(rig.rng.uniform(0.05, 0.15)))


def _home(rig: Rig) -> float:
    rig.quiet()
    at_s = time.monotonic()
    rig.client.trigger("home")
    return at_s


def _home_ends(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """Stated is when the arm says it is at home: 0.3 s after the slow move, and then it holds."""
    moved = log.last_change(at_s) - at_s
    return 1e3 * max(0.0, moved - 4.0), "" if moved > 0.05 else "it did not go home"


def rows() -> list[Row]:
    """Those of the plain session."""
    stuck = ("unreachable", "singularity", "self_collision", "table_contact", "joint_speed")
    stale = STALE_MS + PERIOD_MS + AT_ONCE_MS
    silence = 2 * PERIOD_MS + INNER_MS + CHAIN_MS
    return [
        Row("bad_action_nan", shaped(_nan), AT_ONCE_MS, goals_stand, ("bad_action",)),
        Row("bad_action_size", shaped(_size), AT_ONCE_MS, goals_stand, ("bad_action",)),
        Row("bad_action_names", shaped(_names), AT_ONCE_MS, goals_stand, ("bad_action",)),
        Row("stale_action", shaped(_past), AT_ONCE_MS, goals_stand, ("stale_action",)),
        Row("stale_image", _frozen_image, stale, goals_stand, ("stale_action",), window_s=1.2),
        Row("future_action", shaped(_future), AT_ONCE_MS, goals_stand, ("future_action",)),
        Row("silence", _silence, silence, goals_stand, ("silence",), window_s=0.8),
        Row("second_source", _second_source, AT_ONCE_MS, _owner_goes_on, ("second_source",)),
        Row("step", shaped(_far), AT_ONCE_MS, shortened, ("step",)),
        Row("workspace", shaped(_outwards), AT_ONCE_MS, bounded, ("workspace",), window_s=2.5),
        Row("unreachable", shaped(_tilting), AT_ONCE_MS, refused_stands, stuck, window_s=2.2, heal=straighten),
        Row("disabled", _disable, 100.0 + CHAIN_MS, goals_stand, ("disabled",)),
        Row("not_enabled", _now, AT_ONCE_MS, goals_stand, ("not_enabled",), prepare=_disabled),
        Row("estop_service", _estop, AT_ONCE_MS, goals_stand, ("estop",)),
        Row("estop_topic", _estop_topic, AT_ONCE_MS, goals_stand, ("estop",)),
        Row("action_while_homing", _now, AT_ONCE_MS, goals_stand, ("not_enabled",), prepare=_going_home, bounded=False),
        Row("homed", _home, AT_ONCE_MS, _home_ends, ("homed",), window_s=2.0, bounded=False),
    ]
