"""What every node of the graph shares: lifecycle with autostart, typed parameters, diagnostics, a clean end.

A node derives from `CrlNode`, declares its parameters with `CrlNode.setting`, and fills in the four steps `open_all`,
`start`, `pause` and `close_all`. Its executable is one line: ``run_node("package.module:Class")``.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.client import Client
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from crl_robot.errors import ConfigError, CrlError, nearest

T = TypeVar("T", bool, int, float, str, list[str], list[float])

DIAGNOSTICS_PERIOD_S = 1.0
_ROS_OWN = ("use_sim_time", "start_type_description_service")


class NodeError(CrlError, RuntimeError):
    """A node cannot go on."""


class CrlNode(LifecycleNode):
    """Lifecycle node that configures and activates itself unless its parameter ``autostart`` is false.

    configure = `open_all`, activate = `start`, deactivate = `pause` (an arm holds), cleanup = `close_all`. A step that
    raises CrlError is logged once and leaves the node where it was. ``failure`` set to an error ends the process, and
    ``finished`` set to true ends it with code 0. A step that waits asks ``stopping()`` whether the process is to end.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.failure: CrlError | None = None
        self.finished = False
        self.stopping: Callable[[], bool] = lambda: False
        self._known: set[str] = set(_ROS_OWN)
        self._step_error: CrlError | None = None
        self._is_open = self._is_active = False
        self._own_entities: list[Any] = []
        self._autostart = self.setting("autostart", True, "configure and activate without a launch file")
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_timer(DIAGNOSTICS_PERIOD_S, self._publish_diagnostics)

    @property
    def logged(self) -> CrlError | None:
        """The newest error of a step, which is in the log already."""
        return self._step_error

    @property
    def active(self) -> bool:
        """Whether the node is activated."""
        return self._is_active

    def now_ns(self) -> int:
        """Time on the clock of the stamps."""
        return self.get_clock().now().nanoseconds

    def open_all(self) -> None:
        """Open devices and files. Raises CrlError when that fails."""

    def start(self) -> None:
        """Begin to act. Raises CrlError when that fails."""

    def pause(self) -> None:
        """Stop acting; an arm holds."""

    def close_all(self) -> None:
        """Release what `open_all` opened; also called after an `open_all` that failed half-way."""

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """Whether all is well, one line that says so or why not, and values; published once a second."""
        return True, "running" if self._is_active else "not active", {}

    def setting(
        self,
        name: str,
        default: T,
        description: str,
        low: float | None = None,
        high: float | None = None,
        read_only: bool = True,
    ) -> T:
        """Declare a parameter of the type of ``default`` and return its value. Raises ConfigError on a wrong value."""
        self._known.add(name)
        descriptor = ParameterDescriptor(description=description, read_only=read_only)
        if low is not None and high is not None and isinstance(default, float):
            descriptor.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
        elif low is not None and high is not None:
            descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
        given = self._parameter_overrides.get(name)
        value: Any = default
        if isinstance(default, float) and given is not None and type(given.value) is int:
            value = float(given.value)  # 15 in a file means 15.0 here
        try:
            declared = self.declare_parameter(name, value, descriptor, ignore_override=value is not default)
            return cast(T, declared.value)
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            between = f" between {low} and {high}" if low is not None else ""
            raise ConfigError(
                f"parameter '{name}' of node '{self.get_name()}': {error}; expected {type(default).__name__}{between}"
            ) from error

    def refuse_unknown_settings(self) -> None:
        """Raise ConfigError for a parameter that was given but never declared; ROS itself would ignore it."""
        given: Mapping[str, Parameter] = self._parameter_overrides
        for name in given:
            if name not in self._known and not name.startswith("qos_overrides."):
                hint = nearest(name, self._known - set(_ROS_OWN))
                raise ConfigError(f"node '{self.get_name()}' has no parameter '{name}'; {hint}")

    def autostart(self) -> None:
        """Configure and activate when the parameter says so. Raises the CrlError that prevented it."""
        self.refuse_unknown_settings()
        if not self._autostart:
            return
        for step in (self.trigger_configure, self.trigger_activate):
            if step() != TransitionCallbackReturn.SUCCESS:
                raise self._step_error or ConfigError(f"node '{self.get_name()}' could not start; see its log")

    def leave(self) -> None:
        """Pause and close from any state, for the end of the process."""
        was_active, self._is_active = self._is_active, False
        was_open, self._is_open = self._is_open, False
        try:
            if was_active:
                self._step(self.pause)
        finally:
            if was_open:
                self._close()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open; on failure close what was opened."""
        self._own_entities = self._entities()
        self._is_open = True  # until `open_all` returns there may be things to close as well
        if not self._step(self.open_all):
            self._is_open = False
            self._close()
        return _result(self._is_open)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start acting."""
        self._is_active = True
        self._is_active = self._step(self.start)
        return _result(self._is_active)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop acting."""
        self._is_active = False
        return _result(self._step(self.pause))

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close."""
        self._is_open = False
        return _result(self._close())

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close from any state."""
        self.leave()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """A transition raised what `_step` does not handle, and rclpy swallowed it: close and end the process."""
        self.failure = NodeError(f"node '{self.get_name()}' has a bug in a lifecycle step; its log has the traceback")
        self.leave()
        return TransitionCallbackReturn.SUCCESS

    def _close(self) -> bool:
        """Close, and destroy the publishers, subscriptions, services and timers that `open_all` made."""
        done = self._step(self.close_all)
        made = [entity for entity in self._entities() if entity not in self._own_entities]
        for entity in made:
            self._destroy(entity)
        return done

    def _entities(self) -> list[Any]:
        return [*self.publishers, *self.subscriptions, *self.services, *self.clients, *self.timers]

    def _destroy(self, entity: Any) -> None:
        destroyers: list[tuple[type, Callable[[Any], bool]]] = [
            (Publisher, self.destroy_publisher),
            (Subscription, self.destroy_subscription),
            (Service, self.destroy_service),
            (Client, self.destroy_client),
            (Timer, self.destroy_timer),
        ]
        next(destroy for kind, destroy in destroyers if isinstance(entity, kind))(entity)

    def _step(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except CrlError as error:
            self._step_error = error
            self.get_logger().error(f"{step.__name__}: {error}")
            return False
        except BaseException:
            self.get_logger().error(f"{step.__name__} has a bug:\n{traceback.format_exc()}")
            raise
        return True

    def _publish_diagnostics(self) -> None:
        well, message, values = self.diagnose()
        status = DiagnosticStatus(
            level=DiagnosticStatus.OK if well else DiagnosticStatus.WARN,
            name=self.get_fully_qualified_name(),
            message=message,
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)


def _result(done: bool) -> TransitionCallbackReturn:
    return TransitionCallbackReturn.SUCCESS if done else TransitionCallbackReturn.FAILURE
