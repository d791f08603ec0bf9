"""What an operator asks of the policy node: start, pause, stop, goals and checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from std_srvs.srv import Trigger

from crl_learning.goals.check import CheckedGoal, check_views, split_goal
from crl_learning.nodes.policy_control import Control
from crl_learning.nodes.policy_goals import GoalTopics, captured_goal
from crl_learning.nodes.policy_settings import PolicySettings
from crl_learning.nodes.policy_starting import Starting
from crl_learning.nodes.policy_topics import PolicyTopics
from crl_learning.progress.export import ProgressExport
from crl_learning.runtime.checks import NOTHING_SEEN, Check, arm_check, before_a_run
from crl_learning.runtime.goal_run import GoalRun
from crl_learning.runtime.start_pose import start_pose
from crl_learning.views import Views
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ConfigError, CrlError
from crl_robot.goal_image import GoalImage
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.observation_topics import ObservationTopics


class Desk:
    """Services and goal topics; everything happens on the executor's thread.

    Attributes:
        checks: what was found at the last look around.
        goal_refused: why the last goal was refused; '' when it was not.
        answers: how often goals were 'taken' and 'refused'.
    """

    def __init__(
        self,
        node: CrlNode,
        settings: PolicySettings,
        by_itself: bool,
        spec: tuple[Views, ActionSpec],
        export: ProgressExport | None,
        parts: tuple[GoalRun, Control, PolicyTopics, ObservationTopics],
        changed: Callable[[], None],
    ) -> None:
        self._node, self._settings, self._export, self._changed = node, settings, export, changed
        self._views, self._actions = spec
        self._images = self._views.spec
        self._run, self._control, self._topics, self._observations = parts
        self.checks: list[Check] = []
        self.goal_refused = ""
        self.answers = Counter(taken=0, refused=0)
        self._goals = GoalTopics(node, self._views, lambda goal: self.take_goals([goal]), self._go_to, self._refused)
        begins = start_pose(settings.start_pose, export.start_joints if export else None)
        self.starting = Starting(
            node, settings, by_itself, begins, (self._run, self._control, self._topics), self._checks_or_none, changed
        )
        services: dict[str, Callable[[], str]] = self.starting.services | {
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
        self.answers["taken"] += 1
        for warning in (words for goal in checked for words in goal.warnings):
            self._node.get_logger().warning(warning)
        self._topics.show_stages(checked, self._node.now_ns())
        self.starting.begin_by_itself()
        self._changed()

    def close(self) -> None:
        """Read no more goals."""
        self._goals.reader.close()

    def look_around(self) -> list[Check]:
        """The checks before a run, anew."""
        if self._settings.checks == "off":
            return []
        observation = self._observations.observe(self._node.now_ns())
        latency = self._control.latency_ms()
        checks = before_a_run(observation, self._images.camera, self._actions, self._export, latency)
        if observation is not None:
            self.checks = checks
            for check in checks:
                if check.verdict in ("warning", "refused"):
                    self._node.get_logger().warning(f"{check.name}: {check.words}")
        return checks

    def look_at_arm(self) -> None:
        """The check of the arm's latency anew: an arm moves first in the midst of a run."""
        check = arm_check(self._control.arm.summary(), self._actions)
        before = next((one for one in self.checks if one.name == check.name), check)
        if check != before:
            self.checks = [check if one is before else one for one in self.checks]
            if check.verdict == "warning" and before.verdict != "warning":
                self._node.get_logger().warning(f"{check.name}: {check.words}")

    def _checks_or_none(self) -> list[Check] | None:
        """None while nothing is seen that could be checked."""
        checks = self.look_around()
        return None if any(check.sentence == NOTHING_SEEN for check in checks) else checks

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

    def _go_to(self, stage: int) -> str:
        self._run.go_to(stage)
        self._changed()
        return f"acting towards stage {stage} of {len(self._run.stages)}, numbered from 0"

    def _capture_goal(self) -> str:
        now_ns = self._node.now_ns()
        observation, why_not = self._observations.observe(now_ns), self._observations.why_not(now_ns)
        try:
            goal = captured_goal(observation, why_not, self._views, self._settings.goals_folder)
            self._goals.forget()
            self.take_goals([goal])
        except CrlError as error:
            self._refused(str(error))
            raise
        return f"the present view is the goal: {goal.source}"

    def _check(self) -> str:
        checks = self.look_around()
        words = "; ".join(f"{check.name} {check.verdict}: {check.words}" for check in checks) or "checks are off"
        if any(check.verdict == "refused" for check in checks):
            raise ConfigError(words)
        return words

    def _checked(self, goal: GoalImage) -> CheckedGoal:
        if self._settings.checks == "off":
            split_goal(goal, self._views)
            return CheckedGoal(goal, goal.warnings)
        reference = self._export.reference if self._export else None
        return check_views(goal, self._views, reference, self._settings.checks == "refuse")

    def _refused(self, reason: str) -> None:
        self.goal_refused = reason
        self.answers["refused"] += 1
        self._node.get_logger().error(f"goal refused: {reason}")
        self._changed()
