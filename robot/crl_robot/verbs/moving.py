"""`crl-robot jog`, `home`, `release`, `reboot` and `clear`: an arm moved and put right by hand, slowly."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from crl_robot.errors import ConfigError, nearest
from crl_robot.verbs.common import Verbs, add_arm_arguments, agreed, connected

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crl_robot.widowx.arm import WidowXArm

_LEFT_ON = "the arm holds with its torque on; crl-robot release switches it off"


def add(verbs: Verbs) -> None:
    """Add the verbs that move the arm or change its torque."""
    jog = _verb(verbs, "jog", "move one joint by some degrees, or the gripper to an opening", _jog)
    jog.add_argument("joint", help="name of the joint, or gripper")
    jog.add_argument("amount", type=float, help="degrees to move by; for the gripper its opening, 0 closed .. 1 open")
    _speed(jog, 10.0)
    home = _verb(verbs, "home", "move slowly to a pose, straight in joint space", _home)
    home.add_argument("--pose", default="home", help="a pose of the servo table: home, sleep, ... (default: home)")
    _speed(home, 15.0)
    _verb(verbs, "release", "switch the torque off to guide the arm by hand; without support it falls", _release)
    reboot = _verb(verbs, "reboot", "restart one motor, which clears its error; its joint is limp meanwhile", _reboot)
    reboot.add_argument("servo", help="name of the servo, as crl-robot doctor shows it")
    _verb(verbs, "clear", "clear a tripped bus watchdog; the arm stays where it is", _clear)


def _verb(verbs: Verbs, name: str, text: str, run: object) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=text, description=text)
    add_arm_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask before the arm moves or loses its torque")
    parser.set_defaults(run=run)
    return parser


def _speed(parser: argparse.ArgumentParser, default: float) -> None:
    parser.add_argument("--speed", type=float, default=default, help="degrees per second (default: %(default)s)")


def _jog(arguments: argparse.Namespace) -> int:
    import numpy as np

    with connected(arguments) as arm:
        target, gripper = arm.read().position.copy(), arm.read().gripper
        if arguments.joint == "gripper":
            gripper = arguments.amount
        elif arguments.joint in arm.joint_names:
            target[arm.joint_names.index(arguments.joint)] += np.radians(arguments.amount)
        else:
            known = (*arm.joint_names, "gripper")
            raise ConfigError(f"no joint '{arguments.joint}', {nearest(arguments.joint, known)}")
        return _move(arguments, arm, target, gripper, f"{arguments.joint} moves to {arguments.amount:+g}.")


def _home(arguments: argparse.Namespace) -> int:
    import numpy as np

    with connected(arguments) as arm:
        if arguments.pose not in arm.table.poses:
            raise ConfigError(f"no pose '{arguments.pose}', {nearest(arguments.pose, arm.table.poses)}")
        target = np.array(arm.table.poses[arguments.pose])
        question = f"The arm moves straight in joint space to '{arguments.pose}'. Is the way free?"
        return _move(arguments, arm, target, arm.read().gripper, question)


def _move(
    arguments: argparse.Namespace, arm: WidowXArm, target: NDArray[np.float64], gripper: float, question: str
) -> int:
    from math import radians

    from crl_robot.schedule import Schedule
    from crl_robot.widowx.goals import goals_from
    from crl_robot.widowx.moving import PERIOD_S, move_to

    if not 0 < arguments.speed <= 60:
        raise ConfigError(f"speed is {arguments.speed} degrees/s, expected above 0 and at most 60")
    goals_from(arm.table, target, gripper)  # refuses what is out of reach before anything moves
    if not agreed(arguments, question):
        return 1
    arm.enable()
    move_to(arm, target, gripper, radians(arguments.speed), Schedule(PERIOD_S))
    print(_LEFT_ON)
    return 0


def _release(arguments: argparse.Namespace) -> int:
    if not agreed(arguments, "Without torque the arm falls. Do you hold it with both hands?"):
        return 1
    with connected(arguments) as arm:
        arm.release(supported=True)
    print("the torque is off")
    return 0


def _reboot(arguments: argparse.Namespace) -> int:
    if not agreed(arguments, f"The joint of {arguments.servo} goes limp for a second. Do you hold the arm?"):
        return 1
    with connected(arguments) as arm:
        powered = arm.powered
        arm.reboot(arguments.servo)
        if powered:
            arm.enable()
    print(_LEFT_ON if powered else f"{arguments.servo} was restarted; the torque is off as before")
    return 0


def _clear(arguments: argparse.Namespace) -> int:
    if not agreed(arguments, "Do you know why the watchdog tripped?"):
        return 1
    with connected(arguments) as arm:
        arm.clear_watchdog()
    print(_LEFT_ON)
    return 0
