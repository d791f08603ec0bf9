"""Records every run of the policy node: a process of its own, so that a policy that dies leaves its record whole.

It only listens. What takes time happens on one thread, in the order in which things were heard.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import String

from crl_data.nodes.patient import PatientServices
from crl_data.nodes.recorder_parameters import settings_setting, store_setting
from crl_data.nodes.recorder_topics import RecorderTopics
from crl_data.recording.recorder import Recorder
from crl_data.recording.recorder_settings import EpisodeLabels, RecorderSettings
from crl_data.schema import StoreSpec
from crl_data.store import Store
from crl_data.telling import Told
from crl_learning.runs.goals import NATIVE, SEEN, native_of
from crl_learning.runs.judging import Recorded
from crl_learning.runs.keeping import RunKeeper
from crl_robot.errors import ContractError, CrlError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import LATCHED_QOS, STATE_QOS, frame_from_msg

# A goal or a status of the policy must not replace the one before it that was not yet looked at.
_POLICY_QOS = QoSProfile(depth=20, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
SETTLE_PERIOD_S = 0.1
STATUS_PERIOD_S = 1.0


class RunData:
    """One `Recorder` a run, each with a store of its own; see `crl_learning.runs.judging.DataRecorder`."""

    def __init__(
        self, topics: RecorderTopics, spec: StoreSpec, settings: RecorderSettings, now_ns: Callable[[], int]
    ) -> None:
        self._topics, self._spec, self._settings, self._now_ns = topics, spec, settings, now_ns
        self.recorder: Recorder | None = None
        self._ended: Recorder | None = None

    def begin(self, store: Path, run: str, by_clock: bool) -> None:
        """Make the store and start its episode. Raises CrlError."""
        settings = dataclasses.replace(
            self._settings, steps_from="clock" if by_clock else "commanded", review=True, on_exit="accept"
        )
        spec = dataclasses.replace(self._spec, labels=settings.labels)
        kept = Store.open(store) if store.exists() else Store.create(store, spec)  # there was no arm state at first
        recorder = Recorder(kept, settings, self._topics, self._now_ns)
        self._topics.feed(recorder.intake)
        recorder.start(EpisodeLabels(episode_id=run))
        self.recorder = recorder

    def end(self, facts: Mapping[str, Any], told: Told) -> Recorded:
        """Make the episode whole. Raises CrlError, also when there was no step."""
        recorder, self.recorder = self.recorder, None
        if recorder is None:
            return Recorded()
        lost = recorder.status()["lost"]
        recorder.describe({"task": "", "run": dict(facts)})
        recorder.tell(told)
        recorder.stop()
        self._ended = recorder
        status = recorder.status()  # the last steps are made at the end
        return Recorded(status["episode"], status["steps"], lost, recorder.untold)

    def accept(self, success: bool | None) -> None:
        """Commit it. Raises CrlError."""
        recorder, self._ended = self._ended, None
        if recorder is None:
            return
        if success is not None:
            recorder.mark_success(success)
        recorder.accept()


class RunRecorderNode(CrlNode):
    """Hears policy, arm and cameras; writes ``runs``/<run>/."""

    def __init__(self) -> None:
        super().__init__("run_recorder")
        self._runs = self.setting("runs", "runs", "folder that gets one folder a run, from the caller's folder")
        self._verdict_s = self.setting(
            "verdict_s",
            0.0,
            "how long after a run run/success is waited for, at most until the next run",
            0.0,
            86_400.0,
        )
        self._settings = settings_setting(self)
        self._spec = store_setting(self, self._settings.labels)
        self._work: ThreadPoolExecutor | None = None

    def open_all(self) -> None:
        """Listen; nothing is written before a run begins."""
        self._statuses = self.create_publisher(String, "run/status", LATCHED_QOS)
        self._topics = RecorderTopics(self, self._spec, self._settings)
        self._data = RunData(self._topics, self._spec, self._settings, self.now_ns)
        cameras = tuple(self._spec.cameras)
        self._keeper = RunKeeper(Path(self._runs).expanduser().absolute(), self._data, self._verdict_s, cameras)
        self._work = work = ThreadPoolExecutor(1, thread_name_prefix="runs")
        self._verdicts = PatientServices(self)
        self._verdicts.set_bool("run/success", lambda good: work.submit(self._keeper.on_verdict, good).result())
        self.create_subscription(String, "policy/status", self._on_status, _POLICY_QOS)
        self.create_subscription(String, "policy/progress", self._on_tick, STATE_QOS)
        pictures = {"policy/goal_native": NATIVE, "policy/goal": SEEN}
        pictures |= {f"policy/goal_native/{camera}": native_of(camera) for camera in cameras}
        for topic, which in pictures.items():
            self.create_subscription(Image, topic, partial(self._on_goal, which), _POLICY_QOS)
        self.create_subscription(String, "arm/status", self._on_arm, LATCHED_QOS)
        self.create_timer(SETTLE_PERIOD_S, self._settle)
        self.create_timer(STATUS_PERIOD_S, self._look)

    def pause(self) -> None:
        """End a run that is recorded."""
        self._do(lambda: self._keeper.abandon("the recorder was ended", self.now_ns()))
        self._do(lambda: self._keeper.settle())
        if self._work is not None:
            self._work.submit(lambda: None).result()

    def close_all(self) -> None:
        """Write what waits and stop listening."""
        if self._work is not None:
            self._verdicts.close()
            self._work.shutdown(wait=True)
            self._topics.close()
        self._work = None

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """What is recorded, and what went wrong."""
        if self._work is None:
            return True, "not configured", {}
        status = self._keeper.status()
        return not status["failure"], status["failure"] or status["state"], status

    def _on_status(self, msg: String) -> None:
        now_s, now_ns = time.monotonic(), self.now_ns()
        self._do(lambda: self._keeper.on_status(json.loads(msg.data), now_ns, now_s))

    def _on_tick(self, msg: String) -> None:
        self._do(lambda: self._keeper.on_tick(json.loads(msg.data)))

    def _on_goal(self, which: str, msg: Image) -> None:
        try:
            frame = frame_from_msg(msg, self.now_ns())
            stamp_ns, image = frame.stamp_ns, frame.image.copy()
        except ContractError as error:
            self.get_logger().warning(f"goal not recorded: {error}", throttle_duration_sec=1.0)
            return
        self._do(lambda: self._keeper.on_goal(stamp_ns, which, image))

    def _on_arm(self, msg: String) -> None:
        now_ns = self.now_ns()

        def do() -> None:
            status = json.loads(msg.data)
            self._keeper.on_arm(str(status["mode"]), str(status["reason"]), now_ns)

        self._do(do)

    def _settle(self) -> None:
        recorder = self._data.recorder
        if recorder is not None:
            recorder.intake.settle()

    def _look(self) -> None:
        now_s, now_ns = time.monotonic(), self.now_ns()
        self._do(lambda: self._keeper.look(now_ns, now_s))
        self._statuses.publish(String(data=json.dumps(self._keeper.status())))

    def _do(self, what: Callable[[], None]) -> None:
        """On the thread, after all that was asked before."""
        if self._work is not None:
            self._work.submit(self._guarded, what)

    def _guarded(self, what: Callable[[], None]) -> None:
        try:
            what()
        except (CrlError, ValueError, KeyError, TypeError) as error:  # a full disk, or a status of another version
            self._keeper.failure = str(error)
            self.get_logger().error(f"run not recorded: {error!r}", throttle_duration_sec=5.0)
