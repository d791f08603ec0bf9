"""What a policy node leaves to the process that is started in its place, and takes over from the one before."""

from __future__ import annotations

from pathlib import Path

from rclpy.parameter import Parameter

from crl_learning.nodes.policy_control import Control
from crl_learning.nodes.policy_starting import Starting
from crl_learning.nodes.policy_topics import PolicyTopics
from crl_learning.runtime.goal_run import GoalRun
from crl_learning.runtime.memory import Going, Remembered, RunMemory
from crl_robot.goal_image import GoalImage
from crl_robot.nodes.common import CrlNode


class Legacy:
    """Keeps what goes on in ``folder``; keeps nothing where that is empty.

    Attributes:
        found: what an earlier process left; None for the first, and once it was taken over.

    Raises:
        ConfigError: the folder cannot be written to.
    """

    def __init__(self, node: CrlNode, folder: str) -> None:
        self._node = node
        self._memory = RunMemory(Path(folder)) if folder else None
        self.found: Remembered | None = self._memory.begin() if self._memory else None

    def take_over(self, run: GoalRun, topics: PolicyTopics) -> None:
        """Stage and speed as they were, once the goals are in force."""
        found, self.found = self.found, None
        if found is None:
            return
        self._node.set_parameters([Parameter("speed", value=found.going.speed)])
        topics.be_source(found.going.source)
        if found.goals:
            run.go_to(found.going.stage)
        then = "goes on by itself" if found.going.begins else "waits for policy/start: nothing went on when it ended"
        self._node.get_logger().warning(f"started again; {then}")

    def keep(self, run: GoalRun, control: Control, starting: Starting, topics: PolicyTopics) -> None:
        """Note what goes on. Not once the control thread has failed: the next process goes on with that run."""
        if self._memory is None or self.found is not None or control.failed:
            return

        def now() -> tuple[tuple[GoalImage, ...], Going]:
            stage = 0 if run.clock.state == "ended" else run.stages.number
            goals = tuple(goal.goal for goal in run.stages.wanted)
            return goals, Going(stage, starting.begins, topics.is_source, run.settings.speed)

        before = self._memory.failure
        self._memory.keep(now)
        if self._memory.failure and self._memory.failure != before:
            self._node.get_logger().error(f"{self._memory.failure}; a node that dies now waits for policy/start")
