"""Between the contracts and the standard messages that carry them, and the quality of service of each kind of topic."""

from __future__ import annotations

import array
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, JointState

from crl_robot.contracts import ACTION_NAMES, Action, Frame, JointReading, Pose
from crl_robot.errors import ContractError

# Publishers of images are reliable, so that any subscriber can match them; ours ask for best effort, because a late
# image is worth nothing and must not hold up the next one. With the shipped transport profile both get every frame,
# and what is lost is counted by sequence number. Ten deep: a subscriber that is kept from the processor for a third of
# a second still sees every frame at 30 Hz.
IMAGE_PUBLISHER_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
IMAGE_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
# Reliable: each is one sample of a series that recorder and evaluation need without holes.
STATE_QOS = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
# The recorder counts what it missed: whoever listens late, also because discovery took its time, gets the last ones.
COMMANDED_QOS = QoSProfile(
    depth=50, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
# The newest command counts; an old one must not queue up behind it.
ACTION_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
# Late joiners get the last value.
LATCHED_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)

BASE_FRAME = "base_link"
GRIPPER_JOINT = "gripper"


def ns_from_time(stamp: Time) -> int:
    """Nanoseconds since the epoch."""
    return stamp.sec * 1_000_000_000 + stamp.nanosec


def time_from_ns(stamp_ns: int) -> Time:
    """The message of a stamp in nanoseconds since the epoch."""
    return Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)


def msg_from_action(action: Action, sender: str = BASE_FRAME) -> JointState:
    """An Action as JointState: seven names, seven values, the observation's stamp, and who sends it as frame_id."""
    msg = JointState(name=list(ACTION_NAMES), position=array.array("d", action.values.astype(np.float64).tobytes()))
    msg.header.stamp = time_from_ns(action.stamp_ns)
    msg.header.frame_id = sender
    return msg


def action_from_msg(msg: JointState) -> Action:
    """Raises ContractError on other names, another number of values, or values that are not finite."""
    if tuple(msg.name) != ACTION_NAMES:
        raise ContractError(f"action has names {list(msg.name)}, expected {list(ACTION_NAMES)} in this order")
    return Action(np.asarray(msg.position, dtype=np.float32), ns_from_time(msg.header.stamp))


def msg_from_joints(reading: JointReading, names: Sequence[str]) -> JointState:
    """Measured joints and, last, the gripper opening 0..1."""
    msg = JointState(name=[*names, GRIPPER_JOINT])
    msg.position = array.array("d", np.append(reading.position, reading.gripper).tobytes())
    msg.velocity = array.array("d", np.append(reading.velocity, 0.0).tobytes())
    msg.header.stamp = time_from_ns(reading.stamp_ns)
    return msg


def joints_from_msg(msg: JointState, receive_stamp_ns: int | None = None) -> JointReading:
    """Raises ContractError unless the last joint is the gripper and every value is finite."""
    names = list(msg.name)
    if names[-1:] != [GRIPPER_JOINT]:
        raise ContractError(f"joint state has names {names}, expected the joints and last '{GRIPPER_JOINT}'")
    position, velocity = np.array(msg.position, dtype=np.float64), np.array(msg.velocity, dtype=np.float64)
    stamp_ns = ns_from_time(msg.header.stamp)
    return JointReading(position[:-1], velocity[:-1], float(position[-1]), stamp_ns, receive_stamp_ns)


def msg_from_pose(pose: Pose, stamp_ns: int) -> PoseStamped:
    """A tool pose in the base frame."""
    msg = PoseStamped()
    msg.header.stamp = time_from_ns(stamp_ns)
    msg.header.frame_id = BASE_FRAME
    point, turn = msg.pose.position, msg.pose.orientation
    point.x, point.y, point.z = pose.position.tolist()
    turn.w, turn.x, turn.y, turn.z = pose.quat_wxyz.tolist()
    return msg


def pose_from_msg(msg: PoseStamped) -> Pose:
    """Raises ContractError on another frame or values that are not a pose."""
    if msg.header.frame_id != BASE_FRAME:
        raise ContractError(f"pose is in frame '{msg.header.frame_id}', expected '{BASE_FRAME}'")
    point, turn = msg.pose.position, msg.pose.orientation
    return Pose(np.array([point.x, point.y, point.z]), np.array([turn.w, turn.x, turn.y, turn.z]))


def msg_from_image(image: np.ndarray, stamp_ns: int, frame_id: str) -> Image:
    """uint8 (H, W, 3) RGB as Image; `array.array` is the one type that rclpy takes without copying item by item."""
    height, width, _ = image.shape
    msg = Image(height=height, width=width, encoding="rgb8", step=3 * width, is_bigendian=0)
    data = array.array("B")
    data.frombytes(np.ascontiguousarray(image).data.cast("B"))
    msg.data = data
    msg.header.stamp = time_from_ns(stamp_ns)
    msg.header.frame_id = frame_id
    return msg


def frame_from_msg(msg: Image, receive_stamp_ns: int) -> Frame:
    """The image without a copy. Raises ContractError on another encoding or a size that does not fit the data."""
    size = msg.height * msg.width * 3
    if msg.encoding != "rgb8" or msg.step != 3 * msg.width or len(msg.data) != size or size == 0:
        raise ContractError(
            f"image is {msg.encoding} {msg.width}x{msg.height}, step {msg.step}, {len(msg.data)} bytes; "
            f"expected rgb8 with step {3 * msg.width} and {size} bytes, and at least one pixel"
        )
    image = np.frombuffer(msg.data, np.uint8).reshape(msg.height, msg.width, 3)
    return Frame(image, ns_from_time(msg.header.stamp), receive_stamp_ns)


def camera_info(width: int, height: int, fovy_rad: float) -> CameraInfo:
    """Calibration of a pinhole camera with square pixels and its centre in the middle."""
    focal = 0.5 * height / np.tan(0.5 * fovy_rad)
    cx, cy = (width - 1) / 2, (height - 1) / 2
    msg = CameraInfo(width=width, height=height, distortion_model="plumb_bob", d=[0.0] * 5)
    msg.k = np.array([focal, 0, cx, 0, focal, cy, 0, 0, 1.0])
    msg.r = np.eye(3).ravel()
    msg.p = np.array([focal, 0, cx, 0, 0, focal, cy, 0, 0, 0, 1.0, 0])
    return msg
