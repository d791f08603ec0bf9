"""Starts the simulated arm with its cameras: ros2 launch crl_bringup sim.launch.py

The same as robot.launch.py with robot:=sim.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription

ROBOT = Path(get_package_share_directory("crl_bringup"), "launch", "robot.launch.py")


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([IncludeLaunchDescription(str(ROBOT), launch_arguments=[("robot", "sim")])])
