"""What an operator asks of the policy node: start, pause, stop, goals and checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from std_srvs.srv import Trigger

from crl_learning.goals.check import CheckedGoal, check_goal
from crl_learning.nodes.policy_control import Control
from crl_learning.nodes.policy_goals import GoalTopics, captured_goal
from crl_learning.nodes.policy_settings import PolicySettings
from crl_learning.nodes.policy_topics import PolicyTopics
from crl_learning.progress.export import ProgressExport
from crl_learning.runtime.checks import Check, before_a_run
from crl_learning.runtime.goal_run import GoalRun
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ConfigError, CrlError
from crl_robot.goal_image import GoalImage
from crl_robot.image_spec import ImageSpec
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.observation_topics import ObservationTopics


class Desk:
    """Services and goal topics; everything happens on the executor's thread.

    Attributes:
        checks: what was found at the last look around.
        goal_refused: why the last goal was refused; '' when it was not.
    """

    def __init__(
        self,
        node: CrlNode,
        settings: PolicySettings,
        spec: tuple[ImageSpec, ActionSpec],
        export: ProgressExport | None,
        parts: tuple[GoalRun, Control, PolicyTopics, ObservationTopics],
        changed: Callable[[], None],
    ) -> None:
        self._node, self._settings, self._export, self._changed = node, settings, export, changed
        self._images, self._actions = spec
        self._run, self._control, self._topics, self._observations = parts
        self.checks: list[Check] = []
        self.goal_refused = ""
        GoalTopics(node, self._images.native, lambda goal: self.take_goals([goal]), self._go_to, self._refused)
        services: dict[str, Callable[[], str]] = {
            "start": lambda: self._start(0),
            "step": lambda: self._start(1),
            "pause": self._pause,
            "stop": self._stop,
            "capture_goal": self._capture_goal,
            "next_stage": lambda: self._go_to(self._run.stages.index + 1),
            "check": self._check,
        }
        for name, do in services.items():
            self._serve(name, do)

    def take_goals(self, goals: Sequence[GoalImage]) -> None:
        """Make these the stages, and begin where the node is to start by itself.

        Raises:
            GoalImageError: one is refused; the goals before them stay in force.
        """
        checked = [self._checked(goal) for goal in goals]
        self._run.set_goals(checked)
        self.goal_refused = ""
        for warning in (words for goal in checked for words in goal.warnings):
            self._node.get_logger().warning(warning)
        self._topics.show_stages(checked, self._node.now_ns())
        self.begin_by_itself()
        self._changed()

    def begin_by_itself(self) -> None:
        """Begin the first run where the settings say so and there is a goal."""
        ready = self._run.clock.state == "ready" and self._run.stages.present is not None
        if self._node.active and self._settings.start_on_activate and ready:
            self._control.begin()

    def look_around(self) -> list[Check]:
        """The checks before a run, anew."""
        if self._settings.checks == "off":
            return []
        observation = self._observations.observe(self._node.now_ns())
        latency = self._control.latency.summary()
        checks = before_a_run(observation, self._images.camera, self._actions, self._export, latency)
        if observation is not None:
            self.checks = checks
            for check in checks:
                if check.verdict in ("warning", "refused"):
                    self._node.get_logger().warning(f"{check.name}: {check.sentence}")
        return checks

    def _serve(self, name: str, do: Callable[[], str]) -> None:
        """A Trigger service that answers with a sentence, or with the CrlError that ``do`` raised."""

        def answer(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            try:
                response.message, response.success = do(), True
            except CrlError as error:
                response.message, response.success = str(error), False
            self._changed()
            return response

        self._node.create_service(Trigger, f"policy/{name}", answer)

    def _start(self, steps: int) -> str:
        if not self._node.active:
            raise ConfigError("the policy node is not active; activate it first")
        if self._run.clock.state == "running":
            raise ConfigError("a run is going on already; pause or stop it first")
        refused = [check.sentence for check in self.look_around() if check.verdict == "refused"]
        if refused and self._settings.checks == "refuse":
            raise ConfigError(f"not started: {'; '.join(refused)}")
        self._control.begin(steps)
        words = "one step" if steps else "acting"
        return f"{words}; a dry run: nothing is sent" if self._run.settings.dry_run else words

    def _pause(self) -> str:
        self._run.pause("paused by the operator; start goes on")
        self._control.end()
        return "silent; the arm holds; start goes on"

    def _stop(self) -> str:
        self._run.stop()
        self._control.end()
        return "silent; the arm holds"

    def _go_to(self, stage: int) -> str:
        self._run.go_to(stage)
        self._changed()
        return f"acting towards stage {stage} of {len(self._run.stages)}, numbered from 0"

    def _capture_goal(self) -> str:
        now_ns = self._node.now_ns()
        observation, why_not = self._observations.observe(now_ns), self._observations.why_not(now_ns)
        try:
            goal = captured_goal(observation, why_not, self._images.camera, self._settings.goals_folder)
            self.take_goals([goal])
        except CrlError as error:
            self._refused(str(error))
            raise
        return f"the present view is the goal: {goal.source}"

    def _check(self) -> str:
        checks = self.look_around()
        words = "; ".join(f"{check.name} {check.verdict}: {check.sentence}" for check in checks) or "checks are off"
        if any(check.verdict == "refused" for check in checks):
            raise ConfigError(words)
        return words

    def _checked(self, goal: GoalImage) -> CheckedGoal:
        if self._settings.checks == "off":
            return CheckedGoal(goal, goal.warnings)
        reference = self._export.reference if self._export else None
        return check_goal(goal, self._images, reference, self._settings.checks == "refuse")

    def _refused(self, reason: str) -> None:
        self.goal_refused = reason
        self._node.get_logger().error(f"goal refused: {reason}")
        self._changed()
