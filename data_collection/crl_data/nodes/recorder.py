"""The recorder as a ROS node: its parameters, services and what it publishes, around the plain `Recorder`.

It only listens to the robot. It writes the same episodes as scripted play does, through the same writer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from std_msgs.msg import String

from crl_data.nodes.patient import PatientServices
from crl_data.nodes.recorder_parameters import labels_setting, settings_setting, store_setting
from crl_data.nodes.recorder_topics import RecorderTopics
from crl_data.recording.audit import AuditReport
from crl_data.recording.audit_table import audit_text
from crl_data.recording.recorder import Recorder
from crl_data.store import Store
from crl_data.words import quoted
from crl_robot.errors import CrlError, StoreError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import LATCHED_QOS

SETTLE_PERIOD_S = 0.1
"""How often actions that wait for their frame are looked at when no frame comes."""
STATUS_PERIOD_S = 0.5


class RecorderNode(CrlNode):
    """Serves /recorder/start, stop, accept, discard, mark_success and capture_goal."""

    def __init__(self) -> None:
        super().__init__("recorder")
        self._path = self.setting(
            "store", "recorded.zarr", "store to write, from the caller's folder; made when missing"
        )
        self._settings = settings_setting(self)
        self._spec = store_setting(self, self._settings.labels)
        self._labels = labels_setting(self)
        self._recorder: Recorder | None = None
        self._requests: PatientServices | None = None

    def open_all(self) -> None:
        """Open or make the store and listen; nothing is recorded yet."""
        store = Store.open_or_create(Path(self._path), self._spec)
        self._audits = self.create_publisher(String, "recorder/audit", LATCHED_QOS)
        self._statuses = self.create_publisher(String, "recorder/status", LATCHED_QOS)
        self._topics = RecorderTopics(self, self._spec, self._settings)
        self._recorder = Recorder(store, self._settings, self._topics, self.now_ns, self._publish_audit)
        self._topics.feed(self._recorder.intake)
        self._serve(self._recorder)
        self.create_timer(SETTLE_PERIOD_S, self._recorder.intake.settle)
        self.create_timer(STATUS_PERIOD_S, self._publish_status)
        for episode in self._recorder.review.left_over():
            self.get_logger().warning(
                f"episode {episode} beside {self._path} was neither accepted nor discarded; "
                f"do it: crl-data repair {quoted(self._path)} --pending accept (or discard)"
            )

    def pause(self) -> None:
        """End a running episode as ``on_exit`` says, after what the operator asked for last."""
        if self._recorder is not None and self._requests is not None:
            self._requests.wait()
            done = self._recorder.leave()
            if done:
                self.get_logger().info(done)

    def close_all(self) -> None:
        """Stop listening."""
        if self._requests is not None:
            self._requests.close()
        if self._recorder is not None:
            self._topics.close()
            self._recorder.review.let_go()
        self._recorder = self._requests = None

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """The status without what has parts, and whether something is lost or refused."""
        if self._recorder is None:
            return True, "not configured", {}
        try:
            status = self._recorder.status()
        except StoreError as error:
            return False, str(error), {}
        values = {key: value for key, value in status.items() if not isinstance(value, dict)}
        values |= {f"lost_{name}": count for name, count in status.get("lost", {}).items()}
        trouble = status["failure"] or ("little room on the disk" if status["low_on_disk"] else "")
        dropped = sum(status.get("lost", {}).values())
        message = trouble or f"{status['state']}, {status.get('steps', 0)} steps, {dropped} messages lost"
        return not trouble and not dropped, message, values

    def _serve(self, recorder: Recorder) -> None:
        self._requests = requests = PatientServices(self, self._publish_status)
        requests.trigger("recorder/start", lambda: self._start(recorder))
        requests.trigger("recorder/stop", recorder.stop)
        requests.trigger("recorder/accept", recorder.accept)
        requests.trigger("recorder/discard", recorder.discard)
        requests.trigger("recorder/capture_goal", recorder.capture_goal)
        requests.set_bool("recorder/mark_success", recorder.mark_success)

    def _start(self, recorder: Recorder) -> str:
        if not self.active:
            raise StoreError("the recorder is not active; activate it before recording")
        return recorder.start(self._labels())

    def _publish_audit(self, report: AuditReport) -> None:
        self.get_logger().info("\n" + audit_text(report))
        self._audits.publish(String(data=json.dumps(report.to_dict())))

    def _publish_status(self) -> None:
        if self._recorder is None:
            return
        try:
            status = self._recorder.status()
        except CrlError as error:
            self.get_logger().error(str(error), throttle_duration_sec=10.0)
            return
        self._statuses.publish(String(data=json.dumps(status)))
