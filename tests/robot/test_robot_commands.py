"""Which processes a robot needs beside the plain runner."""

import pytest

from crl_robot.errors import ConfigError
from crl_robot.robot_commands import emulated_robot, simulated_robot


def test_a_simulated_robot_is_one_process():
    (sim,) = simulated_robot("sawyer", {"task": "reach"})
    assert dict(sim.parameters) == {"robot": "sawyer", "task": "reach"}


@pytest.mark.parametrize(("robot", "emulator"), [("widowx", "servo_bus"), ("sawyer", "rosbridge")])
def test_emulator_and_driver_get_the_same_port_and_wait_for_each_other(tmp_path, robot, emulator):
    sim, arm = emulated_robot(robot, {"task": "reach"}, tmp_path)
    assert (sim.parameters["emulate"], sim.parameters["robot"], arm.parameters["robot"]) == (emulator, robot, robot)
    assert sim.parameters["emulate_link"] == arm.parameters["port"]
    assert sim.parameters["emulate_port"] == arm.parameters["rosbridge_port"]
    assert arm.parameters["connect_s"] > 0


def test_a_robot_without_emulator_is_refused_naming_the_nearest(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'widowx'"):
        emulated_robot("windowx", {}, tmp_path)
