"""What the verbs of `crl-robot` share."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from crl_robot.widowx.arm import WidowXArm
    from crl_robot.widowx.settings import ServoArmSettings

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What a group adds its verbs to."""


def add_arm_arguments(parser: argparse.ArgumentParser) -> None:
    """The arm and its port."""
    parser.add_argument("--arm", default="wx250s", help="servo table: a name or a YAML file (default: %(default)s)")
    parser.add_argument("--port", help="serial port (default: the only adapter that is plugged in)")
    parser.add_argument(
        "--answer-ms", type=float, default=20.0, help="time to wait for a servo's answer (default: %(default)s)"
    )


def settings(arguments: argparse.Namespace) -> ServoArmSettings:
    """The driver's settings, patient as asked."""
    from crl_robot.widowx.settings import ServoArmSettings

    return ServoArmSettings(answer_s=arguments.answer_ms / 1e3)


def chosen_port(arguments: argparse.Namespace) -> str:
    """The port that was named, or the only one there is. Raises ArmError."""
    from crl_robot.widowx.doctor import choose_port

    return arguments.port or choose_port()


@contextmanager
def connected(arguments: argparse.Namespace) -> Iterator[WidowXArm]:
    """The arm, connected and not yet enabled; closed afterwards."""
    from crl_robot.widowx.arm import WidowXArm
    from crl_robot.widowx.servo_table import load_servo_table

    arm = WidowXArm(chosen_port(arguments), load_servo_table(arguments.arm), settings(arguments))
    try:
        yield arm
    finally:
        arm.close()


def agreed(arguments: argparse.Namespace, question: str) -> bool:
    """Whether the user said yes, by --yes or when asked."""
    return arguments.yes or input(f"{question} Type yes: ").strip().lower() == "yes"
