"""A real arm, or an emulated one, as a node: configure opens it and moves nothing, activate allows enabling it.

Two threads: one runs the inner loop, and the process's own delivers messages. A driver that fails latches the e-stop;
the node lives on and tells so, and goes on after arm/reset and arm/enable, also when the device was unplugged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crl_robot.errors import ConfigError, CrlError
from crl_robot.nodes.arm_devices import arm_device_setting
from crl_robot.nodes.arm_settings import action_spec_setting, limits_setting
from crl_robot.nodes.arm_topics import ArmTopics
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.worker import NEWEST_TICKS, Worker
from crl_robot.reconnecting import ReconnectingArm, connect_within

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 20.0, 100.0


class ArmNode(CrlNode):
    """Owns one arm and publishes what `ArmTopics` does."""

    def __init__(self) -> None:
        super().__init__("arm")
        self._device = arm_device_setting(self)
        self._connect_s = self.setting("connect_s", 0.0, "how long configure tries to connect, s", 0.0, 600.0)
        self._spec = action_spec_setting(self)
        self._limits = limits_setting(self, self._device.limits)
        self._device.require(self._limits)
        if not LOWEST_RATE_HZ <= self._limits.inner_rate_hz <= HIGHEST_RATE_HZ:
            raise ConfigError(
                f"parameter 'limits.inner_rate_hz' is {self._limits.inner_rate_hz}, expected {LOWEST_RATE_HZ} to "
                f"{HIGHEST_RATE_HZ} Hz"
            )
        self._arm: ReconnectingArm | None = None
        self._worker: Worker | None = None
        self._latched = ""

    def open_all(self) -> None:
        """Open the driver, read the arm and let the inner loop run; nothing moves and nothing is switched on."""
        device = self._device
        self.get_logger().info(f"trying to connect to '{device.robot}' for {self._connect_s:g} s")
        self._arm = ReconnectingArm(connect_within(device.connect, self._connect_s, self.stopping), device.connect)
        self._topics = ArmTopics(
            self,
            self._arm,
            device.kinematics(),
            self._spec,
            self._limits,
            device.model,
            device.describe,
            device.data_name,
        )
        if self._latched:
            self._topics.keep_latched(self._latched)
        self._health: Mapping[str, float | int | str] = {}
        self._ticks = 0
        self._worker = Worker("inner loop", 1.0 / self._limits.inner_rate_hz, self._tick, self._fail)
        self._worker.start()

    def pause(self) -> None:
        """Hold, and refuse to move until enabled again."""
        self._topics.disable()

    def close_all(self) -> None:
        """End the inner loop and close the driver, which holds; a latched e-stop is remembered."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
            summary = self._topics.summary()
            self._latched = summary["reason"] if summary["mode"] == "estopped" else ""
        if self._arm is not None:
            self._arm.close()
            self._arm = None

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """Mode of the arm, lateness of the inner loop, counters, and the health of the device."""
        if self._worker is None:
            return True, "not configured", {}
        summary = self._topics.summary()
        values: dict[str, Any] = {"robot": self._device.robot, "mode": summary["mode"], "reason": summary["reason"]}
        values |= {f"lateness_{key}_ms": round(v, 2) for key, v in self._worker.stats.summary(NEWEST_TICKS).items()}
        values["missed"] = self._worker.stats.missed
        values |= {f"count_{key}": count for key, count in summary["counters"].items()}
        values |= self._health
        return summary["mode"] != "estopped", f"{summary['mode']} {summary['reason']}".strip(), values

    def _tick(self) -> None:
        readable = self._topics.tick()
        self._ticks += 1
        if readable and self._ticks % round(self._limits.inner_rate_hz) == 0:
            self._health = self._topics.device_diagnostics()

    def _fail(self, error: CrlError) -> None:
        self.get_logger().error(str(error))
        self.failure = error
