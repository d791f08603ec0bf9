"""One camera as a node: configure opens it, activate publishes it; it comes back by itself after an unplug.

The device is read by a thread of the camera's own, so that the newest frame is always at hand; a second thread
publishes each frame as soon as it is there. A frame that was replaced before it could be published counts as skipped.
A picture that froze is not published: under new stamps it would look fresh, and a policy would act on it.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sensor_msgs.msg import CameraInfo

from crl_robot.cameras.calibration import load_calibration
from crl_robot.cameras.kinds import open_camera
from crl_robot.cameras.live import LiveCamera
from crl_robot.cameras.watch import CameraWatch
from crl_robot.contracts import Frame
from crl_robot.nodes.camera_settings import CameraSettings
from crl_robot.nodes.camera_topics import CameraTopics, calibrated_info, uncalibrated_info
from crl_robot.nodes.common import CrlNode, NodeError
from crl_robot.nodes.topic_camera import TopicCamera

WAIT_S = 0.1
JOIN_S = 2.0


class CameraNode(CrlNode):
    """Publishes <name>/image_raw, <name>/image_raw/compressed, <name>/camera_info, and diagnostics once a second."""

    def __init__(self) -> None:
        super().__init__("camera")
        self._settings = CameraSettings.declare(self)
        self._stamps: list[int] = []
        self._camera: LiveCamera | TopicCamera | None = None
        self._thread: threading.Thread | None = None

    def open_all(self) -> None:
        """Open the camera. It must be there; once open it may go away and come back."""
        info = self._info()
        self._camera = self._open()
        self._watch = CameraWatch(self._settings.limits)
        self._topics = CameraTopics(self, self._camera, info, self._settings.quality)
        self._skipped = self._withheld = 0
        for remark in self._camera.health().remarks:
            self.get_logger().warning(f"camera '{self._camera.name}': {remark}")

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
        if self._settings.log:
            with Path(self._settings.log).open("w", newline="", encoding="utf-8") as file:
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
            "frozen": self._watch.frozen,
            "stamp_source": health.stamp_source,
            "published": self._topics.published,
            "skipped": self._skipped,
            "withheld": self._withheld,
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
                self._publish(frame)
        finally:
            if self._publishing:
                self.failure = NodeError("the publishing thread ended; its traceback is in the log")

    def _publish(self, frame: Frame) -> None:
        """Publish a frame, unless the picture is frozen."""
        was_frozen = self._watch.frozen
        self._watch.add(frame)
        if self._watch.frozen != was_frozen:
            self._tell(self._watch.frozen)
        if self._watch.frozen:
            self._withheld += 1
            return
        self._topics.send(frame)
        if self._settings.log:
            self._stamps.append(frame.stamp_ns)

    def _tell(self, frozen: bool) -> None:
        name, count = self._settings.config.name, self._settings.limits.frozen_after
        self.get_logger().warning(
            f"camera '{name}' is frozen: its last {count} frames are equal to the byte; nothing is published until the "
            "picture changes. Replug it, or set frozen_after to 0 where the picture may stand still"
            if frozen
            else f"camera '{name}' shows a picture that changes again"
        )

    def _open(self) -> LiveCamera | TopicCamera:
        config, notify = self._settings.config, self.get_logger().warning
        if self._settings.is_topic:
            kind, max_age_s = self._settings.topic_type, config.max_age_s
            return TopicCamera(self, config.name, config.device, config.size, kind, max_age_s, notify)
        return open_camera(config, self.now_ns, notify)

    def _info(self) -> CameraInfo:
        size = self._settings.config.size
        if not self._settings.calibration:
            return uncalibrated_info(size)
        return calibrated_info(load_calibration(self._settings.calibration, size))
