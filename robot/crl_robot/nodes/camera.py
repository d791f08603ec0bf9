"""One camera as a node: configure opens it, activate publishes it; it comes back by itself after an unplug.

The device is read by a thread of the camera's own, so that the newest frame is always at hand; a second thread
publishes each frame as soon as it is there. A frame that was replaced before it could be published counts as skipped.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sensor_msgs.msg import CameraInfo

from crl_robot.cameras.calibration import load_calibration
from crl_robot.cameras.kinds import KINDS, CameraConfig, open_camera
from crl_robot.cameras.live import LiveCamera
from crl_robot.cameras.watch import CameraWatch, WatchLimits
from crl_robot.errors import ConfigError, nearest
from crl_robot.nodes.camera_topics import CameraTopics, calibrated_info, uncalibrated_info
from crl_robot.nodes.common import CrlNode, NodeError
from crl_robot.nodes.topic_camera import TopicCamera

WAIT_S = 0.1
JOIN_S = 2.0
TOPIC = "topic"


class CameraNode(CrlNode):
    """Publishes <name>/image_raw, <name>/image_raw/compressed, <name>/camera_info, and diagnostics once a second."""

    def __init__(self) -> None:
        super().__init__("camera")
        self._config = self._camera_config()
        self._topic_type = self.setting("topic_type", "auto", "of kind 'topic': raw, compressed, or auto: by its name")
        self._calibration = self.setting(
            "calibration", "", "camera_info file; empty: camera_info says 'not calibrated'"
        )
        self._quality = self.setting("jpeg_quality", 90, "of the compressed topic", 1, 100)
        self._limits = WatchLimits(
            rate_hz=self._config.fps,
            age_ms=self.setting("warn_age_ms", 100.0, "age at arrival above which diagnostics warn", 0.0, 10_000.0),
            frozen_after=self.setting(
                "frozen_after", 10, "so many equal frames in a row are a frozen picture; 0: never", 0, 100_000
            ),
            silent_s=self._config.max_age_s,
        )
        self._log = self.setting("log", "", "CSV file that gets the stamp of each published frame at the end")
        self._stamps: list[int] = []
        self._camera: LiveCamera | TopicCamera | None = None
        self._thread: threading.Thread | None = None

    def open_all(self) -> None:
        """Open the camera. It must be there; once open it may go away and come back."""
        info = self._info()
        self._camera = self._open()
        self._watch = CameraWatch(self._limits)
        self._topics = CameraTopics(self, self._camera, info, self._quality)
        self._skipped = 0
        for remark in self._camera.health().remarks:
            self.get_logger().warning(f"camera '{self._config.name}': {remark}")

    def start(self) -> None:
        """Begin to publish."""
        self._publishing = True
        self._thread = threading.Thread(target=self._publish_all, name="publishing", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Stop publishing; the camera stays open."""
        self._publishing = False
        if self._thread is not None:
            self._thread.join(JOIN_S)
            self._thread = None

    def close_all(self) -> None:
        """Close the camera and write the log."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None
        if self._log:
            with Path(self._log).open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("stamp_ns",), *((stamp,) for stamp in self._stamps)])

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """What is wrong with the camera, rate, ages and counts."""
        if self._camera is None:
            return True, "not open", {}
        health, verdict = self._camera.health(), self._watch.verdict()
        values = {
            "connected": health.connected,
            "rate_hz": round(verdict.rate_hz, 2),
            "age_p50_ms": round(verdict.age_p50_ms, 1),
            "age_max_ms": round(verdict.age_max_ms, 1),
            "longest_gap_ms": round(verdict.longest_gap_ms, 1),
            "frozen": verdict.frozen,
            "stamp_source": health.stamp_source,
            "published": self._topics.published,
            "skipped": self._skipped,
            "missing": verdict.missing,
        }
        values |= {name: getattr(health, name) for name in ("captured", "damaged", "unordered", "lost", "reconnects")}
        reasons = [*([] if health.connected else [health.reason]), *health.remarks]
        reasons += verdict.reasons if self.active and health.connected else ()
        return not reasons, "; ".join(reasons) or ("publishing" if self.active else "open, not active"), values

    def _publish_all(self) -> None:
        """Publish every new frame until paused."""
        camera = self._camera
        if camera is None:
            return
        last = camera.health().captured
        try:
            while self._publishing:
                found = camera.wait_next(last, WAIT_S)
                if found is None:
                    continue
                number, frame = found
                self._skipped += number - last - 1
                last = number
                self._watch.add(frame)
                self._topics.send(frame)
                if self._log:
                    self._stamps.append(frame.stamp_ns)
        finally:
            if self._publishing:
                self.failure = NodeError("the publishing thread ended; its traceback is in the log")

    def _open(self) -> LiveCamera | TopicCamera:
        config, notify = self._config, self.get_logger().warning
        if self._kind == TOPIC:
            name, topic = config.name, config.device
            return TopicCamera(self, name, topic, config.size, self._topic_type, config.max_age_s, notify)
        return open_camera(config, self._now_ns, notify)

    def _info(self) -> CameraInfo:
        if not self._calibration:
            return uncalibrated_info(self._config.size)
        return calibrated_info(load_calibration(self._calibration, self._config.size))

    def _camera_config(self) -> CameraConfig:
        self._kind = self.setting("kind", "uvc", "uvc, realsense, file, or topic")
        if self._kind not in (*KINDS, TOPIC):
            raise ConfigError(f"parameter 'kind' is {self._kind!r}; {nearest(self._kind, (*KINDS, TOPIC))}")
        width = self.setting("width", 640, "native width, pixels", 16, 8192)
        height = self.setting("height", 480, "native height, pixels", 16, 8192)
        return CameraConfig(
            name=self.setting("name", "over_shoulder", "of the camera; its topics begin with it"),
            kind="file" if self._kind == TOPIC else self._kind,  # a topic is opened here, not by `open_camera`
            device=self.setting("device", "0", "path or number, serial number, film or folder, or topic"),
            size=(width, height),
            fps=self.setting("fps", 30.0, "frames a second", 0.1, 500.0),
            fourcc=self.setting("fourcc", "MJPG", "pixel format of a USB camera"),
            exposure=self._lock("exposure", "in the driver's unit (UVC: 0.1 ms)"),
            gain=self._lock("gain", "in the driver's unit"),
            white_balance=self._lock("white_balance", "kelvin"),
            focus=self._lock("focus", "in the driver's unit"),
            loop=self.setting("loop", True, "of kind 'file': begin again at the end"),
            max_age_s=self.setting("max_age_s", 0.5, "without a frame for longer, the camera has none", 0.01, 60.0),
        )

    def _lock(self, name: str, unit: str) -> float | None:
        value = self.setting(name, -1.0, f"locked at this value, {unit}; negative: automatic", -1.0, 1e6)
        return None if value < 0 else value

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds
