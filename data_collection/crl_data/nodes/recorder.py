"""The recorder as a ROS node: one step per action that the arm commanded, one episode per start and stop.

It only listens. It writes the same episodes as scripted play does, through the same writer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from crl_data.background import BackgroundWriter
from crl_data.matching import StepMatcher
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import Action
from crl_robot.errors import ConfigError, ContractError, CrlError, StoreError
from crl_robot.kinematics import JOINT_NAMES
from crl_robot.nodes.arm_settings import action_spec_setting
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import STATE_QOS, action_from_msg
from crl_robot.nodes.observation_topics import ObservationTopics

SETTLE_PERIOD_S = 0.1
"""How often actions that wait for their frame are looked at when no frame comes."""


class RecorderNode(CrlNode):
    """Records between /recorder/start and /recorder/stop (commit) or /recorder/discard."""

    def __init__(self) -> None:
        super().__init__("recorder")
        self._path = self.setting(
            "store", "recorded.zarr", "store to write, from the caller's folder; made when missing"
        )
        cameras = self.setting("cameras", ["over_shoulder"], "names of the cameras to record")
        width = self.setting("width", 320, "native width of every camera, pixels", 1, 8192)
        height = self.setting("height", 240, "native height of every camera, pixels", 1, 8192)
        encoding: Any = self.setting("encoding", "jpeg", "jpeg or lossless")
        quality = self.setting("quality", 95, "JPEG quality", 1, 100)
        robot = self.setting("robot", "widowx250s", "name of the robot, kept in the store")
        names: list[str] = list(JOINT_NAMES)
        joints = self.setting("joint_names", names, "joints of the arm without the gripper")
        self._tolerance_s = self.setting(
            "match_tolerance_s", 0.02, "largest difference of an action's stamp and its frame's", 0.0, 1.0
        )
        self._max_age_s = self.setting("max_age_s", 0.5, "older images or arm states are not recorded", 0.01, 10.0)
        self._capacity = self.setting("queue", 100, "steps that may wait to be coded; more are dropped", 1, 10_000)
        self._commit_on_exit = self.setting(
            "commit_on_exit", False, "commit a running episode when the node ends instead of discarding it"
        )
        if not cameras:
            raise ConfigError("parameter 'cameras' is empty; name at least one camera")
        spec = CameraSpec((width, height), encoding, quality)
        self._spec = StoreSpec(action_spec_setting(self), {name: spec for name in cameras}, robot, tuple(joints))
        self._matcher: StepMatcher | None = None
        self._episode: BackgroundWriter | None = None
        self._lost_before: dict[str, int] = {}
        self._committed = 0

    def open_all(self) -> None:
        """Open or make the store and listen; nothing is recorded yet."""
        self._store = Store.open_or_create(Path(self._path), self._spec)
        self._matcher = StepMatcher(self._tolerance_s)
        # Before the observations: the executor serves in this order, and a request precedes what the arm makes of it.
        self.create_subscription(JointState, "/arm/action", self._on_requested, STATE_QOS)
        sizes = {name: camera.native for name, camera in self._spec.cameras.items()}
        self._observations = ObservationTopics(self, sizes, self._spec.action, self._max_age_s, on_frame=self._on_frame)
        self.create_subscription(JointState, "/arm/commanded", self._on_commanded, STATE_QOS)
        self.create_service(Trigger, "/recorder/start", self._on_start)
        self.create_service(Trigger, "/recorder/stop", self._on_stop)
        self.create_service(Trigger, "/recorder/discard", self._on_discard)
        self.create_timer(SETTLE_PERIOD_S, self._settle)

    def pause(self) -> None:
        """End a running episode as ``commit_on_exit`` says."""
        if self._episode is not None:
            self.get_logger().info(self._commit() if self._commit_on_exit and self._episode.taken else self._discard())

    def close_all(self) -> None:
        """Stop listening."""
        if self._matcher is not None:
            self._observations.close()
            self._matcher = None

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """Whether it records, steps taken and dropped, actions without a frame, frames lost."""
        if self._matcher is None:
            return True, "not configured", {}
        episode = self._episode
        counts = self._observations.counts()["frames_lost"]
        values: dict[str, Any] = {"committed": self._committed, "unmatched": self._matcher.unmatched}
        values |= {f"lost_{name}": count for name, count in counts.items()}
        if episode is None:
            return True, "waiting for /recorder/start", values
        values |= {"steps": episode.taken, "dropped": episode.dropped}
        if episode.failure is not None:
            return False, f"this episode cannot be committed: {episode.failure}; call /recorder/discard", values
        return episode.dropped == 0, f"recording, {episode.taken} steps, {episode.dropped} dropped", values

    def _on_frame(self) -> None:
        now_ns = self._now_ns()
        observation = self._observations.observe(now_ns)
        if observation is not None and self._matcher is not None:
            self._matcher.add_observation(observation)
            self._settle()

    def _on_requested(self, msg: JointState) -> None:
        action = self._read(msg)
        if action is not None and self._matcher is not None:
            self._matcher.add_requested(action)

    def _on_commanded(self, msg: JointState) -> None:
        action = self._read(msg)
        if action is not None and self._matcher is not None:
            self._matcher.add_commanded(action, self._now_ns())
            self._settle()

    def _settle(self) -> None:
        steps = self._matcher.take(self._now_ns()) if self._matcher is not None else []
        if self._episode is not None:
            for step in steps:
                self._episode.offer(step)

    def _on_start(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, self._start)

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, self._commit)

    def _on_discard(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, self._discard)

    def _start(self) -> str:
        if not self.active:
            raise StoreError("the recorder is not active; activate it before recording")
        if self._episode is not None:
            raise StoreError("an episode is being recorded already; call /recorder/stop or /recorder/discard first")
        reason = self._observations.why_not(self._now_ns())
        if reason:
            raise StoreError(f"nothing to record yet: {reason}; start the arm and cameras first")
        options = {"match_tolerance_s": self._tolerance_s}
        writer = EpisodeWriter(self._store, source="recorder", options=options)
        self._lost_before = self._observations.counts()["frames_lost"]
        self._episode = BackgroundWriter(writer, self._capacity)
        return f"recording episode {writer.id}"

    def _commit(self) -> str:
        """Commit the running episode; when the disk refuses it is kept, so that /recorder/stop can be called again."""
        episode = self._running()
        if not episode.taken:
            self._discard()
            raise StoreError("no step was recorded, nothing is committed; does the arm take actions?")
        final = None
        if episode.last_stamp_ns is not None and self._matcher is not None:
            period_ns = round(self._spec.action.period_s * 1e9)
            final = self._matcher.state_at(episode.last_stamp_ns + period_ns, period_ns // 2)
        lost = self._observations.counts()["frames_lost"]
        lost = {name: count - self._lost_before.get(name, 0) for name, count in lost.items()}
        note = f"{episode.dropped} steps dropped" if episode.dropped else ""
        episode_id = episode.commit(final=final, lost=lost, note=note)
        self._episode = None
        self._committed += 1
        return f"committed episode {episode_id}: {episode.taken} steps, {episode.dropped} dropped, lost frames {lost}"

    def _discard(self) -> str:
        episode = self._running()
        self._episode = None
        episode.discard()
        return f"discarded {episode.taken} steps"

    def _running(self) -> BackgroundWriter:
        if self._episode is None:
            raise StoreError("no episode is being recorded; call /recorder/start first")
        return self._episode

    def _answer(self, response: Trigger.Response, do: Callable[[], str]) -> Trigger.Response:
        try:
            response.success, response.message = True, do()
            self.get_logger().info(response.message)
        except CrlError as error:
            response.success, response.message = False, str(error)
            self.get_logger().warning(response.message)
        return response

    def _read(self, msg: JointState) -> Action | None:
        try:
            return action_from_msg(msg)
        except ContractError as error:
            self.get_logger().warning(f"action not recorded: {error}", throttle_duration_sec=1.0)
            return None

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds
