"""The recorder's parameters, read into the dataclasses that its plain Python takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from crl_data.recording.recorder_settings import EpisodeLabels, RecorderSettings
from crl_data.schema import CameraSpec, Labels, StoreSpec
from crl_robot.errors import ConfigError
from crl_robot.nodes.arm_settings import action_spec_setting
from crl_robot.nodes.common import CrlNode
from crl_robot.robots import WIDOWX, robot_of_data

_TEXTS = {
    "steps_from": "commanded: a step for each action of the arm; clock: one each period, for an arm moved by hand",
    "review": "a stopped episode waits for /recorder/accept or /recorder/discard; false: it is accepted at once",
    "on_exit": "a running episode when the node ends: pending (kept beside the store), accept or discard",
    "match_tolerance_s": "largest difference of an action's stamp and its frame's",
    "align_tolerance_s": "largest difference of any stamp in a step to that of its newest frame",
    "max_age_s": "older images or arm states are not recorded",
    "queue": "steps that may wait to be coded; more are dropped and counted",
    "min_free_mb": "no episode is started with less room on the disk",
    "warn_free_mb": "less room on the disk is warned of",
    "camera_rate_hz": "rate that cameras should have, for the audit; 0: not judged",
    "arm_rate_hz": "rate that the arm's state should have, for the audit; 0: not judged",
}
_RANGES: dict[str, tuple[float, float]] = {
    "match_tolerance_s": (0.0, 1.0),
    "align_tolerance_s": (0.0, 1.0),
    "max_age_s": (0.01, 10.0),
    "queue": (1, 10_000),
    "min_free_mb": (0, 10_000_000),
    "warn_free_mb": (0, 10_000_000),
    "camera_rate_hz": (0.0, 1000.0),
    "arm_rate_hz": (0.0, 10_000.0),
}


def settings_setting(node: CrlNode) -> RecorderSettings:
    """Declare and read the parameters of `RecorderSettings`; its defaults are theirs. Raises ConfigError."""
    default = RecorderSettings()
    values: dict[str, Any] = {
        name: node.setting(name, getattr(default, name), text, *_RANGES.get(name, (None, None)))
        for name, text in _TEXTS.items()
    }
    return RecorderSettings(**values)


def store_setting(node: CrlNode, labels: Sequence[Labels]) -> StoreSpec:
    """Declare and read what the store must hold. Raises ConfigError."""
    cameras = node.setting("cameras", ["over_shoulder"], "names of the cameras to record")
    width = node.setting("width", 320, "native width of every camera, pixels", 1, 8192)
    height = node.setting("height", 240, "native height of every camera, pixels", 1, 8192)
    encoding: Any = node.setting("encoding", "jpeg", "jpeg or lossless")
    quality = node.setting("quality", 95, "JPEG quality", 1, 100)
    robot = node.setting("robot", "widowx250s", "name of the robot, kept in the store")
    names: list[str] = list((robot_of_data(robot) or WIDOWX).model.joint_names)
    joints = node.setting("joint_names", names, "joints of the arm without the gripper")
    if not cameras:
        raise ConfigError("parameter 'cameras' is empty; name at least one camera")
    camera = CameraSpec((width, height), encoding, quality)
    specs = dict.fromkeys(cameras, camera)
    return StoreSpec(action_spec_setting(node), specs, robot, tuple(joints), tuple(labels))


def labels_setting(node: CrlNode) -> Callable[[], EpisodeLabels]:
    """Declare what the operator may say about each episode; the result reads what it is now."""
    texts = {
        "operator": "who drives or watches, kept with the episodes that start from now on",
        "robot_id": "which arm of its kind, kept likewise",
        "note": "free text, kept likewise",
    }
    for name, text in texts.items():
        node.setting(name, "", text, read_only=False)
    return lambda: EpisodeLabels(**{name: str(node.get_parameter(name).value) for name in texts})
