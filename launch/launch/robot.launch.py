"""Starts an arm with its cameras: ros2 launch crl_bringup robot.launch.py robot:=widowx hardware:=emulated

robot:=sim is the simulated arm in the simulated world. With hardware:=emulated an emulator of the robot's own interface
moves that world, and the ordinary arm node connects to it; with hardware:=real it connects to the robot, beside one
node for each camera. A real or emulated arm moves only after /arm/enable.

The other launch files include this one, so what holds for all processes stands here alone: their environment, the
namespace, the watch that ends the launch with an error when one of them dies, and the time they get to end. Only a
session, of collecting or of trials, ends by itself: its end is the end of the launch, without an error.
"""

import os
import tempfile
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    OpaqueFunction,
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
EMULATORS = {"widowx": "servo_bus", "sawyer": "rosbridge"}
ROSBRIDGE_PORT = 9090
TASKS = [
    *("reach", "push", "pick_place", "drawer", "pick_place_table"),
    *("pick_place_drawer", "push_open_drawer", "push_close_drawer"),
]
PATIENCE = {"connect_s": 20.0, "answer_ms": 80.0}
"""Emulator and arm node start together, and share the processor with all other nodes."""
ARGUMENTS = (
    DeclareLaunchArgument(
        "robot", default_value="sim", choices=["sim", "widowx", "sawyer", "ros2_control"], description="Arm to drive"
    ),
    DeclareLaunchArgument(
        "hardware",
        default_value="real",
        choices=["real", "emulated"],
        description="emulated: the real driver, connected to an emulator that moves the simulated world",
    ),
    DeclareLaunchArgument("namespace", default_value="", description="Of all nodes and topics of this robot"),
    DeclareLaunchArgument(
        "servo_table", default_value="", description="widowx: another arm's servo table, such as wx200 or a YAML file"
    ),
    DeclareLaunchArgument("port", default_value="", description="widowx: serial port, such as /dev/ttyDXL"),
    DeclareLaunchArgument("host", default_value="", description="sawyer: machine where its rosbridge runs"),
    DeclareLaunchArgument("rosbridge_port", default_value="", description="sawyer: port of its rosbridge"),
    DeclareLaunchArgument(
        "arm_params_file",
        default_value=str(ROS_CONFIGS / "arm.yaml"),
        description="Parameters of the arm node; what is named above and not empty wins over it",
    ),
    DeclareLaunchArgument(
        "cameras",
        default_value="over_shoulder",
        description="hardware:=real: cameras to start, as in over_shoulder,wrist; 'none': somebody else's",
    ),
    DeclareLaunchArgument(
        "cameras_params_file",
        default_value=str(ROS_CONFIGS / "cameras.yaml"),
        description="Parameters of the camera nodes, each named <camera>_camera",
    ),
    DeclareLaunchArgument(
        "task", default_value="reach", choices=TASKS, description="Task that poses the simulated scene"
    ),
    DeclareLaunchArgument(
        "world", default_value="", description="JSON of what the simulated world differs in, as crl-eval's world.*"
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
    session = event.process_name.startswith(("session-", "real_eval-"))
    if context.is_shutdown or (LaunchConfiguration("respawn").perform(context) == "true" and not session):
        return None
    if session and event.returncode == 0:
        return Shutdown(reason="the session is over")
    raise RuntimeError(
        f"{event.process_name} ended with code {event.returncode}, expected it to run on; its output says why"
    )


def node(executable: str, params_file: str, parameters: dict[str, object], name: str | None = None) -> Node:
    """A node of crl_robot with a parameter file and parameters that win over it."""
    # Without its type launch would take a namespace or a port of "12" for a number.
    typed = {key: ParameterValue(v, value_type=str) if isinstance(v, str) else v for key, v in parameters.items()}
    return Node(
        package="crl_robot",
        executable=executable,
        name=name,
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration(params_file), typed] if typed else [LaunchConfiguration(params_file)],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=1.0,
        output="screen",
    )


def robot_nodes(context: LaunchContext) -> list[Node]:
    """The nodes that the choice of robot and hardware needs."""
    given = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in ARGUMENTS}
    given["place"] = f"{context.launch_configurations.get('ros_namespace', '')}/{given['namespace']}"
    scene: dict[str, object] = {"task": given["task"], "episode_seed": int(given["seed"])}
    scene |= {"world": given["world"]} if given["world"] else {}
    if given["robot"] == "sim":
        return [node("sim", "sim_params_file", scene)]
    if given["servo_table"] and given["robot"] != "widowx":
        raise RuntimeError(
            f"servo_table:={given['servo_table']} belongs to robot:=widowx, got robot:={given['robot']}; leave one out"
        )
    arm: dict[str, object] = {"robot": given["servo_table"] or given["robot"]}
    return emulated_nodes(given, scene, arm) if given["hardware"] == "emulated" else real_nodes(given, arm)


def real_nodes(given: dict[str, str], arm: dict[str, object]) -> list[Node]:
    """The arm, and a node for each camera."""
    where: dict[str, object] = {key: given[key] for key in ("port", "host") if given[key]}
    if given["rosbridge_port"]:
        where["rosbridge_port"] = int(given["rosbridge_port"])
    names = [] if given["cameras"] == "none" else given["cameras"].split(",")
    cameras = [node("camera", "cameras_params_file", {}, f"{name.strip()}_camera") for name in names]
    return [node("arm", "arm_params_file", arm | where), *cameras]


def emulated_nodes(given: dict[str, str], scene: dict[str, object], arm: dict[str, object]) -> list[Node]:
    """The simulated world with the emulator that moves it, and the arm node that connects to that."""
    if given["robot"] not in EMULATORS or given["servo_table"]:
        what = given["servo_table"] or given["robot"]
        raise RuntimeError(f"there is no emulator of {what}, only of {', '.join(EMULATORS)}; use hardware:=real")
    # A name that no other launch uses, and no other robot of this one.
    name = "_".join(["crl", str(os.getpid()), *filter(None, given["place"].split("/")), "servo_bus"])
    port = given["port"] or str(Path(tempfile.gettempdir(), name))
    rosbridge_port = int(given["rosbridge_port"] or ROSBRIDGE_PORT)
    scene |= {"robot": given["robot"], "emulate": EMULATORS[given["robot"]]}
    scene |= {"emulate_link": port, "emulate_port": rosbridge_port}
    arm |= {"port": port, "host": "127.0.0.1", "rosbridge_port": rosbridge_port, **PATIENCE}
    return [node("sim", "sim_params_file", scene), node("arm", "arm_params_file", arm)]


def generate_launch_description() -> LaunchDescription:
    watch = RegisterEventHandler(OnProcessExit(on_exit=end_launch))
    # On a busy machine an orderly end takes longer than the 5 s that launch gives before it sends SIGTERM.
    patience = SetLaunchConfiguration("sigterm_timeout", "15")
    return LaunchDescription([*ARGUMENTS, *ENVIRONMENT, patience, watch, OpaqueFunction(function=robot_nodes)])
