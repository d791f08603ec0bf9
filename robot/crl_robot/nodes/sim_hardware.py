"""What moves the arm of the simulated world, and the usual one: the simulated arm with its topics in this process.

`SimNode` owns one and calls it from its threads. The others are in `crl_robot.nodes.sim_emulators`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from crl_robot.contracts import ActionSpec
from crl_robot.control.safety import SafetyLimits
from crl_robot.kinematics import Kinematics
from crl_robot.nodes.arm_topics import ArmTopics
from crl_robot.nodes.common import CrlNode
from crl_robot.sim.arm import SimArm
from crl_robot.sim.world import INNER_PERIOD_NS, World

MAX_CATCH_UP = 5

Health = tuple[bool, str, dict[str, Any]]


class SimHardware(Protocol):
    """What `SimNode` asks of whoever moves the arm."""

    def step(self) -> None:
        """Every inner tick of 0.02 s, on one thread. Raises CrlError when it cannot go on."""
        ...

    def placed(self) -> AbstractContextManager[None]:
        """Inside it the world may be posed anew; after it nothing moves back."""
        ...

    def enable(self) -> None: ...

    def disable(self) -> None: ...

    def health(self) -> Health:
        """Whether all is well, one line, and values."""
        ...

    def close(self) -> None: ...


class ArmInThisProcess:
    """What the kinds of a simulated arm share whose topics are in this process too."""

    def __init__(self, device: SimArm, topics: ArmTopics) -> None:
        self._device, self._topics = device, topics

    def enable(self) -> None:
        """Allow Actions."""
        self._topics.enable()

    def disable(self) -> None:
        """Hold and refuse Actions."""
        self._topics.disable()

    def health(self) -> Health:
        """Mode of the arm and what it counted."""
        summary = self._topics.summary()
        mode, reason = summary["mode"], summary["reason"]
        counts = {f"count_{key}": count for key, count in summary["counters"].items()}
        return mode != "estopped", f"{mode} {reason}".strip(), {"mode": mode, "reason": reason, **counts}

    def close(self) -> None:
        """Hold."""
        self._device.close()


class OwnArm(ArmInThisProcess):
    """The simulated arm with its topics, and the world stepped on the wall clock after each tick of the arm."""

    def __init__(
        self, node: CrlNode, world: World, spec: ActionSpec, limits: SafetyLimits, clock_ns: Callable[[], int]
    ) -> None:
        self._world, model = world, world.robot.model
        device = SimArm(world, clock_ns)
        topics = ArmTopics(node, device, Kinematics(model), spec, limits, model, robot=world.robot.data_name)
        super().__init__(device, topics)
        self._started_s: float | None = None
        self._stepped = 0

    def step(self) -> None:
        """One tick of the arm, then as much of the world as is due."""
        self._topics.tick()
        for _ in range(self._steps_due()):
            self._world.step_inner()

    def placed(self) -> AbstractContextManager[None]:
        """The arm keeps its mode; one that moves holds after it."""
        return self._topics.taken_over()

    def _steps_due(self) -> int:
        """Inner ticks by which the world is behind the wall clock; after a long stall it lets the rest go."""
        period_s = INNER_PERIOD_NS / 1e9
        if self._started_s is None:
            self._started_s = time.monotonic()
        due = int((time.monotonic() - self._started_s) / period_s + 0.5) + 1 - self._stepped
        self._stepped += due
        return min(due, MAX_CATCH_UP)
