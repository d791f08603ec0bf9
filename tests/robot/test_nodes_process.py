"""How a node process ends when it cannot begin: one clear line and exit code 2."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: pip install '.[ros]'")

from crl_robot.errors import ConfigError
from crl_robot.nodes.process import init_ros

pytestmark = pytest.mark.ros

BROKEN = {
    "syntax.yaml": "/**:\n  ros__parameters:\n    device: [1\n",
    "shape.yaml": "device: 1\n",
}


def run_gamepad(*arguments):
    command = [sys.executable, "-m", "crl_data.nodes.gamepad_node", *map(str, arguments)]
    environment = {**os.environ, "ROS_DOMAIN_ID": str(1 + os.getpid() % 99)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_missing_parameter_file_is_named_in_one_line_with_exit_code_2(tmp_path):
    """It ended in the traceback of rclpy."""
    done = run_gamepad("--ros-args", "--params-file", tmp_path / "nosuch.yaml")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"--params-file {tmp_path / 'nosuch.yaml'} cannot be read" in done.stderr


def test_an_error_of_the_first_step_is_printed_once(tmp_path):
    """The node logged it, and then the process did."""
    done = run_gamepad("--ros-args", "-p", f"device:={tmp_path / 'js9'}")
    assert done.returncode == 2
    assert (done.stdout + done.stderr).count("cannot be opened") == 1


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_parameter_file_is_refused_by_its_name(tmp_path, capfd, name):
    file = tmp_path / name
    file.write_text(BROKEN[name])
    with pytest.raises(ConfigError, match=name):
        init_ros(["node", "--ros-args", "--params-file", str(file)])
    assert capfd.readouterr().err == ""


def test_a_folder_is_no_parameter_file(tmp_path):
    with pytest.raises(ConfigError, match="Is a directory"):
        init_ros(["node", "--ros-args", "--params-file", str(tmp_path)])


@pytest.mark.parametrize("arguments", [["--parms-file", "x"], ["-p", "x"], ["--params-file"]])
def test_arguments_that_ros_does_not_take_are_refused(arguments):
    with pytest.raises(ConfigError, match="ROS cannot use these arguments"):
        init_ros(["node", "--ros-args", *arguments])
