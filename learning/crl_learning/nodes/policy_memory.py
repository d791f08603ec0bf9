"""What a policy node takes over from the process that died before it."""

from __future__ import annotations

from pathlib import Path

from rclpy.parameter import Parameter

from crl_learning.runtime.goal_run import GoalRun
from crl_learning.runtime.memory import Going, Remembered, RunMemory
from crl_robot.errors import ConfigError
from crl_robot.nodes.common import CrlNode


def memory_of(node: CrlNode, folder: str, speed: float) -> tuple[RunMemory | None, Remembered | None]:
    """The memory in ``folder`` and what an earlier process kept there; where that cannot be read, nothing begins."""
    if not folder:
        return None, None
    memory = RunMemory(Path(folder))
    try:
        return memory, memory.read()
    except ConfigError as error:
        node.get_logger().error(str(error))
        return memory, Remembered((), Going(0, begins=False, speed=speed))


def take_over(node: CrlNode, run: GoalRun, remembered: Remembered) -> None:
    """Stage and speed as they were, once the goals are in force."""
    going = remembered.going
    node.set_parameters([Parameter("speed", value=going.speed)])
    if remembered.goals:
        run.go_to(going.stage)
    then = "goes on by itself" if going.begins else "waits for policy/start: nothing went on when it ended"
    node.get_logger().warning(f"started again; {then}")
