"""The launch files under the official `launch`, with stand-ins for the node executables that tell what they got."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("launch.actions", reason="ROS 2's launch is not installed")
pytest.importorskip("launch_ros.actions", reason="ROS 2's launch_ros is not installed")
pytestmark = pytest.mark.ros

ROOT = Path(__file__).parents[2]
NODES = {
    "sim": "crl_robot",
    "arm": "crl_robot",
    "camera": "crl_robot",
    "policy": "crl_learning",
    "run_recorder": "crl_learning",
    "page": "crl_learning",
    "real_eval": "crl_learning",
    "recorder": "crl_data",
    "teleop": "crl_data",
    "session": "crl_data",
    "gamepad": "crl_data",
    "spacemouse": "crl_data",
}
DEADLINE_S = 30.0
LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import GroupAction, IncludeLaunchDescription
from launch_ros.actions import PushRosNamespace
arguments = [tuple(word.split(":=", 1)) for word in sys.argv[3:]]
include = IncludeLaunchDescription(sys.argv[2], launch_arguments=arguments)
service = LaunchService()
service.include_launch_description(
    LaunchDescription([GroupAction([PushRosNamespace(sys.argv[1]), include]) if sys.argv[1] else include])
)
sys.exit(service.run())
"""
# Writes what it was started with, then waits for a signal; a file named <node>.exit makes it end with that code.
NODE = """#!{python}
import json, os, pathlib, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
name = pathlib.Path(__file__).name
parameters = [pathlib.Path(w).read_text() for w in sys.argv if w.endswith(".yaml") or "launch_params" in w]
facts = {{"cwd": os.getcwd(), "profile": os.environ.get("FASTDDS_DEFAULT_PROFILES_FILE"), "parameters": parameters}}
facts["words"] = sys.argv[1:]
told = pathlib.Path({told!r})
with (told / f"{{name}}.starts").open("a") as starts:
    starts.write(json.dumps(facts) + "\\n")
code = told / f"{{name}}.exit"
while not code.exists():
    time.sleep(0.02)
word = code.read_text()
code.unlink()
sys.exit(int(word))
"""


class Launch:
    """A launch file that runs in a process of its own, inside the namespace ``push``."""

    def __init__(self, prefix: Path, told: Path, push: str, name: str, *arguments: str) -> None:
        self.told = told
        path = prefix / "share" / "crl_bringup" / "launch" / f"{name}.launch.py"
        prefixes = os.pathsep.join([str(prefix), *filter(None, [os.environ.get("AMENT_PREFIX_PATH")])])
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, push, str(path), *arguments],
            cwd=told,
            env=os.environ | {"AMENT_PREFIX_PATH": prefixes, "ROS_LOG_DIR": str(told / "log")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def starts(self, node: str) -> int:
        path = self.told / f"{node}.starts"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def parameters(self, node: str) -> dict[str, Any]:
        """What the launch file itself set on the first node of that name, without the parameter file."""
        facts = json.loads((self.told / f"{node}.starts").read_text().splitlines()[0])
        return yaml.safe_load(facts["parameters"][-1])["/**"]["ros__parameters"]

    def end_node(self, node: str, code: int) -> None:
        draft = self.told / "draft"
        draft.write_text(str(code))
        draft.rename(self.told / f"{node}.exit")

    def result(self) -> tuple[int, str]:
        output = self.process.communicate(timeout=DEADLINE_S)[0]
        return self.process.returncode, output


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Launch]]:
    """Starts a launch file from an install prefix with stand-ins for the executables, in a folder of its own."""
    prefix, told = tmp_path / "prefix", tmp_path / "here"
    told.mkdir()
    share = prefix / "share" / "crl_bringup"
    share.mkdir(parents=True)
    (share / "launch").symlink_to(ROOT / "launch" / "launch")
    (share / "configs").symlink_to(ROOT / "configs")
    index = prefix / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    for package in ("crl_bringup", *NODES.values()):
        (index / package).touch()
    for node, package in NODES.items():
        script = prefix / "lib" / package / node
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(NODE.format(python=sys.executable, told=str(told)))
        script.chmod(0o755)
    running: list[Launch] = []

    def begin(name: str, *arguments: str, push: str = "") -> Launch:
        running.append(Launch(prefix, told, push, name, *arguments))
        return running[-1]

    yield begin
    for launch in running:
        if launch.process.poll() is None:
            launch.process.send_signal(signal.SIGINT)
            launch.process.communicate(timeout=DEADLINE_S)


@pytest.mark.parametrize(
    ("words", "nodes"),
    [
        ("sim", ["sim"]),
        ("robot", ["sim"]),
        ("policy", ["sim", "policy", "run_recorder"]),
        ("policy record:=false", ["sim", "policy"]),
        ("collect", ["sim", "recorder"]),
        ("robot robot:=widowx hardware:=emulated", ["sim", "arm"]),
        ("robot robot:=widowx", ["arm", "camera"]),
        ("robot robot:=sawyer cameras:=none", ["arm"]),
        ("robot robot:=ros2_control", ["arm", "camera"]),
        ("policy page:=true", ["sim", "policy", "run_recorder", "page"]),
        ("policy robot:=widowx", ["arm", "camera", "policy", "run_recorder"]),
        ("collect robot:=widowx hardware:=emulated", ["sim", "arm", "recorder"]),
        ("real_eval", ["sim", "policy", "run_recorder", "real_eval"]),
        ("real_eval robot:=widowx", ["arm", "camera", "policy", "run_recorder", "real_eval"]),
    ],
)
def test_a_launch_starts_its_nodes_and_ends_with_zero_on_ctrl_c(start, words: str, nodes: list[str]):
    launch = start(*words.split())
    launch.wait_for(lambda: all(launch.starts(node) for node in nodes))
    launch.process.send_signal(signal.SIGINT)
    code, output = launch.result()
    assert code == 0, output
    assert {node for node in NODES if launch.starts(node)} == set(nodes)


@pytest.mark.parametrize("exit_code", [0, 3])
@pytest.mark.parametrize("node", ["sim", "policy"])
def test_a_node_that_ends_makes_the_launch_end_with_an_error(start, node: str, exit_code: int):
    launch = start("policy")
    launch.wait_for(lambda: all(launch.starts(name) for name in ("sim", "policy")))
    launch.end_node(node, exit_code)
    code, output = launch.result()
    assert code == 1, output
    assert f"ended with code {exit_code}, expected it to run on" in output


def test_with_respawn_a_node_that_ends_is_started_again(start):
    launch = start("policy", "respawn:=true", "namespace:=left")
    launch.wait_for(lambda: launch.starts("policy") == 1)
    launch.end_node("policy", 1)
    launch.wait_for(lambda: launch.starts("policy") == 2)
    assert launch.parameters("policy")["memory_folder"].endswith("/left/policy")
    launch.process.send_signal(signal.SIGINT)
    assert launch.result()[0] == 0


def test_nodes_get_their_goal_from_the_callers_folder_and_the_dds_profile(start):
    launch = start("policy", "goal:=img.png", "task:=push")
    launch.wait_for(lambda: launch.starts("policy") == 1)
    facts = (launch.told / "policy.starts").read_text()
    assert f'"cwd": "{launch.told}"' in facts
    assert "goal: img.png" in facts
    assert "checkpoint: models/push" in facts
    assert "configs/ros/fastdds.xml" in facts


def test_start_pose_and_what_follows_a_goal_reach_the_policy_and_the_verdict_reaches_the_recorder(start):
    launch = start("policy", "start_pose:=home", "when_reached:=hold", "when_stuck:=hand_over", "verdict_s:=60")
    launch.wait_for(lambda: all(launch.starts(node) for node in ("policy", "run_recorder")))
    policy = launch.parameters("policy")
    assert (policy["start_pose"], policy["when_reached"], policy["when_stuck"]) == ("home", "hold", "hand_over")
    assert launch.parameters("run_recorder")["verdict_s"] == 60.0


def test_trials_have_all_their_ticks_and_are_recorded_beside_their_results(start):
    launch = start("real_eval", "task:=push", "out:=trials", 'world:={"friction": 0.5}', "judge:=truth")
    launch.wait_for(lambda: all(launch.starts(node) for node in ("sim", "policy", "run_recorder", "real_eval")))
    words = json.loads((launch.told / "real_eval.starts").read_text().splitlines()[0])["words"]
    assert {"--policy=models/push", "--out=trials", "--judge=truth", '--world={"friction": 0.5}'} <= set(words)
    assert "when_reached: go_on" in (launch.told / "policy.starts").read_text()
    assert launch.parameters("run_recorder")["runs"] == "trials/runs"
    assert launch.parameters("run_recorder")["verdict_s"] == 3600.0
    assert launch.parameters("sim")["world"] == '{"friction": 0.5}'


def test_the_end_of_all_trials_is_the_end_of_the_launch(start):
    launch = start("real_eval")
    launch.wait_for(lambda: all(launch.starts(node) for node in ("sim", "policy", "real_eval")))
    launch.end_node("real_eval", 0)
    assert launch.result()[0] == 0


def test_what_is_named_of_a_run_reaches_policy_and_recorder(start):
    of_the_policy = ("dry_run:=true", "device:=auto", "speed:=0.5", "time_limit_s:=20")
    launch = start("policy", *of_the_policy, "runs:=out/runs", "robot:=sawyer")
    launch.wait_for(lambda: launch.starts("policy") == 1 and launch.starts("run_recorder") == 1)
    given = {"dry_run": True, "device": "auto", "speed": 0.5, "time_limit_s": 20.0}
    assert given.items() <= launch.parameters("policy").items()
    assert launch.parameters("policy")["lead_s"] > 0
    assert launch.parameters("run_recorder") == {"runs": "out/runs", "robot": "sawyer"}


def test_the_page_listens_where_it_is_told(start):
    launch = start("policy", "page:=true", "page_host:=0.0.0.0", "page_port:=0")
    launch.wait_for(lambda: launch.starts("page") == 1)
    assert launch.parameters("page") == {"host": "0.0.0.0", "port": 0}


@pytest.mark.parametrize("word", ["dataset", "store"])
def test_collect_with_policy_starts_the_policy_too(start, word: str):
    launch = start("collect", "policy:=true", f"{word}:=play.zarr", "note:=12", "operator:=Ada")
    launch.wait_for(lambda: all(launch.starts(node) for node in ("sim", "policy", "recorder")))
    recorder = (launch.told / "recorder.starts").read_text()
    assert "store: play.zarr" in recorder
    assert "note: '12'" in recorder
    assert "operator: Ada" in recorder
    assert launch.starts("sim") == 1


@pytest.mark.parametrize(
    ("teleop", "nodes", "told"),
    [
        ("keyboard", {"teleop", "session"}, {"teleop": ["layout: plain", "source: joy"]}),
        (
            "gamepad",
            {"teleop", "session", "gamepad"},
            {"teleop": ["layout: playstation"], "session": ["layout: playstation"], "gamepad": ["/dev/input/js3"]},
        ),
        ("spacemouse", {"teleop", "session", "spacemouse"}, {"session": ["automatic: false"]}),
        ("hand", {"session"}, {"recorder": ["steps_from: clock"]}),
        ("gamepad joystick:=none", {"teleop", "session"}, {"teleop": ["layout: playstation"]}),
        (
            "scripted",
            {"teleop", "session"},
            {"teleop": ["source: scripted", "scripted.seed: 7"], "session": ["automatic: true", "episodes: 3"]},
        ),
    ],
)
def test_collect_starts_what_the_choice_of_teleop_needs(start, teleop: str, nodes: set[str], told: dict):
    words = ["layout:=playstation", "joystick:=/dev/input/js3", "episodes:=3", "seed:=7"]
    launch = start("collect", *words, *f"teleop:={teleop}".split())
    wanted = {"sim", "recorder", *nodes}
    launch.wait_for(lambda: all(launch.starts(node) for node in wanted))
    for node, texts in told.items():
        facts = (launch.told / f"{node}.starts").read_text()
        assert all(text in facts for text in texts), facts
    launch.process.send_signal(signal.SIGINT)
    code, output = launch.result()
    assert code == 0, output
    assert {node for node in NODES if launch.starts(node)} == wanted


@pytest.mark.parametrize("respawn", ["true", "false"])
@pytest.mark.parametrize(("exit_code", "launch_code"), [(0, 0), (1, 1)])
def test_the_end_of_the_session_is_the_end_of_the_launch(start, respawn: str, exit_code: int, launch_code: int):
    launch = start("collect", "teleop:=scripted", f"respawn:={respawn}")
    launch.wait_for(lambda: all(launch.starts(node) for node in ("sim", "recorder", "teleop", "session")))
    launch.end_node("session", exit_code)
    code, output = launch.result()
    assert code == launch_code, output


def test_emulator_and_driver_get_the_same_port_and_wait_for_each_other(start):
    launch = start("robot", "robot:=widowx", "hardware:=emulated", "task:=push", "seed:=7")
    launch.wait_for(lambda: launch.starts("sim") == 1 and launch.starts("arm") == 1)
    sim, arm = (launch.parameters(node) for node in ("sim", "arm"))
    assert {"emulate": "servo_bus", "task": "push", "episode_seed": 7}.items() <= sim.items()
    assert arm["port"] == sim["emulate_link"]
    assert arm["robot"] == "widowx"
    assert arm["connect_s"] > 0
    launch.process.send_signal(signal.SIGINT)
    assert launch.result()[0] == 0


def test_the_driver_of_a_real_arm_gets_what_was_named(start):
    words = ["robot:=widowx", "servo_table:=vx300s", "port:=/dev/ttyDXL", "cameras:=over_shoulder,wrist"]
    launch = start("robot", *words)
    launch.wait_for(lambda: launch.starts("arm") == 1 and launch.starts("camera") == 2)
    assert {"robot": "vx300s", "port": "/dev/ttyDXL"}.items() <= launch.parameters("arm").items()
    cameras = (launch.told / "camera.starts").read_text()
    assert "__node:=over_shoulder_camera" in cameras
    assert "__node:=wrist_camera" in cameras


def test_a_namespace_holds_for_every_node(start):
    launch = start("collect", "namespace:=left", "policy:=true", "robot:=sawyer", "rosbridge_port:=9191")
    names = ("arm", "camera", "policy", "recorder")
    launch.wait_for(lambda: all(launch.starts(node) for node in names))
    for node in names:
        assert "__ns:=/left" in (launch.told / f"{node}.starts").read_text()
    assert launch.parameters("arm")["rosbridge_port"] == 9191
    assert launch.parameters("policy")["checkpoint"] == "models/reach_sawyer"


def test_a_pushed_namespace_holds_for_every_node(start):
    launch = start("policy", "robot:=widowx", "hardware:=emulated", push="right")
    names = ("sim", "arm", "policy")
    launch.wait_for(lambda: all(launch.starts(node) for node in names))
    for node in names:
        assert "__ns:=/right" in (launch.told / f"{node}.starts").read_text()
    assert launch.parameters("sim")["emulate_link"].endswith("_right_servo_bus")


@pytest.mark.parametrize(("robot", "reset"), [("sim", "sim"), ("widowx", "home")])
def test_only_a_simulated_scene_is_drawn_by_default(start, robot: str, reset: str):
    launch = start("collect", f"robot:={robot}", "teleop:=keyboard")
    launch.wait_for(lambda: launch.starts("session") == 1)
    assert launch.parameters("session")["reset"] == reset


@pytest.mark.parametrize("words", ["robot:=ros2_control", "robot:=widowx servo_table:=wx200"])
def test_hardware_that_cannot_be_emulated_is_refused_before_a_node_starts(start, words: str):
    launch = start("robot", "hardware:=emulated", *words.split())
    code, output = launch.result()
    assert code == 1
    assert "there is no emulator of" in output
    assert not any(launch.starts(node) for node in NODES)


def test_a_robot_that_is_not_supported_is_refused_before_a_node_starts(start):
    launch = start("policy", "robot:=windowx")
    code, output = launch.result()
    assert code == 1
    assert "Valid options are: ['sim', 'widowx', 'sawyer', 'ros2_control']" in output
    assert launch.starts("sim") == 0
