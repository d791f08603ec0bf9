"""The parameters of the teleoperation node, read once into the plain settings that its loop takes."""

from __future__ import annotations

from typing import Any

from crl_data.teleop.inputs import JoyInput
from crl_data.teleop.layout import load_layout
from crl_data.teleop.loop import LoopSettings, TeleopLoop
from crl_data.teleop.mapper import TeleopMapper, TeleopSettings
from crl_data.teleop.scripted import ScriptedReacher, ScriptedSettings
from crl_robot.errors import ConfigError, nearest
from crl_robot.nodes.arm_settings import action_spec_setting, limits_setting
from crl_robot.nodes.common import CrlNode
from crl_robot.sim.places import reachable

SOURCES = ("joy", "scripted")


class TeleopParameters:
    """Declares them on ``node``. Raises ConfigError on values that cannot be used."""

    def __init__(self, node: CrlNode) -> None:
        self._source = node.setting("source", "joy", "who moves: joy (a device on /joy) or scripted")
        if self._source not in SOURCES:
            raise ConfigError(f"source is '{self._source}', {nearest(self._source, SOURCES)}")
        self._layout = node.setting(
            "layout", "xbox", "meaning of axes and buttons: xbox, playstation, plain, or a YAML file of your own"
        )
        self._joy_timeout_s = node.setting(
            "joy_timeout_s", 0.25, "silence of /joy that counts as everything released, s", 0.05, 2.0
        )
        self.spec = action_spec_setting(node)
        self._limits = limits_setting(node)
        self._speeds = _speeds(node)
        self._scripted = _scripted(node)
        self.loop = _loop(node, self._source)

    def make_loop(self) -> TeleopLoop:
        """A loop at rest. Raises ConfigError when the layout cannot be used."""
        mapper = TeleopMapper(self.spec, self._limits, self._speeds)
        if self._source == "joy":
            return TeleopLoop(JoyInput(load_layout(self._layout), self._joy_timeout_s), mapper, self.loop)
        return TeleopLoop(ScriptedReacher(self._scripted, self._limits, reachable), mapper, self.loop)


def _speeds(node: CrlNode) -> TeleopSettings:
    default = TeleopSettings()
    frame: Any = node.setting("frame", str(default.frame), "base, or tool_yaw: x and y turn with the gripper")
    return TeleopSettings(
        max_speed=node.setting("max_speed", default.max_speed, "speed at scale 1, m/s", 0.001, 2.0),
        max_turn=node.setting("max_turn", default.max_turn, "turning at scale 1, rad/s", 0.01, 10.0),
        acceleration=node.setting("acceleration", default.acceleration, "m/s^2", 0.01, 100.0),
        turn_acceleration=node.setting("turn_acceleration", default.turn_acceleration, "rad/s^2", 0.01, 100.0),
        start_scale=node.setting("start_scale", default.start_scale, "speed scale at the beginning", 0.1, 1.0),
        frame=frame,
    )


def _scripted(node: CrlNode) -> ScriptedSettings:
    default = ScriptedSettings()
    return ScriptedSettings(
        seed=node.setting("scripted.seed", default.seed, "seed of the scripted reaching", 0, 2**31 - 1),
        noise=node.setting("scripted.noise", default.noise, "noise as a share of full speed", 0.0, 1.0),
        dwell_s=node.setting("scripted.dwell_s", default.dwell_s, "longest rest at a goal, s", 0.0, 10.0),
        gripper_share=node.setting("scripted.gripper_share", default.gripper_share, "gripper moves per goal", 0.0, 1.0),
    )


def _loop(node: CrlNode, source: str) -> LoopSettings:
    default = LoopSettings()
    cameras = node.setting("cameras", list(default.cameras), "cameras whose newest frame an action is stamped with")
    if not cameras:
        raise ConfigError("parameter 'cameras' is empty; name at least one: an action carries the stamp of a frame")
    age_ms = node.setting("max_age_ms", default.max_age_s * 1e3, "frames older than this are not acted on", 1.0, 1e4)
    timeout_s = node.setting(
        "timeout_s", default.timeout_s, "silence of arm or session that counts as lost, s", 1.5, 60.0
    )
    only = node.setting(
        "only_while_recording", source == "scripted", "act only while /session/status says that it records"
    )
    return LoopSettings(tuple(cameras), age_ms / 1e3, timeout_s, only)
