"""Drives the arm to a goal image: ros2 launch crl_bringup policy.launch.py goal:=img.png

All arguments of robot.launch.py say which arm. Except for robot:=sim it moves only after /arm/enable.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.logging import launch_config
from launch.substitutions import LaunchConfiguration, PythonExpression
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

SHARE = Path(get_package_share_directory("crl_bringup"))
OF_THE_ROBOT = PythonExpression(["'_sawyer' if '", LaunchConfiguration("robot"), "' == 'sawyer' else ''"])
RECORDER_LEAD_S = 0.5
"""From start to the first action: the recorder makes its store meanwhile, and misses none."""
PLAIN_WORDS = ("device", "start_pose", "when_reached", "when_stuck", "planner")
"""Arguments that are parameters of the policy node under the same name; empty: as its file says."""
ARGUMENTS = (
    DeclareLaunchArgument(
        "goal",
        default_value="",
        description="What you want: an image, a folder or list of images as stages, or data.zarr#EPISODE:FRAME, from "
        "the folder you are in; empty: wait for one on /goal/image, of several cameras on /goal/<camera>/image",
    ),
    DeclareLaunchArgument("goal_camera", default_value="", description="Camera that sees the goal; the checkpoint's"),
    DeclareLaunchArgument(
        "checkpoint",
        default_value=["models/", LaunchConfiguration("task"), OF_THE_ROBOT],
        description="Folder of the policy, relative to the folder you are in, else a shipped one",
    ),
    DeclareLaunchArgument(
        "policy_params_file",
        default_value=str(SHARE / "configs" / "ros" / "policy.yaml"),
        description="Parameters of the policy node; what is named here wins over it",
    ),
    DeclareLaunchArgument("device", default_value="", description="Where the networks compute: cpu, cuda or auto"),
    DeclareLaunchArgument(
        "dry_run", default_value="", description="true: send nothing to the arm, only tell what would be done"
    ),
    DeclareLaunchArgument("speed", default_value="", description="Factor on the policy's steps, 0.05 to 1"),
    DeclareLaunchArgument("time_limit_s", default_value="", description="End a run after so many seconds; 0: never"),
    DeclareLaunchArgument(
        "start_pose",
        default_value="",
        description="Where the arm goes before a run: none, home, data, joints in rad",
    ),
    DeclareLaunchArgument(
        "when_reached",
        default_value="",
        description="When the goal is reached: stop, hold, hand_over or go_on",
    ),
    DeclareLaunchArgument(
        "when_stuck", default_value="", description="When nothing improves: stop, hold, hand_over or go_on"
    ),
    DeclareLaunchArgument("planner", default_value="", description="Way to far goals: none, graph or interpolation"),
    DeclareLaunchArgument("waypoints", default_value="", description="Most waypoints of a plan, 1 to 20"),
    DeclareLaunchArgument(
        "verdict_s", default_value="", description="How long after a run the operator's verdict is waited for, s"
    ),
    DeclareLaunchArgument(
        "record", default_value="true", choices=["true", "false"], description="Record every run in a folder of its own"
    ),
    DeclareLaunchArgument("runs", default_value="runs", description="Gets the folders of the runs"),
    DeclareLaunchArgument(
        "run_recorder_params_file",
        default_value=str(SHARE / "configs" / "ros" / "run_recorder.yaml"),
        description="Parameters of the run recorder; runs wins over it",
    ),
    DeclareLaunchArgument(
        "page",
        default_value="false",
        choices=["true", "false"],
        description="Serve the operator's page: live view, goal, progress and buttons; its address is printed",
    ),
    DeclareLaunchArgument(
        "page_host", default_value="", description="Where the page listens, such as 0.0.0.0; empty: as its file says"
    ),
    DeclareLaunchArgument(
        "page_port", default_value="", description="Port of the page, 0 takes a free one; empty: as its file says"
    ),
    DeclareLaunchArgument(
        "page_params_file",
        default_value=str(SHARE / "configs" / "ros" / "page.yaml"),
        description="Parameters of the page; page_host and page_port win over it",
    ),
)


def node(context: LaunchContext, executable: str, params_file: str, parameters: dict[str, object]) -> Node:
    """One node of crl_learning; ``parameters`` win over its file."""
    # Without its type launch would take a goal of "12" for a number.
    typed = {key: ParameterValue(v, value_type=str) if isinstance(v, str) else v for key, v in parameters.items()}
    return Node(
        package="crl_learning",
        executable=executable,
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration(params_file).perform(context), *([typed] if typed else [])],
        ros_arguments=["--log-level", LaunchConfiguration("log_level").perform(context)],
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=1.0,
        output="screen",
    )


def page_nodes(context: LaunchContext) -> list[Node]:
    """The operator's page, if it is wanted."""
    host, port = (LaunchConfiguration(f"page_{name}").perform(context) for name in ("host", "port"))
    if LaunchConfiguration("page").perform(context) == "false":
        return []
    where: dict[str, object] = {"host": host} if host else {}
    where |= {"port": int(port)} if port else {}
    return [node(context, "page", "page_params_file", where)]


def acting_nodes(context: LaunchContext) -> list[Node]:
    """The policy, and what records its runs."""

    def given(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    policy: dict[str, object] = {name: given(name) for name in ("goal", "goal_camera", "checkpoint")}
    policy |= {name: float(given(name)) for name in ("speed", "time_limit_s") if given(name)}
    policy |= {name: given(name) for name in PLAIN_WORDS if given(name)}
    policy |= {"waypoints": int(given("waypoints"))} if given("waypoints") else {}
    policy |= {"dry_run": given("dry_run") == "true"} if given("dry_run") else {}
    if given("respawn") == "true":
        policy["memory_folder"] = str(Path(launch_config.log_dir, *given("namespace").split("/"), "policy"))
    if given("record") == "false":
        return [node(context, "policy", "policy_params_file", policy)]
    recorder: dict[str, object] = {"runs": given("runs")}
    recorder |= {"verdict_s": float(given("verdict_s"))} if given("verdict_s") else {}
    recorder |= {"robot": "sawyer"} if given("robot") == "sawyer" else {}
    return [
        node(context, "policy", "policy_params_file", policy | {"lead_s": RECORDER_LEAD_S}),
        node(context, "run_recorder", "run_recorder_params_file", recorder),
    ]


def generate_launch_description() -> LaunchDescription:
    robot = IncludeLaunchDescription(str(SHARE / "launch" / "robot.launch.py"))
    nodes = [OpaqueFunction(function=function) for function in (acting_nodes, page_nodes)]
    return LaunchDescription([robot, *ARGUMENTS, *nodes])
