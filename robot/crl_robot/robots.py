"""The robots that can be simulated: model, scene, gripper, limits and where their tasks take place.

Everything that differs between them is data in this file; world, tasks and play take a `Robot` and know no names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crl_robot.arm_model import ROBOT_NAMES, ArmModel
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ConfigError, nearest
from crl_robot.gripper import FINGER_CLOSED_M, FINGER_OPEN_M
from crl_robot.kinematics import WX250S
from crl_robot.sawyer.model import GRIPPER_STROKE_M, SAWYER

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fingers:
    """A gripper of two fingers; lengths in m.

    Attributes:
        closed_m, open_m: distance of each finger from the middle when the gripper is closed and when it is open.
        half_m: half the size of the closed pair along x and y of the base, with the gripper pointing down.
        below_tool_m: how far the tips reach below the tool point.
    """

    closed_m: float
    open_m: float
    half_m: tuple[float, float]
    below_tool_m: float

    def at(self, opening: float) -> float:
        """Opening, 0 closed .. 1 open and clipped to it -> distance of each finger from the middle in m."""
        return self.closed_m + min(max(opening, 0.0), 1.0) * (self.open_m - self.closed_m)

    def opening(self, finger_m: float) -> float:
        """Distance of each finger from the middle in m -> opening, 0 closed .. 1 open, clipped to it."""
        return min(max((finger_m - self.closed_m) / (self.open_m - self.closed_m), 0.0), 1.0)


@dataclass(frozen=True)
class WristReach:
    """A sphere that the wrist must stay in when the gripper points down; the wrist is straight above the tool.

    Attributes:
        shoulder_m: height of the sphere's centre above the base.
        wrist_to_tool_m: height of the wrist above the tool.
        reach_m: radius.
    """

    shoulder_m: float
    wrist_to_tool_m: float
    reach_m: float

    def holds(self, position: Array) -> bool:
        """Whether the tool may be at ``position`` (3,) m."""
        height = position[2] + self.wrist_to_tool_m - self.shoulder_m
        return bool(np.linalg.norm([position[0], position[1], height]) <= self.reach_m)


@dataclass(frozen=True)
class Robot:
    """One robot.

    Attributes:
        name: as settings name it.
        data_name: as stores and checkpoints name it.
        model: the arm; its home pose has the gripper pointing down.
        scenes: MJCF files in crl_robot/assets with arm, table, objects and cameras, by the name of the scene; arm,
            table and cameras are named as in scene.xml.
        fingers: the gripper's linkage.
        limits: what the arm may do.
        wrist: what of the workspace box is out of reach with the gripper down; None when nothing is.
        shift_m: how much further along x its table begins than the WidowX's.
        can_area: (x, y) by (low, high) in m, where cans start and end.
        can_reach_m: largest distance of a can from the base.
        can_xy: where the can stands until somebody places it.
        tick_limits: control ticks that each task allows; only these tasks can be had.
        plays_pushes: whether play at its table pushes the can.
    """

    name: str
    data_name: str
    model: ArmModel
    scenes: dict[str, str]
    fingers: Fingers
    limits: SafetyLimits
    wrist: WristReach | None
    shift_m: float
    can_area: tuple[tuple[float, float], tuple[float, float]]
    can_reach_m: float
    can_xy: tuple[float, float]
    tick_limits: dict[str, int]
    plays_pushes: bool

    @property
    def n_joints(self) -> int:
        """Joints of the arm, without the gripper."""
        return len(self.model.joint_names)

    @property
    def home(self) -> Array:
        """(N,) rad."""
        return np.array(self.model.home)


WIDOWX = Robot(
    name="widowx",
    data_name="widowx250s",
    model=WX250S,
    scenes={"table": "scene.xml", "kitchen": "kitchen.xml"},
    fingers=Fingers(FINGER_CLOSED_M, FINGER_OPEN_M, half_m=(0.012, 0.015), below_tool_m=0.010),
    limits=SafetyLimits(),
    # Upper arm and forearm are 0.505 m when stretched; 1 cm less stays off the singularity.
    wrist=WristReach(shoulder_m=0.11065, wrist_to_tool_m=0.158575, reach_m=0.495),
    shift_m=0.0,
    can_area=((0.21, 0.39), (-0.15, 0.15)),
    can_reach_m=0.40,
    can_xy=(0.30, 0.12),
    # A straight reach across the box takes 8 to 10 ticks, a push with its approach 15 to 25: about twice that.
    tick_limits={
        "reach": 25,
        "push": 50,
        "pick_place": 40,
        "drawer": 25,
        "pick_place_table": 40,
        "pick_place_drawer": 60,
        "push_open_drawer": 55,
        "push_close_drawer": 55,
    },
    plays_pushes=True,
)

SAWYER_JOINT_SPEED = 0.39
"""rad/s: what the slowest joint does at the speed ratio of 0.3 that the driver sets."""

SAWYER_ROBOT = Robot(
    name="sawyer",
    data_name="sawyer",
    model=replace(SAWYER, home=(-0.270547, -1.062151, 0.0, 1.775838, 0.0, 0.857109, 1.474960)),
    scenes={"table": "sawyer_scene.xml", "drawer": "sawyer_drawer.xml"},
    fingers=Fingers(0.0, GRIPPER_STROKE_M / 2, half_m=(0.005, 0.0135), below_tool_m=0.0),
    limits=SafetyLimits(
        workspace_low=(0.45, -0.20, 0.015),
        workspace_high=(0.75, 0.20, 0.25),
        max_step_m=0.025,
        max_step_rad=0.075,
        leash_m=0.06,
        joint_speed=SAWYER_JOINT_SPEED,
        home_speed=0.2,
    ),
    wrist=None,
    shift_m=0.3,
    can_area=((0.51, 0.69), (-0.15, 0.15)),
    can_reach_m=1.0,
    can_xy=(0.60, 0.12),
    tick_limits={"reach": 30, "push": 60, "drawer": 40},
    plays_pushes=False,
)

_ROBOTS = dict(zip(ROBOT_NAMES, (WIDOWX, SAWYER_ROBOT), strict=True))


def robot(name: str) -> Robot:
    """The robot of that name. Raises ConfigError naming the nearest known one."""
    if name not in _ROBOTS:
        raise ConfigError(f"no simulated robot is named '{name}'; {nearest(name, _ROBOTS)}")
    return _ROBOTS[name]


def robot_of_data(data_name: str) -> Robot | None:
    """The robot that stores and checkpoints call ``data_name``; None for one that cannot be simulated."""
    return next((one for one in _ROBOTS.values() if one.data_name == data_name), None)
