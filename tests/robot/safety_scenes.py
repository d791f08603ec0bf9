"""What provokes each row of the safety table that the controller watches; each returns whether the reaction came."""

import numpy as np
import pytest
from controller_rig import LIMITS, FakeArm

from crl_robot.contracts import Action
from crl_robot.control.safety_table import SAFETY_TABLE
from crl_robot.errors import ArmError, ContractError

ROWS = {row.event: row for row in SAFETY_TABLE if row.by == "controller"}


def refuses(rig, call, mode="holding"):
    try:
        call()
    except (ArmError, ContractError):
        return rig.controller.mode == mode and (mode == "moving" or rig.holds())
    return False


def stops(rig, event, mode="holding"):
    """Whether the arm is in ``mode``, told to hold, within the time of the row; ticks as an arm's node does."""
    for _ in range(max(1, round(ROWS[event].limit_s / 0.02))):
        rig.ticks(1)
        try:
            rig.controller.state()
        except ArmError:
            break
    return rig.controller.mode == mode and rig.holds()


def moving(rig, *values):
    rig.submit(*(values or (0.05,)))
    rig.ticks(2)
    return rig


def not_enabled(rig):
    rig.controller.disable()
    return refuses(rig, lambda: rig.submit(0.01), "disabled")


def second_source(rig):
    rig.submit(0.01, source="policy")
    return refuses(rig, lambda: rig.submit(0.01, source="gamepad"), "moving")


def bad_action(rig):
    broken = Action(np.zeros(7), rig.now)
    object.__setattr__(broken, "values", np.full(7, np.nan))
    return refuses(moving(rig), lambda: rig.controller.submit(broken, rig.now))


def stale_action(rig):
    return refuses(moving(rig), lambda: rig.submit(0.01, age_s=LIMITS.stale_action_s + 0.01))


def future_action(rig):
    return refuses(moving(rig), lambda: rig.submit(0.01, age_s=-LIMITS.future_action_s - 0.01))


def deadman(rig):
    refused = refuses(rig, lambda: rig.submit(0.01)) and refuses(rig, lambda: rig.home(0.31))
    rig.controller.deadman(True, rig.now)
    moving(rig)
    rig.now += round(0.2e9)
    silent = stops(rig, "deadman")
    rig.controller.deadman(True, rig.now)
    moving(rig).controller.deadman(False, rig.now)
    return refused and silent and rig.holds()


def silence(rig):
    rig.submit(0.05)
    return stops(rig, "silence") is False and stops(rig, "silence")


def step(rig):
    return abs(rig.submit(0.06, 0, 0, 0, 0, 0.28).values).max() <= LIMITS.max_step_rad


def workspace(rig):
    for _ in range(8):
        rig.submit(0, 0.05)
        rig.ticks()
    return rig.arm.q[1] <= LIMITS.workspace_high[1] + 1e-6


def leashed(rig):
    for _ in range(3):
        rig.submit(0.05)
        rig.ticks()
    return rig.controller.state().target.position[0] - rig.arm.q[0] <= LIMITS.leash_m + 1e-6


def joint_speed(rig):
    return rig.submit(0.05).values[0] <= 0.5 * 0.05


def unreachable(rig):
    rig.kinematics.joint_limits = np.array([[-1.0, 0.35]] + [[-1.0, 1.0]] * 2 + [[-3.0, 3.0]] * 3)
    return refuses(rig, lambda: rig.submit(0.04))


def singularity(rig):
    rig.kinematics.singular_x = 0.355
    return refuses(rig, lambda: rig.submit(0.05))


def self_collision(rig):
    rig.collisions.self_y = 0.02
    return refuses(rig, lambda: rig.submit(0, 0.03)) and refuses(rig, lambda: rig.home(0.3, 0.1))


def table_contact(rig):
    rig.collisions.table_y = 0.02
    return refuses(rig, lambda: rig.submit(0, 0.03)) and refuses(rig, lambda: rig.home(0.3, 0.1))


def home_refused(rig):
    return refuses(rig, lambda: rig.home(0.3, 0, -0.1))


def homed(rig):
    rig.home(0.31)
    rig.ticks(round((0.01 / LIMITS.home_speed) / 0.02))
    return stops(rig, "homed") is False and stops(rig, "homed")


def clock_went_back(rig):
    moving(rig).now -= 10**9
    return stops(rig, "clock_went_back")


def clock_jump(rig):
    moving(rig).now += round((LIMITS.clock_jump_s + 0.02) * 1e9)
    return stops(rig, "clock_jump")


def stale_joints(rig):
    frozen = rig.now
    rig.arm.clock_ns = lambda: frozen
    rig.controller.state()
    return stops(rig, "stale_joints") is False and stops(rig, "stale_joints", "estopped")


def bad_reading(rig):
    moving(rig).arm.read = lambda: FakeArm(q=np.full(6, np.nan)).read()
    with pytest.raises((ArmError, ContractError)):
        rig.controller.state()
    return rig.controller.mode == "estopped" and rig.holds()


def arm_fault(rig):
    moving(rig).arm.broken = True
    rig.ticks(1)
    rig.arm.broken = False
    return stops(rig, "arm_fault", "estopped")


def enable_refused(rig):
    rig.controller.disable()
    rig.arm.latched = "elbow overloaded"
    return refuses(rig, rig.controller.enable, "disabled")


def estop(rig):
    moving(rig).controller.estop("test")
    return stops(rig, "estop", "estopped") and refuses(rig, rig.controller.enable, "estopped")


def disabled(rig):
    moving(rig).controller.disable()
    return stops(rig, "disabled", "disabled")
