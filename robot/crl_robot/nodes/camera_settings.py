"""The parameters of a camera node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from crl_robot.cameras.kinds import KINDS, CameraConfig
from crl_robot.cameras.watch import WatchLimits
from crl_robot.errors import ConfigError, nearest
from crl_robot.nodes.common import CrlNode

TOPIC = "topic"
FROZEN_AFTER = 10


@dataclass(frozen=True)
class CameraSettings:
    """What a camera node is told.

    Attributes:
        is_topic: whether the camera is another node's topic, which `config` names as its device.
        config: of the camera.
        topic_type: of that topic: 'raw', 'compressed' or 'auto'.
        calibration: camera_info file, or empty.
        quality: of the compressed topic, 1 to 100.
        limits: what is expected of the stream.
        log: CSV file that gets the stamps of the published frames, or empty.
    """

    is_topic: bool
    config: CameraConfig
    topic_type: str
    calibration: str
    quality: int
    limits: WatchLimits
    log: str

    @classmethod
    def declare(cls, node: CrlNode) -> Self:
        """Declare the parameters of ``node`` and read them. Raises ConfigError."""
        kind = node.setting("kind", "uvc", "uvc, realsense, file, or topic")
        if kind not in (*KINDS, TOPIC):
            raise ConfigError(f"parameter 'kind' is {kind!r}; {nearest(kind, (*KINDS, TOPIC))}")
        config = _config(node, kind)
        return cls(
            is_topic=kind == TOPIC,
            config=config,
            topic_type=node.setting("topic_type", "auto", "of kind 'topic': raw, compressed, or auto: by its name"),
            calibration=node.setting("calibration", "", "camera_info file; empty: camera_info says 'not calibrated'"),
            quality=node.setting("jpeg_quality", 90, "of the compressed topic", 1, 100),
            limits=_limits(node, kind, config),
            log=node.setting("log", "", "CSV file that gets the stamp of each published frame at the end"),
        )


def _limits(node: CrlNode, kind: str, config: CameraConfig) -> WatchLimits:
    # The noise of a sensor makes two equal frames all but impossible; a film may well stand still.
    frozen_after = 0 if kind == "file" else FROZEN_AFTER
    return WatchLimits(
        rate_hz=config.fps,
        age_ms=node.setting("warn_age_ms", 100.0, "age at arrival above which diagnostics warn", 0.0, 10_000.0),
        frozen_after=node.setting(
            "frozen_after", frozen_after, "from so many equal frames on nothing is published; 0: never", 0, 100_000
        ),
        silent_s=config.max_age_s,
    )


def _config(node: CrlNode, kind: str) -> CameraConfig:
    width = node.setting("width", 640, "native width, pixels", 16, 8192)
    height = node.setting("height", 480, "native height, pixels", 16, 8192)
    return CameraConfig(
        name=node.setting("name", "over_shoulder", "of the camera; its topics begin with it"),
        kind="file" if kind == TOPIC else kind,  # a topic is opened by the node, not by `open_camera`
        device=node.setting("device", "0", "path or number, serial number, film or folder, or topic"),
        size=(width, height),
        fps=node.setting("fps", 30.0, "frames a second", 0.1, 500.0),
        fourcc=node.setting("fourcc", "MJPG", "pixel format of a USB camera"),
        exposure=_lock(node, "exposure", "in the driver's unit (UVC: 0.1 ms)"),
        gain=_lock(node, "gain", "in the driver's unit"),
        white_balance=_lock(node, "white_balance", "kelvin"),
        focus=_lock(node, "focus", "in the driver's unit"),
        loop=node.setting("loop", True, "of kind 'file': begin again at the end"),
        max_age_s=node.setting("max_age_s", 0.5, "without a frame for longer, the camera has none", 0.01, 60.0),
    )


def _lock(node: CrlNode, name: str, unit: str) -> float | None:
    value = node.setting(name, -1.0, f"locked at this value, {unit}; negative: automatic", -1.0, 1e6)
    return None if value < 0 else value
