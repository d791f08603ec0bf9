"""Starts the simulated arm with its cameras: ros2 launch crl_bringup sim.launch.py

The other launch files include this one, so what holds for all processes stands here alone: their environment, and the
watch that ends the launch with an error when one of them dies, and the time they get to end. Only a session ends by
itself: its end is the end of the launch, without an error.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    RegisterEventHandler,
    SetEnvironmentVariable,
    SetLaunchConfiguration,
    Shutdown,
)
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

ROS_CONFIGS = Path(get_package_share_directory("crl_bringup"), "configs", "ros")
ARGUMENTS = (
    DeclareLaunchArgument("robot", default_value="sim", choices=["sim"], description="Arm to drive: the simulated one"),
    DeclareLaunchArgument(
        "task", default_value="reach", choices=["reach", "push"], description="Task that poses the simulated scene"
    ),
    DeclareLaunchArgument("seed", default_value="0", description="Seed that draws the scene's start, 0 or more"),
    DeclareLaunchArgument(
        "sim_params_file",
        default_value=str(ROS_CONFIGS / "sim.yaml"),
        description="Parameters of the sim node; task and seed above win over it",
    ),
    DeclareLaunchArgument(
        "respawn",
        default_value="false",
        choices=["true", "false"],
        description="Start a node that died again, instead of ending the launch with an error",
    ),
    DeclareLaunchArgument(
        "log_level",
        default_value="info",
        choices=["debug", "info", "warn", "error", "fatal"],
        description="How much the nodes say",
    ),
)
ENVIRONMENT = (
    # Camera frames do not fit Fast DDS's default shared memory and would be lost; a profile of the user's own wins.
    SetEnvironmentVariable(
        "FASTDDS_DEFAULT_PROFILES_FILE",
        EnvironmentVariable("FASTDDS_DEFAULT_PROFILES_FILE", default_value=str(ROS_CONFIGS / "fastdds.xml")),
    ),
    # More threads slow a batch of one down and make control ticks late.
    SetEnvironmentVariable("OMP_NUM_THREADS", EnvironmentVariable("OMP_NUM_THREADS", default_value="1")),
)


def end_launch(event: ProcessExited, context: LaunchContext) -> Shutdown | None:
    """A Shutdown ends every other process and makes `ros2 launch` return 0; an exception makes it return 1."""
    session = event.process_name.startswith("session-")
    if context.is_shutdown or (LaunchConfiguration("respawn").perform(context) == "true" and not session):
        return None
    if session and event.returncode == 0:
        return Shutdown(reason="the session is over")
    raise RuntimeError(
        f"{event.process_name} ended with code {event.returncode}, expected it to run on; its output says why"
    )


def generate_launch_description() -> LaunchDescription:
    sim = Node(
        package="crl_robot",
        executable="sim",
        parameters=[
            LaunchConfiguration("sim_params_file"),
            {
                "task": ParameterValue(LaunchConfiguration("task"), value_type=str),
                "episode_seed": ParameterValue(LaunchConfiguration("seed"), value_type=int),
            },
        ],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=1.0,
        output="screen",
    )
    watch = RegisterEventHandler(OnProcessExit(on_exit=end_launch))
    # On a busy machine an orderly end takes longer than the 5 s that launch gives before it sends SIGTERM.
    patience = SetLaunchConfiguration("sigterm_timeout", "15")
    return LaunchDescription([*ARGUMENTS, *ENVIRONMENT, patience, watch, sim])
