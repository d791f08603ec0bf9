"""Contracts survive the way through standard messages, and messages that break them are refused."""

import numpy as np
import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState

from crl_robot.contracts import Action, JointReading, Pose
from crl_robot.errors import ContractError
from crl_robot.nodes import messages

pytestmark = pytest.mark.ros
STAMP = 1_795_207_035_940_320_651


def test_an_action_survives_the_way_through_its_message():
    action = Action(np.linspace(-0.05, 1.0, 7), STAMP)
    back = messages.action_from_msg(messages.msg_from_action(action))
    np.testing.assert_array_equal(back.values, action.values)
    assert back.stamp_ns == STAMP


@pytest.mark.parametrize(
    ("names", "values", "reason"),
    [
        (["dx"], [0.0], "names"),
        (["dy", "dx", "dz", "droll", "dpitch", "dyaw", "gripper"], [0.0] * 7, "names"),
        (["dx", "dy", "dz", "droll", "dpitch", "dyaw", "gripper"], [0.0] * 6, "shape"),
        (["dx", "dy", "dz", "droll", "dpitch", "dyaw", "gripper"], [float("nan")] * 7, "finite"),
    ],
)
def test_an_action_message_with_other_names_or_values_is_refused(names, values, reason):
    with pytest.raises(ContractError, match=reason):
        messages.action_from_msg(JointState(name=names, position=values))


def test_an_image_survives_the_way_through_its_message_to_the_byte():
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    msg = messages.msg_from_image(image, STAMP, "over_shoulder_optical_frame")
    frame = messages.frame_from_msg(msg, STAMP + 5_000_000)
    np.testing.assert_array_equal(frame.image, image)
    assert frame.stamp_ns == STAMP
    assert frame.age_ms == pytest.approx(5.0)


@pytest.mark.parametrize(("field", "value"), [("encoding", "bgr8"), ("step", 1), ("height", 7), ("width", 0)])
def test_an_image_message_of_another_kind_is_refused(field, value):
    msg = messages.msg_from_image(np.zeros((4, 6, 3), np.uint8), STAMP, "x")
    setattr(msg, field, value)
    with pytest.raises(ContractError, match="rgb8"):
        messages.frame_from_msg(msg, STAMP)


def test_joints_and_gripper_survive_the_way_through_their_message():
    reading = JointReading(np.arange(6) / 10, -np.arange(6) / 10, 0.7, STAMP)
    back = messages.joints_from_msg(messages.msg_from_joints(reading, list("abcdef")))
    np.testing.assert_array_equal(back.position, reading.position)
    np.testing.assert_array_equal(back.velocity, reading.velocity)
    assert (back.gripper, back.stamp_ns) == (0.7, STAMP)
    with pytest.raises(ContractError, match="gripper"):
        messages.joints_from_msg(JointState(name=["a"], position=[0.0]))


def test_a_pose_survives_the_way_through_its_message():
    pose = Pose(np.array([0.3, -0.1, 0.2]), np.array([0.5, 0.5, -0.5, 0.5]))
    back = messages.pose_from_msg(messages.msg_from_pose(pose, STAMP))
    np.testing.assert_array_equal(back.position, pose.position)
    np.testing.assert_array_equal(back.quat_wxyz, pose.quat_wxyz)
    with pytest.raises(ContractError, match="frame"):
        messages.pose_from_msg(PoseStamped())


def test_the_camera_calibration_has_the_field_of_view_and_the_centre():
    info = messages.camera_info(320, 240, np.radians(45))
    assert 2 * np.degrees(np.arctan(120 / info.k[4])) == pytest.approx(45)
    assert (info.k[2], info.k[5]) == (159.5, 119.5)
