"""One websocket to rosbridge_server, by roslibpy, that is given up when it breaks.

roslibpy's asyncio transport is used: its loop runs in one daemon thread for all connections of the process, where the
Twisted reactor of its other transport could be started only once. It would reconnect by itself; here it may not, or
an arm would come back in the middle of somebody's motion. A new `Bridge` is a new connection.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from crl_robot.errors import ArmError
from crl_robot.sawyer.topics import Topic

_LOG = logging.getLogger(__name__)
_CLOSE_TIMEOUT_S = 1.0

Handler = Callable[[Mapping[str, Any]], None]


class Bridge:
    """A connection. ``fault`` is empty until it is cut or rosbridge reports an error; then it stays.

    Raises ArmError when roslibpy is missing or no websocket opens within ``timeout_s``.
    """

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._roslibpy, factory = _load()
        self.fault = ""
        self._address = f"{host}:{port}"
        self._closing = False
        self._cut = threading.Event()
        self._publishers: dict[str, Any] = {}
        factory.set_max_retries(0)
        self._ros = self._roslibpy.Ros(host, port, transport="asyncio")
        self._ros.factory.on_ready(self._watch_status)
        self._ros.on("close", self._on_close)
        try:
            self._ros.run(timeout_s)
        except TimeoutError as error:
            self._ros.on_ready(self._ros.close)
            raise ArmError(
                f"no rosbridge at {self._address} within {timeout_s} s; is the container running, and is it the "
                "container's address rather than the robot's? docs/sawyer.md tells how to check each step"
            ) from error

    def subscribe(self, topic: Topic, handler: Handler, throttle_ms: int = 0) -> None:
        """Call ``handler`` with every message, in the connection's own thread; only the newest waits at the server."""
        name, kind = topic
        options = {"throttle_rate": throttle_ms, "queue_length": 1, "reconnect_on_close": False}
        self._roslibpy.Topic(self._ros, name, kind, **options).subscribe(handler)

    def advertise(self, topic: Topic, latch: bool = False) -> None:
        """Say that this topic will be published; ROS needs a moment to connect it, and loses what comes before."""
        name, kind = topic
        publisher = self._roslibpy.Topic(self._ros, name, kind, latch=latch, queue_size=1, reconnect_on_close=False)
        publisher.advertise()
        self._publishers[name] = publisher

    def publish(self, topic: Topic, message: Mapping[str, Any]) -> None:
        """Send one message. Raises ArmError once there is a fault. Nothing tells whether the robot took it."""
        self.require_sound()
        self._publishers[topic[0]].publish(dict(message))

    def round_trip_s(self, timeout_s: float) -> float:
        """Time for a question to rosbridge and its answer; what was published before has arrived there then.

        Raises ArmError when nobody answers within ``timeout_s``.
        """
        self.require_sound()
        service = self._roslibpy.Service(self._ros, "/rosapi/get_time", "rosapi/GetTime")
        start_s = time.monotonic()
        try:
            service.call(self._roslibpy.ServiceRequest(), timeout=timeout_s)
        except (TimeoutError, self._roslibpy.core.ServiceException) as error:
            raise ArmError(
                f"rosbridge at {self._address} did not tell its time within {timeout_s} s ({error}); is rosapi running?"
            ) from error
        return time.monotonic() - start_s

    def require_sound(self) -> None:
        """Raise ArmError with the fault, if there is one."""
        if self.fault:
            raise ArmError(self.fault)

    def close(self) -> None:
        """Close the websocket after what was published; waits a second at most."""
        self._closing = True
        self._ros.close()
        self._cut.wait(_CLOSE_TIMEOUT_S)

    def _on_close(self, _protocol: object) -> None:
        if not self._closing and not self.fault:
            self.fault = (
                f"the connection to rosbridge at {self._address} was cut; the robot stops by its command timeout. "
                "Find out why, close this driver and connect again"
            )
            _LOG.error(self.fault)
        self._cut.set()

    def _watch_status(self, protocol: Any) -> None:
        # roslibpy lists 'status' without a handler, and its own way to register one refuses names in that list.
        protocol._message_handlers["status"] = self._on_status

    def _on_status(self, message: Mapping[str, Any]) -> None:
        text = f"rosbridge at {self._address} says {message.get('level')}: {message.get('msg')}"
        _LOG.warning(text)
        if message.get("level") == "error" and not self.fault:
            self.fault = f"{text}; are its message packages those of the robot (intera_core_msgs 5.3)? Connect again"


def _load() -> tuple[Any, Any]:
    try:
        import roslibpy
        from roslibpy.comm import select_factory

        return roslibpy, select_factory("asyncio")
    except ModuleNotFoundError as error:
        raise ArmError(
            f"Sawyer needs the Python package roslibpy ({error}); install it: pip install 'roslibpy>=2.1'"
        ) from error
    except (RuntimeError, ValueError, ImportError) as error:
        raise ArmError(
            f"roslibpy cannot use asyncio here: {error}; it must be 2.1 or newer, and nothing else in this process may "
            "use it with Twisted"
        ) from error
