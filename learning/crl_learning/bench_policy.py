"""`python -m crl_learning.bench_policy FOLDER`: a checkpoint that acts at its own rate on made-up images until it ends.

The load that a policy is to its machine, without camera or robot: `crl-bench bus` runs it beside the servo loop.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

import numpy as np
import torch

from crl_learning.assets import checkpoint_folder
from crl_learning.goal_policy import GoalPolicy
from crl_robot.errors import CrlError
from crl_robot.schedule import Schedule


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line when the first action is out; end with SIGTERM or SIGINT."""
    folder = (sys.argv[1:] if arguments is None else list(arguments))[0]
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: stopping.append(number))
    torch.set_num_threads(1)
    try:
        policy = GoalPolicy.load(checkpoint_folder(folder))
    except CrlError as error:
        sys.stderr.write(f"bench_policy: {error}\n")
        return 2
    width, height = policy.image_spec.native
    images = np.random.default_rng(0).integers(
        0, 256, (4, height, width, 3 * len(policy.views.cameras)), dtype=np.uint8
    )
    policy.set_goal(images[0])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    schedule, tick = Schedule(policy.action_spec.period_s), 0
    while not stopping:
        schedule.wait()
        policy.act(images[tick % len(images)])
        tick += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
