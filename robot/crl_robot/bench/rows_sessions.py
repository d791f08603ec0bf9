"""Rows that need the arm's node set up in another way, and these set-ups."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from crl_robot.bench.device_log import DeviceLog
from crl_robot.bench.judge import Box
from crl_robot.bench.known_arm import BOX_HIGH, BOX_LOW, START_JOINTS, tool_position
from crl_robot.bench.outgoing import Shape, valued
from crl_robot.bench.rig import Rig, Session
from crl_robot.bench.row import AT_ONCE_MS, Reaction, Row, goals_stand, noted_stands, refused_stands
from crl_robot.bench.rows_commands import shaped, straighten

DEADMAN_S = 0.3
SLOW_RAD_S = 0.3
_WIDE = Box((-0.2, -0.5, -0.15), (0.75, 0.5, 0.75))
_HIGH_Z = 0.19
_RISE_S = 5.0

SESSIONS = (
    Session("plain", {}),
    Session("deadman", {"limits.deadman_s": DEADMAN_S}, deadman=True),
    Session("clock", {"use_sim_time": True}, own_clock=True),
    Session("slow", {"limits.joint_speed": SLOW_RAD_S}),
    Session("wide", {"limits.workspace_low": list(_WIDE.low), "limits.workspace_high": list(_WIDE.high)}, box=_WIDE),
    Session(
        "high",
        {"limits.workspace_low": [BOX_LOW[0], BOX_LOW[1], _HIGH_Z]},
        box=Box((BOX_LOW[0], BOX_LOW[1], _HIGH_Z), BOX_HIGH),
        way_points=((0.22, -0.12, 0.2), (0.38, 0.12, 0.24)),
    ),
)


def _release(rig: Rig) -> float:
    at_s = time.monotonic()
    rig.client.press(False)
    return at_s


def _let_go_silently(rig: Rig) -> float:
    """The message that the switch is pressed does not come any more."""
    at_s = rig.client.send_action()
    rig.client.pressed = False
    return at_s


def _jump(low_s: float, high_s: float) -> Callable[[Rig], float]:
    def inject(rig: Rig) -> float:
        rig.quiet()
        at_s = time.monotonic()
        rig.client.clock_shift_s += float(rig.rng.uniform(low_s, high_s))
        return at_s

    return inject


def _sideways(rig: Rig) -> Shape:
    return valued((0.0, 0.05 * float(rig.rng.choice([-1.0, 1.0])), 0.0, 0.0, 0.0, 0.0, 0.5))


def _speed_kept(rig: Rig, log: DeviceLog, at_s: float) -> Reaction:
    """No goal further from the one before than the slow speed allows in two inner ticks, unless it says: stay."""
    after = log.since(at_s)
    jump = np.abs(np.diff(after.goal_joints, axis=0))
    away = np.abs(after.goal_joints[1:] - after.present_joints[1:])
    fast = jump[(jump > 2 * 0.02 * SLOW_RAD_S + 0.003) & (away > 0.05)]
    return 0.0, f"a goal {fast.max():.3f} rad from the one before" if len(fast) else ""


def _towards(dx: float, dz: float) -> Callable[[Rig], float]:
    return shaped(lambda rig: valued((dx, 0.0, dz, 0.0, 0.0, 0.0, 0.5)))


def _inwards(rig: Rig) -> Shape:
    """Straight towards the axis of the waist."""
    tool = tool_position(rig.client.joints or START_JOINTS)
    dx, dy = (-0.03 * tool[:2] / np.linalg.norm(tool[:2])).tolist()
    return valued((dx, dy, 0.0, 0.0, 0.0, 0.0, 0.5))


def _home(rig: Rig) -> float:
    """Asked for inside the box: from below it, where the session begins, the same way home is allowed."""
    rig.client.until(lambda: tool_position(rig.client.joints or START_JOINTS)[2] > _HIGH_Z, _RISE_S)
    rig.quiet()
    at_s = time.monotonic()
    done, _ = rig.client.trigger("home")
    rig.notes = ["it went home"] if done else []
    return at_s


def rows() -> list[Row]:
    """All of them."""
    deadman = 1e3 * DEADMAN_S + 200.0 + AT_ONCE_MS
    # A clock that is set while the servos are asked makes their reading look old; that stops the arm as well.
    back, ahead = ("clock_went_back", "stale_joints"), ("clock_jump", "stale_joints", "silence")
    stuck = ("unreachable", "singularity", "self_collision", "table_contact", "joint_speed")
    down, out = _towards(0.0, -0.03), _towards(0.03, 0.01)
    return [
        Row("deadman_released", _release, AT_ONCE_MS, goals_stand, ("deadman",), session="deadman"),
        Row("deadman_silent", _let_go_silently, deadman, goals_stand, ("deadman",), (), 1.0, session="deadman"),
        Row("clock_back", _jump(-20.0, -0.2), AT_ONCE_MS, goals_stand, back, session="clock"),
        Row("clock_ahead", _jump(0.8, 20.0), AT_ONCE_MS, goals_stand, ahead, session="clock"),
        Row("joint_speed", shaped(_sideways), AT_ONCE_MS, _speed_kept, ("joint_speed",), session="slow"),
        Row("into_the_table", down, AT_ONCE_MS, refused_stands, stuck, (), 3.0, heal=straighten, session="wide"),
        Row(
            "into_itself", shaped(_inwards), AT_ONCE_MS, refused_stands, stuck, (), 3.5, heal=straighten, session="wide"
        ),
        Row("stretched_out", out, AT_ONCE_MS, refused_stands, stuck, (), 4.0, heal=straighten, session="wide"),
        Row("home_refused", _home, AT_ONCE_MS, noted_stands, ("home_refused",), session="high"),
    ]
