"""What the columns and pictures of a foreign data set mean, in the terms of our store.

Nothing is guessed: where a source offers a choice that the mapping does not make, `MappingError` lists the choices and
the flag that makes one. `mapping_file` reads a mapping from YAML and flags, `convert` applies it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast, get_args

from crl_data.exchange.errors import MappingError
from crl_data.exchange.values import Values, choose
from crl_data.schema import CAMERA_NAME, LABELS, CameraSpec, Encoding, Labels, StoreSpec
from crl_robot.contracts import ActionReference, ActionSpec
from crl_robot.errors import nearest

Kind = Literal["delta", "absolute", "tool"]
RotationAs = Literal["rpy", "rotvec", "quat_xyzw", "quat_wxyz"]
Zero = Literal["base", "gripper_down"]


@dataclass(frozen=True)
class PoseColumns:
    """Where position and rotation of a pose, or of a change of pose, come from.

    Attributes:
        position: three numbers in m.
        rotation: three numbers in rad, or four of a quaternion.
        rotation_as: what they are; 'rpy' is fixed-axis roll, pitch, yaw: R = Rz Ry Rx.
        zero: where the tool points at rotation zero: along the base's axes, or 'gripper_down' (BridgeData).
    """

    position: Values
    rotation: Values
    rotation_as: RotationAs
    zero: Zero = "base"

    @property
    def rotation_width(self) -> int:
        return 4 if self.rotation_as.startswith("quat") else 3


@dataclass(frozen=True)
class GripperColumn:
    """Where a gripper's opening comes from: ``value`` is ``open`` when it is open and ``closed`` when it is closed."""

    value: Values
    open: float
    closed: float


@dataclass(frozen=True)
class ActionColumns:
    """Where actions come from.

    Attributes:
        kind: 'delta' (change of pose per step), 'absolute' (target pose) or 'tool' (no actions are recorded: the
            motion of the tool pose itself, which gives achieved actions only).
        pose: the change or the target; None for 'tool'.
        gripper: absolute opening that is asked for; None for 'tool'.
    """

    kind: Kind
    pose: PoseColumns | None = None
    gripper: GripperColumn | None = None


@dataclass(frozen=True)
class JointColumns:
    """Joints of the arm without the gripper: names, position (N,) rad and, where known, velocity (N,) rad/s."""

    names: tuple[str, ...]
    position: Values
    velocity: Values = ()


@dataclass(frozen=True)
class SourceMapping:
    """Everything that the source cannot say by itself.

    Attributes:
        robot: name of the robot that moved.
        rate: control rate in Hz; deltas are per step at this rate.
        reference: what a delta is added to: 'previous_target' or 'measured'.
        frame: frame of the deltas; only 'base'.
        labels: what the source's actions are: 'commanded' or 'achieved'.
        action: where they come from.
        tool: measured tool pose; with ``gripper`` it also gives the achieved actions.
        gripper: measured opening.
        target: tool pose that the arm was driven to when the step was observed.
        joints: measured joints.
        cameras: our name for each of the source's cameras that is wanted.
        encoding: 'jpeg' or 'lossless'.
        quality: of JPEG.
        options: settings of one format only, such as a bag's topics.
    """

    robot: str = ""
    rate: float | None = None
    reference: ActionReference | None = None
    frame: str | None = None
    labels: Labels | None = None
    action: ActionColumns | None = None
    tool: PoseColumns | None = None
    gripper: GripperColumn | None = None
    target: PoseColumns | None = None
    joints: JointColumns | None = None
    cameras: Mapping[str, str] = field(default_factory=dict)
    encoding: Encoding = "jpeg"
    quality: int = 95
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        choose("encoding", self.encoding, get_args(Encoding))
        for key, allowed in (("reference", get_args(ActionReference)), ("labels", LABELS)):
            if getattr(self, key) is not None:
                choose(key, getattr(self, key), allowed)
        if self.rate is not None and not 0 < self.rate <= 1000:
            raise MappingError(f"rate is {self.rate}, expected a rate above 0 and at most 1000 Hz")
        if self.frame not in (None, "base"):
            raise MappingError(f"frame is {self.frame!r}, expected 'base'; turn the actions into the base frame first")
        if self.action and self.action.kind == "tool" and not (self.tool and self.gripper):
            raise MappingError(
                "action.kind is 'tool', so 'tool' and 'gripper' must say where the measured pose comes from"
            )
        if self.action and self.action.kind == "absolute" and self.reference == "measured" and not self.tool:
            raise MappingError("reference is 'measured' and actions are absolute, so 'tool' must say what was measured")

    @property
    def stored_labels(self) -> tuple[Labels, ...]:
        """The labels that the store will have."""
        if self.labels == "achieved" or (self.action and self.action.kind == "tool"):
            return ("achieved",)
        return ("commanded", "achieved") if self.tool and self.gripper else ("commanded",)

    @property
    def action_columns(self) -> list[str]:
        """References to the columns that actions are made of."""
        action = self.action
        parts = () if action is None or action.pose is None else (*action.pose.position, *action.pose.rotation)
        gripper = action.gripper.value if action and action.gripper else ()
        return [value.column for value in (*parts, *gripper) if value.column]

    @property
    def state_columns(self) -> list[str]:
        """References to the columns that measured states are made of."""
        poses = [pose for pose in (self.tool, self.target) if pose]
        values = [value for pose in poses for value in (*pose.position, *pose.rotation)]
        values += list(self.gripper.value) if self.gripper else []
        values += [*self.joints.position, *self.joints.velocity] if self.joints else []
        return [value.column for value in values if value.column]

    def require_complete(self, has: str) -> None:
        """Raise MappingError for what is not said yet; ``has`` tells what the source offers."""
        missing = [f"  {key}: {hint}" for key, hint in _REQUIRED.items() if getattr(self, key) in (None, "")]
        if missing:
            raise MappingError("the source does not say, and the mapping must:\n" + "\n".join(missing) + f"\n{has}")

    def choose_cameras(self, available: Sequence[str]) -> dict[str, str]:
        """Source camera -> our name. Raises MappingError for an unknown one, and for several of which none is named."""
        for name in self.cameras:
            if name not in available:
                raise MappingError(f"the source has no camera '{name}', {nearest(name, available)}")
        if self.cameras:
            return dict(self.cameras)
        if len(available) == 1 and CAMERA_NAME.fullmatch(available[0]):
            return {available[0]: available[0]}
        flags = " ".join(f"--camera {name}=NAME" for name in available)
        raise MappingError(f"the source has {len(available)} cameras; name those to import: {flags or 'it has none'}")

    def store_spec(self, sizes: Mapping[str, tuple[int, int]]) -> StoreSpec:
        """The store's declaration; ``sizes`` are (width, height) by our camera names. Raises ContractError."""
        self.require_complete("")
        action = ActionSpec(cast(float, self.rate), cast(ActionReference, self.reference), "base")
        cameras = {name: CameraSpec(size, self.encoding, self.quality) for name, size in sizes.items()}
        return StoreSpec(action, cameras, self.robot, self.joints.names if self.joints else (), self.stored_labels)


_REQUIRED = {
    "robot": "name of the robot, e.g. --robot widowx250s",
    "rate": "control rate in Hz, e.g. --rate 5",
    "reference": "what a delta is added to, --reference previous_target or measured",
    "frame": "frame of the actions, --frame base",
    "labels": "what the actions are, --labels commanded or achieved",
    "action": "where actions come from, e.g. --set action.kind=delta --set 'action.position=action[0:3]' ...",
}


def declared(mapping: SourceMapping) -> dict[str, Any]:
    """What a mapping says, as plain data to keep with what was imported by it."""
    return {key: value for key, value in asdict(mapping).items() if value not in (None, "", {}, ())}
