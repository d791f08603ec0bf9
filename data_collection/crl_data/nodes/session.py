"""The operator's session as a node: buttons and services in, calls of recorder and reset out, prompts for the operator.

Wiring around `crl_data.teleop.session.Session`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sensor_msgs.msg import Joy
from std_msgs.msg import String
from std_srvs.srv import Trigger

from crl_data.nodes.joy_topics import JOY_QOS, JOY_TOPIC, KEYS_TOPIC
from crl_data.nodes.session_calls import SessionCalls
from crl_data.teleop.automatic import AutomaticOperator
from crl_data.teleop.command import SESSION_BUTTONS
from crl_data.teleop.inputs import JoyInput
from crl_data.teleop.layout import load_layout
from crl_data.teleop.session import Session
from crl_data.teleop.session_settings import Call, SessionSettings
from crl_data.teleop.session_words import audit_lines, progress_line, prompt, status
from crl_robot.errors import ContractError
from crl_robot.nodes.common import CrlNode, NodeError
from crl_robot.nodes.messages import LATCHED_QOS

TICK_PERIOD_S = 0.1
STATUS_PERIOD_S = 1.0
LAST_WORDS_S = 5.0
"""How long a failed session waits until the recorder has made a running episode durable."""


class SessionNode(CrlNode):
    """Serves /session/next, start, stop, keep, drop, success and goal; says where it is on /session/status."""

    def __init__(self) -> None:
        super().__init__("session")
        default = SessionSettings()
        reset: Any = self.setting("reset", str(default.reset), "makes the scene ready: sim, home (the arm) or none")
        self._settings = SessionSettings(
            self.setting("episodes", default.episodes, "kept episodes after which it ends; 0: go on", 0, 1_000_000),
            reset,
            self.setting("automatic", default.automatic, "start, stop and keep by itself"),
            self.setting("episode_s", default.episode_s, "length of an automatic episode, s", 0.5, 3600.0),
            self.setting("patience", default.patience, "automatic attempts that may fail in a row", 1, 1000),
        )
        self._layout = self.setting("layout", "xbox", "meaning of the buttons on /joy, as for the teleop node")
        self._seed = self.setting("seed", 0, "scene k of a simulation is drawn with seed + k", 0, 2**30)
        self._peer_timeout_s = self.setting(
            "peer_timeout_s", 5.0, "silence after which recorder or arm count as lost, s", 2.0, 60.0
        )
        self._call_timeout_s = self.setting("call_timeout_s", 30.0, "longest wait for a service, s", 1.0, 600.0)
        self._heard_s: dict[str, float] = {}
        self._session: Session | None = None
        self._automatic = AutomaticOperator()
        self._progress: dict[str, Any] = {}
        self._said = ""
        self._said_s = self._sound_s = 0.0

    def open_all(self) -> None:
        """Make the topics and services; the sitting begins on activation."""
        layout = load_layout(self._layout)
        plain = load_layout("plain")
        self._session = Session(self._settings, layout.label)
        self._calls = SessionCalls(self, self._settings.reset, self._call_timeout_s, self._on_answer)
        self._statuses = self.create_publisher(String, "session/status", LATCHED_QOS)
        inputs = {JOY_TOPIC: JoyInput(layout), KEYS_TOPIC: JoyInput(plain)}
        for topic, joy in inputs.items():
            self.create_subscription(Joy, topic, partial(self._on_joy, joy), JOY_QOS)
        self.create_subscription(String, "recorder/audit", self._on_audit, LATCHED_QOS)
        self.create_subscription(String, "arm/status", self._on_arm, LATCHED_QOS)
        self.create_subscription(String, "recorder/status", self._on_recorder, LATCHED_QOS)
        for name in SESSION_BUTTONS:
            self._serve(name, lambda session, name=name: session.press(frozenset({name})))
        self._serve("next", Session.next)
        self.create_timer(TICK_PERIOD_S, self._tick)

    def close_all(self) -> None:
        """End the sitting."""
        self._session = None

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """Where the sitting is."""
        if self._session is None:
            return True, "not configured", {}
        session = self._session
        values = {"state": session.state, "kept": session.kept, "dropped": session.dropped}
        return session.state != "failed", prompt(session), values

    def _serve(self, name: str, act: Callable[[Session], Call | None]) -> None:
        def on_request(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            session = self._session
            if session is None or not self.active:
                response.success, response.message = False, "the session is not active; activate it first"
                return response
            before = session.state
            call = act(session)
            response.success = call is not None or session.state != before or bool(session.queued)
            self._go_on(call)
            choices = ", ".join(session.choices()) or "nothing until the running request is answered"
            response.message = prompt(session) if response.success else f"not in state {before}; possible: {choices}"
            return response

        self.create_service(Trigger, f"session/{name}", on_request)

    def _tick(self) -> None:
        session = self._session
        if session is None or not self.active:
            return
        now_s = time.monotonic()
        names = {"recorder": "the recorder", "arm": "the arm"}
        missing = [what for key, what in names.items() if now_s - self._heard_s.get(key, -1e9) > self._peer_timeout_s]
        waiting_for = self._progress.get("waiting_for")
        if session.state == "waiting" and waiting_for:
            missing.append(f"the recorder ({waiting_for})")
        self._calls.check()
        self._go_on(session.peers(missing, str(self._progress.get("state", "idle"))))
        if self._settings.automatic:
            self._go_on(self._automatic.step(session, now_s))
        if session.state != "failed":
            self._sound_s = now_s
        elif not session.busy or now_s - self._sound_s > LAST_WORDS_S:
            self.failure = NodeError(session.note)
        self.finished = session.state == "done"

    def _go_on(self, call: Call | None) -> None:
        """Send the next call and say what changed."""
        session = self._session
        if session is None:
            return
        if call is not None:
            self._calls.ask(call, self._seed + max(session.resets - 1, 0))
        line = prompt(session)
        if line != self._said and not session.busy:
            self.get_logger().info(line)
        if line != self._said or time.monotonic() - self._said_s >= STATUS_PERIOD_S:
            self._said, self._said_s = line, time.monotonic()
            self._statuses.publish(String(data=json.dumps({**status(session), "recorder": self._progress})))

    def _on_answer(self, call: Call, success: bool, message: str) -> None:
        if self._session is not None:
            self._go_on(self._session.answered(call, success, message))

    def _on_joy(self, joy: JoyInput, msg: Joy) -> None:
        try:
            pressed = joy.take(msg.axes, msg.buttons, time.monotonic())
        except ContractError as error:
            self.get_logger().warning(f"buttons refused: {error}", throttle_duration_sec=5.0)
            return
        if self._session is not None and self.active:
            self._go_on(self._session.press(pressed))

    def _on_audit(self, msg: String) -> None:
        try:
            audit = dict(json.loads(msg.data))
        except (ValueError, TypeError) as error:
            self.get_logger().warning(f"/recorder/audit: {error}")
            return
        if audit.get("verdict") != "good":
            self.get_logger().warning("\n".join(audit_lines(audit)))
        if self._session is not None:
            self._session.audited(audit)
            self._go_on(None)

    def _on_arm(self, msg: String) -> None:
        try:
            status = json.loads(msg.data)
            mode, reason = str(status["mode"]), str(status["reason"])
        except (ValueError, KeyError, TypeError) as error:
            self.get_logger().warning(f"/arm/status: {error}", throttle_duration_sec=5.0)
            return
        self._heard_s["arm"] = time.monotonic()
        if mode in ("disabled", "estopped"):
            text = f"the arm is {mode} ({reason}); clear the cause, call /arm/reset, then /arm/enable"
            self.get_logger().warning(text, throttle_duration_sec=10.0)
        if self._session is not None:
            self._session.arm_is(mode, reason)

    def _on_recorder(self, msg: String) -> None:
        try:
            self._progress = dict(json.loads(msg.data))
        except (ValueError, TypeError) as error:
            self.get_logger().warning(f"/recorder/status: {error}", throttle_duration_sec=5.0)
            return
        self._heard_s["recorder"] = time.monotonic()
        trouble = self._progress.get("failure") or ("little room on the disk" * bool(self._progress.get("low_on_disk")))
        if trouble:
            self.get_logger().warning(f"recorder: {trouble}", throttle_duration_sec=10.0)
        if self._progress.get("state") == "recording":
            self.get_logger().info(progress_line(self._progress), throttle_duration_sec=5.0)
