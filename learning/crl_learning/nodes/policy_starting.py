"""Services of the policy node that begin, pause, end and hand over runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rclpy.clock import Clock
from rclpy.clock_type import ClockType

from crl_learning.nodes.policy_arm import ArmServices
from crl_learning.nodes.policy_control import Control
from crl_learning.nodes.policy_settings import PolicySettings
from crl_learning.nodes.policy_topics import PolicyTopics
from crl_learning.runtime.checks import Check
from crl_learning.runtime.goal_run import GoalRun
from crl_learning.runtime.preparation import Preparation
from crl_learning.runtime.start_pose import StartPose
from crl_robot.errors import ConfigError, ContractError
from crl_robot.nodes.common import CrlNode

POLL_S = 0.05


class Starting:
    """Everything happens on the executor's thread.

    Args:
        by_itself: whether the first run begins without policy/start.
        pose: where runs begin; None moves nothing.
        look: the checks before a run; None while nothing is seen.
        changed: called when what is waited for has changed.
    """

    def __init__(
        self,
        node: CrlNode,
        settings: PolicySettings,
        by_itself: bool,
        pose: StartPose | None,
        parts: tuple[GoalRun, Control, PolicyTopics],
        look: Callable[[], Sequence[Check] | None],
        changed: Callable[[], None],
    ) -> None:
        self._node, self._by_itself, self._changed = node, by_itself, changed
        self._run, self._control, self._topics = parts
        dry = self._run.settings.dry_run
        self._pose = None if dry else pose
        self._arm = ArmServices(node, self._pose, self._control.arm.led, self._answered)
        self.preparation = Preparation(
            self._arm,
            look,
            self._begin,
            self._pose,
            refuse=settings.checks == "refuse",
            wait_for_enable=settings.wait_for_enable and not dry and not settings.lockstep,
        )
        self._said = ""
        node.create_timer(POLL_S, self._poll, clock=Clock(clock_type=ClockType.STEADY_TIME))

    @property
    def services(self) -> dict[str, Callable[[], str]]:
        """By name below policy/; each answers with a sentence or raises CrlError.

        Of requests that wait together an executor takes that of the service made first, whichever came first: so what
        stops comes last.
        """
        return {
            "start": lambda: self._start(0),
            "step": lambda: self._start(1),
            "resume": self._resume,
            "pause": self._pause,
            "stop": self._stop,
            "hand_over": self._hand_over,
        }

    @property
    def preparing(self) -> bool:
        """Whether a run is about to begin."""
        return self.preparation.phase != "idle"

    @property
    def reason(self) -> str:
        """What a run that is about to begin waits for, or why the last one did not begin."""
        return self.preparation.reason

    @property
    def begins(self) -> bool:
        """Whether a node that is started now in place of this one may begin a run by itself; never one of steps."""
        if not self._node.active:
            return False
        if self.preparing:
            return not self.preparation.steps
        first = self._by_itself and not self.preparation.given_up
        return self._run.runs_on or (self._run.clock.state == "ready" and first)

    def begin_by_itself(self, again: bool = False) -> None:
        """Begin the first run where that is wanted and there is a goal; ``again`` after a process that died."""
        ready = self._run.clock.state == "ready" and self._run.stages.present is not None
        free = not self.preparing and not self.preparation.given_up
        if self._node.active and self._by_itself and ready and free:
            try:
                self.preparation.start(patient=True, again=again)
            except ConfigError as error:
                self._node.get_logger().error(str(error))

    def give_up(self, why: str) -> None:
        """Prepare no run any more; an arm that is on its way holds."""
        self.preparation.cancel(why)

    def _start(self, steps: int) -> str:
        if not self._node.active:
            raise ConfigError("the policy node is not active; activate it first")
        if self._run.clock.state == "running":
            raise ConfigError("a run is going on already; pause or stop it first")
        if self._run.stages.present is None:
            raise ContractError("there is no goal yet; give one by topic, launch argument or policy/capture_goal")
        if self._run.clock.state in ("paused", "handed_over"):
            return self._go_on(steps)
        self.preparation.start(steps)
        if self.preparing:
            return f"the run begins when it can: {self.reason}"
        words = "one step" if steps else "acting"
        return f"{words}; a dry run: nothing is sent" if self._run.settings.dry_run else words

    def _resume(self) -> str:
        state = self._run.clock.state
        if state not in ("paused", "handed_over"):
            raise ConfigError(f"there is nothing to take back: the run is {state}; call policy/start for a new one")
        return self._go_on(0)

    def _go_on(self, steps: int) -> str:
        """With the run that was paused or handed over, from where the arm now is."""
        arm = self._arm.facts()
        if self._run.clock.state == "handed_over" and arm.mode == "moving":
            raise ConfigError("somebody else still moves the arm; let go of it, then call policy/resume again")
        self._begin(steps)
        return "one step" if steps else "acting again"

    def _begin(self, steps: int) -> None:
        self._topics.be_source(True)
        self._control.begin(steps)

    def _pause(self) -> str:
        self.give_up("given up by the operator")
        self._run.pause("paused by the operator; start goes on")
        self._control.end()
        return "silent; the arm holds; start goes on"

    def _stop(self) -> str:
        self.give_up("given up by the operator")
        self._run.stop()
        self._control.end()
        return "silent; the arm holds"

    def _hand_over(self) -> str:
        self._run.hand_over("asked to by the operator")
        self._control.end()
        self.let_go()
        return "silent; whoever else commands the arm may move it; policy/resume takes it back"

    def let_go(self) -> None:
        """Be no command source of an arm that was handed over; teleoperation waits for that."""
        if self._run.clock.state == "handed_over":
            self._topics.be_source(False)

    def _answered(self, success: bool, words: str) -> None:
        self.preparation.answered(success, words)

    def _poll(self) -> None:
        self.let_go()
        if self.preparing:
            self.preparation.poll()
        if self.reason != self._said:
            self._said = self.reason
            if self.preparation.given_up:
                self._node.get_logger().error(f"no run was begun: {self.preparation.given_up}")
            self._changed()
