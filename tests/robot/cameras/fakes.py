"""Stand-ins for drivers: they take a picture when the test says so, and can be unplugged."""

import queue
import threading
import time
from types import SimpleNamespace

import cv2
import numpy as np
from tests.robot.camera_suite import DEADLINE_S, eventually, picture

from crl_robot.cameras.live import LiveCamera

SIZE = (64, 48)
OPTIONS = (
    "global_time_enabled",
    "enable_auto_exposure",
    "exposure",
    "enable_auto_white_balance",
    "white_balance",
    "gain",
)


class Shutter:
    """Hands pictures, with the time at which they were taken, to the driver that waits for them."""

    def __init__(self, still: bool, size=SIZE):
        self.still, self.size = still, size
        self.number = 0
        self.plugged = threading.Event()
        self.plugged.set()
        self.taken: queue.Queue = queue.Queue()

    def take(self) -> None:
        self.number += 1
        image = picture(0 if self.still else self.number, self.size)
        self.taken.put((image, time.time_ns(), time.monotonic_ns()))

    def wait(self):
        """The next picture, or None once it is unplugged."""
        while self.plugged.is_set():
            try:
                return self.taken.get(timeout=0.01)
            except queue.Empty:
                continue
        return None


class FakeCapture:
    """cv2.VideoCapture over a shutter. ``takes`` says what the driver makes of a value; the rest is taken as it is."""

    def __init__(self, shutter, takes=None, timestamps=True):
        self.shutter, self.takes, self.timestamps = shutter, takes or {}, timestamps
        self.open = shutter.plugged.is_set()
        self.values, self.order, self.released = {}, [], 0
        self.damaged = 0

    def isOpened(self):
        return self.open

    def set(self, prop, value, /):
        self.order.append(prop)
        self.values[prop] = self.takes.get(prop, lambda asked: asked)(value)
        return True

    def get(self, prop, /):
        if prop == cv2.CAP_PROP_POS_MSEC:
            return self.captured_ns / 1e6 if self.timestamps else 0.0
        return self.values.get(prop, -1.0)

    def grab(self):
        found = self.shutter.wait()
        if found is None:
            return False
        self.image, _, self.captured_ns = found
        return True

    def retrieve(self):
        if self.damaged:
            self.damaged -= 1
            return False, None
        return True, cv2.cvtColor(self.image, cv2.COLOR_RGB2BGR)

    def release(self):
        self.released += 1


class FakeSdk:
    """The part of pyrealsense2 that is used, over a shutter."""

    stream, format = SimpleNamespace(color="color"), SimpleNamespace(rgb8="rgb8")
    timestamp_domain = SimpleNamespace(global_time="global", system_time="system")
    option = SimpleNamespace(**{name: name for name in OPTIONS})

    def __init__(self, shutter, domain="global", lacks=()):
        self.shutter, self.domain, self.lacks = shutter, domain, lacks
        self.options, self.asked, self.skip = {}, [], 0
        self.frame_number = 0

    def config(self):
        return SimpleNamespace(
            enable_device=lambda serial: self.asked.append(serial),
            enable_stream=lambda *stream: self.asked.append(stream),
        )

    def pipeline(self):
        return SimpleNamespace(start=self.start, stop=self.stop, wait_for_frames=self.wait_for_frames)

    def start(self, config):
        if not self.shutter.plugged.is_set():
            raise RuntimeError("No device connected")
        sensor = SimpleNamespace(
            supports=lambda option: option not in self.lacks,
            set_option=self.options.__setitem__,
            get_option=self.options.__getitem__,
        )
        return SimpleNamespace(get_device=lambda: SimpleNamespace(first_color_sensor=lambda: sensor))

    def stop(self):
        if not self.shutter.plugged.is_set():
            raise RuntimeError("stop() cannot be called before start()")

    def wait_for_frames(self, timeout_ms):
        found = self.shutter.wait()
        if found is None:
            raise RuntimeError(f"Frame didn't arrive within {timeout_ms}")
        image, stamp_ns, _ = found
        self.frame_number += 1 + self.skip
        self.skip = 0
        frame = Colour(image, stamp_ns / 1e6, self.frame_number, self.domain)
        return SimpleNamespace(get_color_frame=lambda: frame)


class Colour(SimpleNamespace):
    def __init__(self, image, stamp_ms, number, domain):
        super().__init__(
            get_data=lambda: np.ascontiguousarray(image),
            get_timestamp=lambda: stamp_ms,
            get_frame_number=lambda: number,
            get_frame_timestamp_domain=lambda: domain,
        )


class LiveRig:
    """A live camera over a shutter."""

    def __init__(self, shutter, open_device, retry_s=(0.005, 0.02)):
        self.shutter, self.notes = shutter, []
        self.camera = LiveCamera("left", open_device, max_age_s=60.0, retry_s=retry_s, notify=self.notes.append)

    def next(self):
        before = self.camera.health().captured
        self.shutter.take()
        found = self.camera.wait_next(before, DEADLINE_S)
        assert found is not None
        return found[1]

    def unplug(self):
        self.shutter.plugged.clear()
        eventually(lambda: not self.camera.health().connected)

    def plug_in(self):
        self.shutter.plugged.set()
        eventually(lambda: self.camera.health().connected)

    def close(self):
        self.shutter.plugged.clear()
        self.camera.close()
