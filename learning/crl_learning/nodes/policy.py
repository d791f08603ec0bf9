"""The policy as a ROS node: its parameters and status around `GoalRun`.

The control thread acts and keeps the rate. The executor's thread takes what arrives, new goals among it, and looks
around while nothing is acted on. The node never tells the arm to stop: it falls silent, and the arm holds by itself
within two control periods, also when this process is killed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch  # before MuJoCo opens a GL context: the other order crashes
from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter

from crl_learning.goals.reading import read_goals
from crl_learning.machine import choose_device
from crl_learning.nodes.policy_control import Control
from crl_learning.nodes.policy_desk import Desk
from crl_learning.nodes.policy_far import make_run
from crl_learning.nodes.policy_loading import load_export, load_policy
from crl_learning.nodes.policy_memory import Legacy
from crl_learning.nodes.policy_settings import policy_settings, run_settings
from crl_learning.nodes.policy_topics import PolicyTopics
from crl_learning.nodes.policy_words import state_of, why_still
from crl_learning.planning.plan import Plan
from crl_learning.policy_loop import Policy
from crl_learning.progress.watch import ProgressWatch
from crl_learning.runtime.checks import as_dicts
from crl_learning.runtime.status import flat, run_facts
from crl_robot.contracts import Observation
from crl_robot.errors import CrlError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.observation_topics import ObservationTopics
from crl_robot.schedule import OnDemand

STATUS_PERIOD_S = 0.5


class PolicyNode(CrlNode):
    """Acts towards goal images at the checkpoint's rate."""

    def __init__(self) -> None:
        super().__init__("policy")
        self._settings = policy_settings(self)
        self._run_settings = run_settings(self)
        self._open = False
        self._legacy = Legacy(self, self._settings.memory_folder)
        self.add_on_set_parameters_callback(self._on_parameters)

    def open_all(self) -> None:
        """Load checkpoint and goals, make the topics; nothing is acted on yet."""
        settings, found = self._settings, self._legacy.found
        torch.set_num_threads(settings.threads)
        device = choose_device(settings.device)
        policy = self._policy = load_policy(settings.checkpoint, settings.rate_hz, settings.goal_camera, device)
        views, actions = policy.views, policy.action_spec
        self._camera = settings.goal_camera or views.spec.camera
        goals = found.goals if found and found.goals else read_goals(settings.goal, views)
        by_itself = found.going.begins if found else settings.start_on_activate
        self._again = found is not None
        export = load_export(settings.checkpoint)
        patience = round(settings.patience_s / actions.period_s)
        self._watch = ProgressWatch(export.calibration if export else None, settings.reached_rate, patience)
        self._topics = PolicyTopics(self, views, self._camera)
        self._run = make_run(policy, settings, self._run_settings, self._watch, self._topics.show_goal, self._show_plan)
        self._demand = OnDemand() if settings.lockstep else None
        self._observations = self._listen(policy)
        self._control = Control(
            self._run,
            policy,
            self._watch,
            self._topics,
            self._observe,
            settings.reached_rate,
            settings.lead_s,
            self._publish_status,
            self._fail,
            self._demand,
        )
        parts = (self._run, self._control, self._topics, self._observations)
        self._desk = Desk(self, settings, by_itself, (views, actions), export, parts, self._publish_status)
        self._open = True
        self.create_timer(STATUS_PERIOD_S, self._look)
        if goals:
            self._desk.take_goals(goals)
        self._legacy.take_over(self._run, self._topics)

    def start(self) -> None:
        """Begin to act, unless that is left to policy/start or there is no goal yet."""
        self._desk.starting.begin_by_itself(self._again)
        self._publish_status()

    def pause(self) -> None:
        """Fall silent; the arm holds by itself."""
        self._desk.starting.give_up("the node was deactivated")
        self._run.stop("the node was deactivated")
        self._control.end()
        self._publish_status()

    def close_all(self) -> None:
        """Stop listening; the base class closes what was made."""
        if self._open:
            self._observations.close()
            self._desk.close()
            self._run.close()
        self._open = False

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """What the node does or waits for, lateness of the control ticks, frames received and lost."""
        if not self._open:
            return True, "not configured", {}
        status = self._status()
        well = not status["goal_refused"] and (status["ended"] or {}).get("verdict") not in ("failed", "not_improving")
        return well, f"{status['state']} {status['reason']}".strip(), flat(status)

    def _listen(self, policy: Policy) -> ObservationTopics:
        spec, settings = policy.image_spec, self._settings
        return ObservationTopics(
            self,
            policy.views.sizes,
            policy.action_spec,
            settings.max_age_ms / 1e3,
            settings.align_ms / 1e3,
            on_frame=lambda *_: self._control.ask(),
            on_state=lambda state: self._control.take_state(state),
            require=lambda declared, robot: policy.require_robot(declared, spec.native, robot),
        )

    def _observe(self) -> Observation | None:
        observation = self._observations.observe(self.now_ns()) if self.active else None
        if observation is None or self._demand is None:
            return observation
        # An arm that stands still in lock step says that it is enabled and nothing after that.
        mode, reason = self._observations.arm_status()
        return replace(observation, arm=replace(observation.arm, mode=mode, reason=reason))

    def _look(self) -> None:
        """Twice a second: what a tick would say while nothing is acted on, the first checks, and the status."""
        self._control.preview()
        self._desk.look_at_arm()
        if self.active and not self._desk.checks and state_of(True, self._run, self._desk.starting) == "ready":
            self._desk.look_around()
        self._publish_status()

    def _fail(self, error: CrlError) -> None:
        self.failure = error

    def _show_plan(self, plan: Plan) -> None:
        self._topics.show_plan(plan, self.now_ns())
        self._topics.show_stages(self._run.stages.goals, self.now_ns())

    def _on_parameters(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        """Only the speed may change while the node runs; the others are read-only."""
        for parameter in parameters:
            if parameter.name == "speed" and self._open:
                try:
                    self._run.settings = self._run_settings = self._run_settings.at_speed(float(parameter.value))
                except CrlError as error:
                    return SetParametersResult(successful=False, reason=str(error))
                self._publish_status()
        return SetParametersResult(successful=True)

    def _status(self) -> dict[str, Any]:
        run, spec, cameras = self._run, self._policy.image_spec, self._policy.views.cameras
        mode, reason = self._observations.arm_status()
        waiting = self._observations.why_not(self.now_ns())
        return {
            "state": state_of(self.active, run, self._desk.starting),
            "reason": why_still(run, self._desk.starting, waiting, (mode, reason), cameras),
            **run_facts(run),
            "arm": {"mode": mode, "reason": reason},
            "commands_arm": self._topics.is_source,
            "goal_refused": self._desk.goal_refused,
            "goal_answers": dict(self._desk.answers),
            "checkpoint": self._settings.checkpoint,
            "device": self._policy.device.type,
            "calibrated": self._watch.calibrated,
            "checks": as_dicts(self._desk.checks),
            "image_spec": spec.hash,
            "native": list(spec.native),
            "goal_camera": self._camera,
            "cameras": list(cameras),
            "action_spec": self._policy.action_spec.to_dict(),
            "messages_refused": self._observations.refused,
            "frames_age_ms": self._observations.ages_ms(self.now_ns()),
            **self._control.facts(),
            **self._observations.counts(),
        }

    def _publish_status(self) -> None:
        if self._open:
            self._legacy.keep(self._run, self._control, self._desk.starting, self._topics)
            self._topics.tell_status(self._status())
