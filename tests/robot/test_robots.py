import numpy as np
import pytest

from crl_robot.arm_model import ROBOT_NAMES
from crl_robot.contracts import Pose
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ConfigError
from crl_robot.geometry import GRIPPER_DOWN, matrix_from_quat, quat_from_matrix, rotation_angle
from crl_robot.gripper import finger_from_opening, opening_from_finger
from crl_robot.kinematics import Kinematics
from crl_robot.robots import SAWYER_ROBOT, WIDOWX, robot, robot_of_data
from crl_robot.sawyer.model import JOINT_SPEEDS
from crl_robot.sawyer.settings import SawyerSettings
from crl_robot.sim.places import sample_can, sample_tool
from crl_robot.sim.world import INNER_PERIOD_NS, World

DOWN = quat_from_matrix(GRIPPER_DOWN)


@pytest.fixture(params=ROBOT_NAMES)
def one(request):
    return robot(request.param)


def test_the_home_pose_points_the_gripper_down_inside_the_workspace(one):
    pose = Kinematics(one.model).forward(one.home)
    assert rotation_angle(matrix_from_quat(pose.quat_wxyz), GRIPPER_DOWN) < 1e-2
    assert np.all(pose.position > one.limits.workspace_low)
    assert np.all(pose.position < one.limits.workspace_high)


def test_the_arm_gets_wherever_tasks_and_play_send_it(one):
    rng = np.random.default_rng(0)
    kinematics = Kinematics(one.model)
    low, high = kinematics.joint_limits.T
    margin = one.limits.joint_margin_rad
    for _ in range(100):
        joints = kinematics.solve(Pose(sample_tool(rng, sample_can(rng, one), one), DOWN), one.home)
        assert np.all((joints > low + margin) & (joints < high - margin))


def test_the_whole_box_of_the_sawyer_is_within_reach_from_home():
    limits = SAWYER_ROBOT.limits
    kinematics = Kinematics(SAWYER_ROBOT.model)
    axes = np.linspace(limits.workspace_low, limits.workspace_high, 5).T
    for corner in np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 3):
        kinematics.solve(Pose(corner, DOWN), SAWYER_ROBOT.home)


def test_openings_are_the_range_of_the_models_finger(one):
    world = World(robot=one)
    low, high = world.model.joint("left_finger").range
    assert one.fingers.at(0.0) == pytest.approx(low, abs=1e-6)
    assert one.fingers.at(1.0) == pytest.approx(high, abs=1e-6)
    for opening in (0.0, 0.3, 1.0):
        assert one.fingers.opening(one.fingers.at(opening)) == pytest.approx(opening)
    assert one.fingers.at(2.0) == one.fingers.at(1.0)


def test_the_widowx_is_what_it_was():
    assert WIDOWX.limits == SafetyLimits()
    for opening in np.linspace(0.0, 1.0, 11):
        finger = WIDOWX.fingers.at(opening)
        assert finger == finger_from_opening(opening)
        assert WIDOWX.fingers.opening(finger) == opening_from_finger(finger)


def test_the_sawyer_is_asked_for_no_more_speed_than_its_driver_sets():
    assert SAWYER_ROBOT.limits.joint_speed <= SawyerSettings().speed_ratio * JOINT_SPEEDS.min()
    assert SAWYER_ROBOT.limits.home_speed <= SAWYER_ROBOT.limits.joint_speed


def test_limits_are_made_for_the_tick_of_the_world(one):
    assert one.limits.inner_rate_hz == pytest.approx(1e9 / INNER_PERIOD_NS)


def test_an_unknown_robot_is_refused_and_the_nearest_named():
    with pytest.raises(ConfigError, match="did you mean 'sawyer'"):
        robot("sawyr")


def test_a_robot_is_found_by_the_name_that_stores_give_it(one):
    assert robot_of_data(one.data_name) is one
    assert robot_of_data("franka") is None
