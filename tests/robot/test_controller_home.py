"""The way home: it ends at home, or says that it does not, and never leads an arm that does not follow."""

from dataclasses import replace

import numpy as np
import pytest
from controller_rig import INNER_NS, LIMITS, START, Rig

FAR = np.array([*START[:3], 0.0, 0.0, 2.0])


def targets(rig):
    return np.array([q for kind, q in rig.arm.log if kind == "command"])


def test_a_blocked_arm_is_not_led_farther_than_the_leash_and_is_not_at_home():
    """The target ran 2 rad ahead of a blocked arm, which then was told to be at home."""
    rig = Rig(stiffness=0.0).enabled()
    rig.controller.home(FAR, rig.now)
    rig.ticks(300)
    assert np.abs(targets(rig) - START).max() <= LIMITS.leash_rad + LIMITS.home_speed * INNER_NS / 1e9 + 1e-9
    assert (rig.controller.mode, rig.events["leash"], rig.events["homed"]) == ("holding", 1, 0)
    assert "stopped on the way home: target of yaw" in rig.controller.reason
    assert rig.holds()


@pytest.mark.parametrize("short_rad", [0.2, 0.05])
def test_an_arm_that_stops_short_of_home_is_there_only_within_the_tolerance(short_rad):
    rig = Rig().enabled()
    read = rig.arm.read

    def stuck():
        rig.arm.q[5] = min(rig.arm.q[5], 2.0 - short_rad)
        return read()

    rig.arm.read = stuck
    rig.controller.home(FAR, rig.now)
    rig.ticks(300)
    assert rig.controller.mode == "holding"
    assert (rig.controller.reason == "at home") == (short_rad < 0.1)
    assert ("did not reach home: target of yaw" in rig.controller.reason) == (short_rad > 0.1)


@pytest.mark.parametrize(("stiffness", "says"), [(None, "at the start pose"), (0.0, "stopped on the way to the start")])
def test_another_pose_than_home_is_called_by_its_name(stiffness, says):
    rig = (Rig() if stiffness is None else Rig(stiffness=stiffness)).enabled()
    rig.controller.home(FAR, rig.now, "the start pose")
    rig.ticks(300)
    assert rig.controller.mode == "holding"
    assert says in rig.controller.reason


def test_an_arm_that_falls_silent_on_the_way_home_latches_the_estop():
    rig = Rig().enabled()
    rig.controller.home(FAR, rig.now)
    rig.ticks(10)
    rig.arm.broken = True
    rig.ticks(1)
    assert rig.controller.mode == "estopped"


def test_a_late_inner_tick_on_a_fast_way_home_moves_no_joint_faster_than_its_limit():
    """Nothing failed when inner ticks were not limited."""
    limits = replace(LIMITS, home_speed=3.0, joint_speed=1.0, leash_rad=9.0)
    rig = Rig(limits=limits).enabled()
    rig.controller.home(FAR, rig.now)
    rig.ticks(3)
    rig.now += round(0.3e9)
    rig.ticks(3)
    steps = np.abs(np.diff(np.vstack([START, targets(rig)]), axis=0)).max(axis=1)
    assert steps.max() <= 2 * INNER_NS / 1e9 * limits.joint_speed + 1e-9
