"""Every row of the safety table that the controller watches: it reacts in time, and only because of that row."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import safety_scenes as scenes
from controller_rig import LIMITS, FakeArm, FakeCollisions, Rig
from safety_scenes import ROWS

from crl_robot.contracts import ActionSpec
from crl_robot.control import leash, safety
from crl_robot.control.arm_modes import ModalArm
from crl_robot.control.command_sources import CommandSources
from crl_robot.control.controller import ArmController
from crl_robot.control.joint_move import JointMove
from crl_robot.control.step_planner import StepPlanner
from crl_robot.control.watched_arm import WatchedArm


@dataclass(frozen=True)
class Case:
    """How a row is provoked, on a rig with ``options``, and what switches it off: (owner, name, replacement)."""

    scene: object
    off: tuple
    options: dict


def case(scene, *off, **options):
    return Case(scene, off, options)


def nothing(*_):
    return None


NO_STOP = (JointMove, "why_stop", nothing)
NO_FRESH = (safety, "check_fresh", nothing)
NO_WAY = (FakeCollisions, "check_way", nothing)
UNSOLVED = (StepPlanner, "_solve", lambda self, p, r, d, stand: (np.append(p + d[:3], d[3:]), d))

CASES = {
    "not_enabled": case(scenes.not_enabled, (ModalArm, "_require_enabled", nothing)),
    "second_source": case(scenes.second_source, (CommandSources, "check_owner", nothing)),
    "bad_action": case(scenes.bad_action, (safety, "check_values", nothing)),
    "stale_action": case(scenes.stale_action, NO_FRESH),
    "future_action": case(scenes.future_action, NO_FRESH),
    "deadman": case(scenes.deadman, (CommandSources, "check_deadman", nothing), limits=replace(LIMITS, deadman_s=0.1)),
    "silence": case(scenes.silence, NO_STOP),
    "step": case(scenes.step, (safety, "clip_step", lambda delta, limits: delta)),
    "workspace": case(scenes.workspace, (safety, "clip_to_workspace", lambda base, target, limits: target)),
    "leash": case(
        scenes.leashed,
        (leash, "leash_fraction", lambda *_: 1.0),
        (leash, "pull_in", lambda base, *_: base),
        stiffness=0.0,
    ),
    "joint_speed": case(
        scenes.joint_speed, UNSOLVED, spec=ActionSpec(rate_hz=20.0), limits=replace(LIMITS, joint_speed=0.5)
    ),
    "unreachable": case(scenes.unreachable, (safety, "check_joints", nothing)),
    "singularity": case(scenes.singularity, (safety, "check_dexterity", nothing)),
    "self_collision": case(scenes.self_collision, NO_WAY),
    "table_contact": case(scenes.table_contact, NO_WAY),
    "home_refused": case(scenes.home_refused, (StepPlanner, "check_home", nothing)),
    "homed": case(scenes.homed, NO_STOP),
    "clock_went_back": case(scenes.clock_went_back, NO_STOP),
    "clock_jump": case(scenes.clock_jump, NO_STOP),
    "stale_joints": case(scenes.stale_joints, (WatchedArm, "read", lambda self, now_ns: self.read_any_age())),
    "bad_reading": case(scenes.bad_reading, (WatchedArm, "read", lambda self, now_ns: self.arm.read())),
    "arm_fault": case(scenes.arm_fault, (ModalArm, "_arm_fault", nothing)),
    "enable_refused": case(scenes.enable_refused, (FakeArm, "enable", nothing)),
    "estop": case(scenes.estop, (ArmController, "estop", nothing)),
    "disabled": case(scenes.disabled, (ArmController, "disable", nothing)),
}


def reacts(event):
    rig = Rig(**CASES[event].options).enabled()
    return CASES[event].scene(rig) and rig.events[event] > 0


@pytest.mark.parametrize("event", ROWS)
def test_each_row_reacts_to_its_condition(event):
    assert reacts(event)


@pytest.mark.parametrize("event", ROWS)
def test_a_row_that_is_switched_off_is_missed(event, monkeypatch):
    for owner, name, replacement in CASES[event].off:
        monkeypatch.setattr(owner, name, replacement)
    assert not reacts(event)
