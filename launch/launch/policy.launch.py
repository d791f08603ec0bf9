"""Drives the arm to a goal image: ros2 launch crl_bringup policy.launch.py goal:=img.png

All arguments of robot.launch.py say which arm. Except for robot:=sim it moves only after /arm/enable.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.substitutions import LaunchConfiguration, PythonExpression
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

SHARE = Path(get_package_share_directory("crl_bringup"))
OF_THE_ROBOT = PythonExpression(["'_sawyer' if '", LaunchConfiguration("robot"), "' == 'sawyer' else ''"])
ARGUMENTS = (
    DeclareLaunchArgument(
        "goal",
        default_value="",
        description="Image of what you want, relative to the folder you are in; empty: wait for one on /goal/image",
    ),
    DeclareLaunchArgument(
        "checkpoint",
        default_value=["models/", LaunchConfiguration("task"), OF_THE_ROBOT],
        description="Folder of the policy, relative to the folder you are in, else a shipped one",
    ),
    DeclareLaunchArgument(
        "policy_params_file",
        default_value=str(SHARE / "configs" / "ros" / "policy.yaml"),
        description="Parameters of the policy node; goal and checkpoint above win over it",
    ),
)


def generate_launch_description() -> LaunchDescription:
    policy = Node(
        package="crl_learning",
        executable="policy",
        namespace=LaunchConfiguration("namespace"),
        parameters=[
            LaunchConfiguration("policy_params_file"),
            {name: ParameterValue(LaunchConfiguration(name), value_type=str) for name in ("goal", "checkpoint")},
        ],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=1.0,
        output="screen",
    )
    robot = IncludeLaunchDescription(str(SHARE / "launch" / "robot.launch.py"))
    return LaunchDescription([robot, *ARGUMENTS, policy])
