"""Which kind of run the policy node makes: straight towards its goals, or over the waypoints of a planner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crl_learning.assets import checkpoint_folder
from crl_learning.goals.check import CheckedGoal
from crl_learning.nodes.policy_loading import NULL
from crl_learning.nodes.policy_settings import PolicySettings
from crl_learning.planning.loading import planner_of
from crl_learning.planning.plan import NONE, Plan, require_count
from crl_learning.policy_loop import Policy
from crl_learning.progress.watch import ProgressWatch
from crl_learning.runtime.far_run import FarRun
from crl_learning.runtime.goal_run import GoalRun
from crl_learning.runtime.settings import RunSettings
from crl_robot.errors import ConfigError


def make_run(
    policy: Policy,
    settings: PolicySettings,
    run_settings: RunSettings,
    watch: ProgressWatch,
    show: Callable[[CheckedGoal, NDArray[np.uint8]], int],
    planned: Callable[[Plan], None],
) -> GoalRun:
    """The run that the settings ask for; a planner computes where the policy does.

    Args:
        show: as `GoalRun`.
        planned: as `FarRun`.

    Raises:
        CheckpointError: a planner is asked for and the checkpoint has none.
        ConfigError: the planner or the number of waypoints cannot be used.
    """
    if settings.planner == NONE:
        return GoalRun(policy, run_settings, watch, show=show, drop_late=not settings.lockstep)
    if settings.lockstep or settings.checkpoint == NULL:
        why = "lockstep is true" if settings.lockstep else f"the checkpoint is '{NULL}'"
        raise ConfigError(
            f"planner is '{settings.planner}' and {why}, expected a clock and networks; set planner:=none"
        )
    require_count(settings.waypoints)
    planner = planner_of(Path(checkpoint_folder(settings.checkpoint)), settings.planner, policy.device)
    return FarRun(policy, run_settings, watch, planner, settings.waypoints, show=show, planned=planned)
