"""Which MuJoCo model an arm has, and what of it is the arm: names without geometry, so that drivers may import it."""

from __future__ import annotations

from dataclasses import dataclass

from crl_robot.errors import ConfigError

ROBOT_NAMES = ("widowx", "sawyer")
"""The robots of `crl_robot.robots`, for command lines that shall not wait for MuJoCo."""


@dataclass(frozen=True)
class ArmModel:
    """One arm's model.

    Attributes:
        file: model in crl_robot/assets, whose first joints are those of the arm, in order.
        joint_names: names of these joints, base to tool.
        home: start pose (N,) rad.
        tool: name of the site of the tool point, x axis along the approach, y axis across the fingers.
    """

    file: str
    joint_names: tuple[str, ...]
    home: tuple[float, ...]
    tool: str = "tool"

    def __post_init__(self) -> None:
        if len(self.home) != len(self.joint_names) or not self.joint_names:
            raise ConfigError(
                f"the home pose of {self.file} has {len(self.home)} joints, expected {len(self.joint_names)}: "
                "one for each name"
            )
