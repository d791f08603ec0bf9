"""How to reach a Sawyer and what its driver tolerates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crl_robot.errors import ConfigError


@dataclass(frozen=True)
class SawyerSettings:
    """Where rosbridge listens, and the driver's limits.

    Attributes:
        host, port: of rosbridge_server (the container beside the robot, not the robot itself).
        limb: name of the arm in the topics.
        gripper: name of the electric gripper in the topics.
        connect_timeout_s: time for the connection and for the first message of every stream.
        silence_s: oldest joint reading that is still used; the robot sends at 100 Hz.
        state_silence_s: oldest /robot/state with which motion is allowed.
        gripper_silence_s: oldest gripper state that is still used.
        command_timeout_s: the robot stops following when no command came for so long; set on connect.
        speed_ratio: share of the joint speeds that the robot uses, above 0 to 1; set on connect.
        max_lead_rad: how far a joint target may be from the measured joint.
        renew_s: age at which `SawyerArm.read` sends the newest target again.
    """

    host: str = "127.0.0.1"
    port: int = 9090
    limb: str = "right"
    gripper: str = "right_gripper"
    connect_timeout_s: float = 5.0
    silence_s: float = 0.2
    state_silence_s: float = 2.0
    gripper_silence_s: float = 5.0
    command_timeout_s: float = 0.2
    speed_ratio: float = 0.3
    max_lead_rad: float = 0.5
    renew_s: float = 0.05

    def __post_init__(self) -> None:
        if not self.host:
            raise ConfigError("host is empty, expected the name or address of the machine where rosbridge runs")
        if not 0 < self.port < 65536:
            raise ConfigError(f"port is {self.port}, expected 1 to 65535; rosbridge listens on 9090")
        for name in _TIMES:
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ConfigError(f"{name} is {value}, expected a finite number above 0")
        if not 0 < self.speed_ratio <= 1:
            raise ConfigError(f"speed_ratio is {self.speed_ratio}, expected above 0 and at most 1")
        if self.renew_s >= self.command_timeout_s:
            raise ConfigError(
                f"renew_s is {self.renew_s}, expected less than command_timeout_s, {self.command_timeout_s}: a target "
                "would time out before it is sent again"
            )


_TIMES = (
    "connect_timeout_s",
    "silence_s",
    "state_silence_s",
    "gripper_silence_s",
    "command_timeout_s",
    "max_lead_rad",
    "renew_s",
)
