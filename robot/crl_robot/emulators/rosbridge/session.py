"""One client of the emulated rosbridge_server: the operations of protocol version 2 on JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from crl_robot.emulators.rosbridge.types import TYPES, mismatch

LEVELS = ("none", "error", "warning", "info")


class Robot(Protocol):
    """What stands behind rosbridge. Called from one thread at a time."""

    publishes: Mapping[str, str]
    """Topics it publishes, with their types."""
    listens: Mapping[str, str]
    """Topics it subscribes to, with their types."""

    def receive(self, topic: str, message: Mapping[str, Any]) -> None:
        """Take a well-formed message of one of the topics it listens to; what it does not obey it drops silently."""
        ...

    def call(self, service: str, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Answer a service call, or None when there is no such service."""
        ...

    def tick(self, period_s: float) -> list[tuple[str, dict[str, Any]]]:
        """Let time pass; returns what it publishes now."""
        ...


@dataclass
class _Subscription:
    topic: str
    throttle_s: float
    sent_s: float = -1e9


class Session:
    """Handles one client's operations; ``send`` takes the text that goes back."""

    def __init__(self, robot: Robot, send: Callable[[str], None], discovery_s: float) -> None:
        self._robot, self._send = robot, send
        self._discovery_s = discovery_s
        self._level = "error"
        self._subscriptions: dict[str, _Subscription] = {}
        self._advertised: dict[str, float] = {}
        self._latched: dict[str, Mapping[str, Any]] = {}
        self._operations: dict[str, Callable[[Mapping[str, Any], float], None]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "advertise": self._advertise,
            "unadvertise": self._unadvertise,
            "publish": self._publish,
            "call_service": self._call_service,
            "set_level": self._set_level,
        }

    def handle(self, text: str, now_s: float) -> None:
        """One message of the client; what is wrong with it is told by a status message."""
        try:
            message = json.loads(text)
        except json.JSONDecodeError as error:
            self._status("error", f"not JSON: {error}", None)
            return
        operation = message.get("op") if isinstance(message, dict) else None
        if operation not in self._operations:
            known = ", ".join(sorted(self._operations))
            self._status("error", f"unknown operation {operation!r}, known: {known}", None)
            return
        try:
            self._operations[operation](message, now_s)
        except (KeyError, TypeError, ValueError) as error:
            self._status("error", f"{operation}: {error!r}", message.get("id"))

    def deliver(self, topic: str, message: Mapping[str, Any], now_s: float) -> None:
        """Send a message of the robot to every subscription whose throttle lets it through."""
        due = [s for s in self._subscriptions.values() if s.topic == topic and now_s - s.sent_s > s.throttle_s - 1e-6]
        if due:
            for subscription in due:
                subscription.sent_s = now_s
            self._send(json.dumps({"op": "publish", "topic": topic, "msg": message}))

    def settle(self, now_s: float) -> None:
        """Deliver latched messages whose topic ROS has connected by now."""
        for topic in [t for t in self._latched if now_s - self._advertised.get(t, now_s) >= self._discovery_s]:
            self._robot.receive(topic, self._latched.pop(topic))

    def _subscribe(self, message: Mapping[str, Any], now_s: float) -> None:
        topic, kind = str(message["topic"]), message.get("type")
        known = self._robot.publishes.get(topic)
        if known is None and kind is None:
            raise ValueError(f"the type of {topic} is not known, for nobody publishes it yet")
        if known is not None and kind is not None and kind != known:
            raise ValueError(f"{topic} has type {known}, not {kind}")
        if message.get("fragment_size") is not None:
            raise ValueError("fragmentation is not supported")
        throttle_s = float(message.get("throttle_rate", 0)) / 1000.0
        self._subscriptions[str(message.get("id", topic))] = _Subscription(topic, throttle_s)

    def _unsubscribe(self, message: Mapping[str, Any], now_s: float) -> None:
        topic, wanted = str(message["topic"]), message.get("id")
        gone = [key for key, s in self._subscriptions.items() if s.topic == topic and wanted in (None, key)]
        for key in gone:
            del self._subscriptions[key]

    def _advertise(self, message: Mapping[str, Any], now_s: float) -> None:
        topic, kind = str(message["topic"]), str(message["type"])
        if kind not in TYPES:
            raise ValueError(f"no message package has {kind}")
        known = {**self._robot.publishes, **self._robot.listens}.get(topic)
        if known is not None and kind != known:
            raise ValueError(f"{topic} has type {known}, not {kind}")
        self._advertised.setdefault(topic, now_s)

    def _unadvertise(self, message: Mapping[str, Any], now_s: float) -> None:
        self._advertised.pop(str(message["topic"]), None)

    def _publish(self, message: Mapping[str, Any], now_s: float) -> None:
        topic, content = str(message["topic"]), message.get("msg", {})
        kind = self._robot.listens.get(topic)
        if topic not in self._advertised:
            if kind is None:
                raise ValueError(f"the type of {topic} is not known; advertise it first")
            self._advertised[topic] = now_s
        if kind is None:
            return
        if reason := mismatch(TYPES[kind], content):
            raise ValueError(f"the message does not fit {kind}: {reason}")
        if now_s - self._advertised[topic] >= self._discovery_s:
            self._robot.receive(topic, content)
        elif message.get("latch"):
            self._latched[topic] = content

    def _call_service(self, message: Mapping[str, Any], now_s: float) -> None:
        service, arguments = str(message["service"]), message.get("args") or {}
        values = self._robot.call(service, arguments if isinstance(arguments, Mapping) else {})
        answer = {"op": "service_response", "service": service, "result": values is not None}
        answer["values"] = f"service {service} does not exist" if values is None else values
        if "id" in message:
            answer["id"] = message["id"]
        self._send(json.dumps(answer))

    def _set_level(self, message: Mapping[str, Any], now_s: float) -> None:
        level = str(message["level"])
        if level not in LEVELS:
            raise ValueError(f"level {level!r}, expected one of {', '.join(LEVELS)}")
        self._level = level

    def _status(self, level: str, text: str, message_id: object) -> None:
        if LEVELS.index(level) <= LEVELS.index(self._level):
            status = {"op": "status", "level": level, "msg": text}
            self._send(json.dumps(status if message_id is None else {**status, "id": message_id}))
