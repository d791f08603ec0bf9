"""Walks an operator through trials of a policy on an arm:

    ros2 launch crl_bringup real_eval.launch.py robot:=widowx checkpoint:=models/push task:=push trials:=20 out:=trials

Arguments of policy.launch.py and robot.launch.py say which policy and which arm. The operator answers in a terminal of
its own: `ros2 run crl_data keyboard`. What to put where is on the image topic real_eval/overlay. Every run is recorded
in out/runs. Started again with the same out it goes on after the last trial; with another checkpoint the new policy
meets the same scenes. With judge:=truth and robot:=sim a simulation plays the arm, and nobody needs to answer.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node

SHARE = Path(get_package_share_directory("crl_bringup"))
ARGUMENTS = (
    DeclareLaunchArgument("out", default_value="trials", description="Folder of the results, made when missing"),
    DeclareLaunchArgument("trials", default_value="20", description="Scenes that the policy goes through"),
    DeclareLaunchArgument("ticks", default_value="0", description="Control ticks of a run; 0: those of the task"),
    DeclareLaunchArgument(
        "scenes", default_value="", description="Folder of goal and start pictures for all policies; empty: out/scenes"
    ),
    DeclareLaunchArgument(
        "judge",
        default_value="operator",
        choices=["operator", "truth"],
        description="Who says what succeeded; truth: the simulation, which also sets the scenes",
    ),
    DeclareLaunchArgument(
        "scene_seed", default_value="1000", description="judge:=truth: draws scenes as crl-eval does"
    ),
    DeclareLaunchArgument(
        "layout", default_value="plain", description="Layout of a gamepad whose buttons answer beside the keyboard's"
    ),
)
VERDICT_S = "3600"
"""How long the record of a trial waits for the operator's verdict."""
SAME = ("out", "trials", "ticks", "scenes", "judge", "task", "world", "layout")
# A trial has all its control ticks, as those of crl-eval have.
EVERY_TICK = str(SHARE / "configs" / "ros" / "real_eval.yaml")


def trials(context: LaunchContext) -> list[Node]:
    """The node that leads through the trials."""

    def given(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    flags = {
        "--policy": given("checkpoint"),
        "--robot": "sawyer" if given("robot") == "sawyer" else "widowx",
        "--seed": given("scene_seed"),
        **{f"--{name}": given(name) for name in SAME},
    }
    return [
        Node(
            package="crl_learning",
            executable="real_eval",
            namespace=LaunchConfiguration("namespace"),
            arguments=[f"{flag}={value}" for flag, value in flags.items()],
            ros_arguments=["--log-level", given("log_level")],
            output="screen",
        )
    ]


def generate_launch_description() -> LaunchDescription:
    policy = IncludeLaunchDescription(
        str(SHARE / "launch" / "policy.launch.py"),
        launch_arguments={
            "policy_params_file": EVERY_TICK,
            "verdict_s": VERDICT_S,
            "runs": PathJoinSubstitution([LaunchConfiguration("out"), "runs"]),
        }.items(),
    )
    return LaunchDescription([*ARGUMENTS, policy, OpaqueFunction(function=trials)])
