"""Takes an operator through episode after episode.

    ros2 launch crl_bringup collect.launch.py teleop:=gamepad dataset:=play.zarr

teleop:= names what moves the arm. With one of them the session node leads: reset, start, stop, keep or drop. With
teleop:=none whoever publishes /arm/action moves it (policy:=true: the policy), and the recorder's services are called
by hand. Keys come from `ros2 run crl_data keyboard` in a terminal of its own: nodes of a launch have none.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

SHARE = Path(get_package_share_directory("crl_bringup"))
TELEOPS = ["none", "keyboard", "gamepad", "spacemouse", "hand", "scripted"]
ARGUMENTS = (
    DeclareLaunchArgument("store", default_value="recorded.zarr", description="Older name of dataset"),
    DeclareLaunchArgument(
        "dataset",
        default_value=LaunchConfiguration("store"),
        description="Store to add to, relative to the folder you are in; made when missing",
    ),
    DeclareLaunchArgument("teleop", default_value="none", choices=TELEOPS, description="What moves the arm"),
    DeclareLaunchArgument(
        "layout", default_value="xbox", description="Gamepad: xbox, playstation, or a YAML file of your own"
    ),
    DeclareLaunchArgument(
        "joystick", default_value="/dev/input/js0", description="Gamepad: its device; none where ROS's own joy runs"
    ),
    DeclareLaunchArgument("operator", default_value="", description="Who collects; kept with every episode"),
    DeclareLaunchArgument("robot_id", default_value="", description="Which arm of its kind; kept with every episode"),
    DeclareLaunchArgument("note", default_value="", description="Kept with every episode"),
    DeclareLaunchArgument(
        "reset",
        default_value="auto",
        choices=["auto", "sim", "home", "none"],
        description="Before an episode: draw a scene, move home, nothing, or auto: sim for robot:=sim, else home",
    ),
    DeclareLaunchArgument("episodes", default_value="0", description="End after so many kept episodes; 0: go on"),
    DeclareLaunchArgument("episode_s", default_value="12.0", description="Scripted: length of an episode in seconds"),
    DeclareLaunchArgument(
        "policy", default_value="false", choices=["true", "false"], description="Also let the policy drive to the goal"
    ),
    DeclareLaunchArgument(
        "recorder_params_file",
        default_value=str(SHARE / "configs" / "ros" / "recorder.yaml"),
        description="Parameters of the recorder node; dataset, operator, robot_id and note above win over it",
    ),
    DeclareLaunchArgument(
        "teleop_params_file",
        default_value=str(SHARE / "configs" / "ros" / "teleop.yaml"),
        description="Parameters of teleop, session and device nodes; what is named above wins over it",
    ),
)


def collecting(context: LaunchContext) -> list[Node]:
    """The recorder, and what the choice of teleop needs beside it."""

    def given(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    def node(executable: str, params_file: str, respawn: str, parameters: dict[str, object]) -> Node:
        # Without its type launch would take a note of "12" for a number.
        typed = {key: ParameterValue(v, value_type=str) if isinstance(v, str) else v for key, v in parameters.items()}
        return Node(
            package="crl_data",
            executable=executable,
            namespace=LaunchConfiguration("namespace"),
            parameters=[params_file, typed] if typed else [params_file],
            ros_arguments=["--log-level", given("log_level")],
            respawn=respawn == "true",
            respawn_delay=1.0,
            output="screen",
        )

    teleop, respawn, params_file = given("teleop"), given("respawn"), given("teleop_params_file")
    scripted = teleop == "scripted"
    layout = given("layout") if teleop == "gamepad" else "plain"
    recording: dict[str, object] = {
        "store": given("dataset"),
        **{name: given(name) for name in ("operator", "robot_id", "note")},
    }
    if teleop == "hand":
        recording["steps_from"] = "clock"  # a hand on the arm sends no actions
    if teleop != "none":
        recording["review"] = True  # the session keeps or drops what was stopped
    nodes = [node("recorder", given("recorder_params_file"), respawn, recording)]
    if teleop == "none":
        return nodes
    seed = int(given("seed"))
    reset = given("reset")
    if reset == "auto":
        reset = "sim" if given("robot") == "sim" else "home"
    sitting = {"layout": layout, "automatic": scripted, "seed": seed, "reset": reset}
    sitting |= {"episodes": int(given("episodes")), "episode_s": float(given("episode_s"))}
    # A session that begins again would count from nothing, so it is not started again.
    nodes.append(node("session", params_file, "false", sitting))
    if teleop != "hand":
        moving = {"source": "scripted" if scripted else "joy", "layout": layout, "scripted.seed": seed}
        nodes.append(node("teleop", params_file, respawn, moving))
    if teleop == "gamepad" and given("joystick") != "none":
        nodes.append(node("gamepad", params_file, respawn, {"device": given("joystick")}))
    elif teleop == "spacemouse":
        nodes.append(node("spacemouse", params_file, respawn, {}))
    return nodes


def generate_launch_description() -> LaunchDescription:
    with_policy = LaunchConfiguration("policy")
    launch_files = SHARE / "launch"
    return LaunchDescription(
        [
            *ARGUMENTS,
            IncludeLaunchDescription(
                str(launch_files / "policy.launch.py"),
                condition=IfCondition(with_policy),
                launch_arguments={"record": "false"}.items(),
            ),
            IncludeLaunchDescription(str(launch_files / "robot.launch.py"), condition=UnlessCondition(with_policy)),
            OpaqueFunction(function=collecting),
        ]
    )
