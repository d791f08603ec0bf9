"""Records episodes from the running arm: ros2 launch crl_bringup collect.launch.py store:=play.zarr

/recorder/start begins an episode, /recorder/stop keeps it. With policy:=true the policy drives; else whoever publishes
/arm/action does.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

SHARE = Path(get_package_share_directory("crl_bringup"))
ARGUMENTS = (
    DeclareLaunchArgument(
        "store", default_value="recorded.zarr", description="Store to add to, relative to the folder you are in"
    ),
    DeclareLaunchArgument(
        "policy", default_value="false", choices=["true", "false"], description="Also let the policy drive to the goal"
    ),
    DeclareLaunchArgument(
        "recorder_params_file",
        default_value=str(SHARE / "configs" / "ros" / "recorder.yaml"),
        description="Parameters of the recorder node; store above wins over it",
    ),
)


def generate_launch_description() -> LaunchDescription:
    with_policy = LaunchConfiguration("policy")
    recorder = Node(
        package="crl_data",
        executable="recorder",
        parameters=[
            LaunchConfiguration("recorder_params_file"),
            {"store": ParameterValue(LaunchConfiguration("store"), value_type=str)},
        ],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=1.0,
        output="screen",
    )
    launch_files = SHARE / "launch"
    return LaunchDescription(
        [
            *ARGUMENTS,
            IncludeLaunchDescription(str(launch_files / "policy.launch.py"), condition=IfCondition(with_policy)),
            IncludeLaunchDescription(str(launch_files / "sim.launch.py"), condition=UnlessCondition(with_policy)),
            recorder,
        ]
    )
