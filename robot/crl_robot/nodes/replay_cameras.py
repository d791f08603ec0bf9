"""Prerecorded frames as cameras: publishes them at a rate, with the stamps of their publication."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from math import radians
from pathlib import Path
from typing import Any

from crl_robot.contracts import Frame
from crl_robot.errors import ConfigError, CrlError
from crl_robot.nodes.camera_topics import CameraTopics
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import camera_info
from crl_robot.nodes.worker import Worker
from crl_robot.replay import ReplayCamera, load_frames

FOVY_RAD = radians(50)


class ReplayCamerasNode(CrlNode):
    """Publishes /<camera>/image_raw and /<camera>/camera_info for each camera; all at the same instants."""

    def __init__(self) -> None:
        super().__init__("replay_cameras")
        self._names = self.setting("cameras", ["over_shoulder"], "names of the cameras")
        width = self.setting("width", 640, "width of every frame, pixels", 16, 8192)
        height = self.setting("height", 480, "height of every frame, pixels", 16, 8192)
        self._rate_hz = self.setting("fps", 30.0, "frames a second of each camera", 0.1, 500.0)
        self._source = self.setting("source", "noise", "noise, a folder of pictures, or a video file")
        self._count = self.setting("frames", 60, "frames that are prepared in memory and shown in turn", 1, 10_000)
        self._seed = self.setting("seed", 0, "of the noise; each camera has another", 0, 2**31 - 1)
        self._log = self.setting("log", "", "CSV file that gets camera and stamp of each published frame at the end")
        self._size = (width, height)
        if not self._names:
            raise ConfigError("parameter 'cameras' is empty; name at least one camera")
        self._published: list[tuple[str, int]] = []
        self._topics: list[CameraTopics] = []
        self._worker: Worker | None = None

    def open_all(self) -> None:
        """Prepare the frames."""
        for index, name in enumerate(self._names):
            frames = load_frames(self._source, self._size, self._count, self._seed + index)
            camera = ReplayCamera(name, frames, self.now_ns)
            info = camera_info(*camera.size, FOVY_RAD)
            self._topics.append(CameraTopics(self, _Logged(camera, self._published), info))

    def start(self) -> None:
        """Begin to publish."""
        self._worker = Worker("publishing", 1.0 / self._rate_hz, self._publish, self._fail)
        self._worker.start()

    def pause(self) -> None:
        """Stop publishing."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def close_all(self) -> None:
        """Write the log, forget the frames."""
        if self._log:
            with Path(self._log).open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("camera", "stamp_ns"), *self._published])
        self._topics = []

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """Frames published, and ticks that were missed."""
        counts = {name: topics.published for name, topics in zip(self._names, self._topics, strict=False)}
        missed = self._worker.stats.missed if self._worker is not None else 0
        return not missed, f"{missed} ticks missed", counts

    def _publish(self) -> None:
        for topics in self._topics:
            topics.publish()

    def _fail(self, error: CrlError) -> None:
        self.failure = error


class _Logged:
    """A camera whose frames' stamps are noted."""

    def __init__(self, camera: ReplayCamera, published: list[tuple[str, int]]) -> None:
        self._camera, self._published = camera, published
        self.name, self.size, self.close = camera.name, camera.size, camera.close

    def read(self) -> Frame:
        frame = self._camera.read()
        self._published.append((self.name, frame.stamp_ns))
        return frame
