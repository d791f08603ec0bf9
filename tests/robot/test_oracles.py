import numpy as np
import pytest

from crl_robot.errors import ConfigError
from crl_robot.sim.env import SimEnv
from crl_robot.sim.oracles import oracle

TRIALS = 40


@pytest.mark.parametrize("task", ["reach", "push"])
def test_the_oracle_solves_nearly_every_start_and_doing_nothing_none(task):
    rng = np.random.default_rng(100)
    solver = oracle(task)
    solved = still = 0
    with SimEnv(task, cameras=()) as env:
        for _ in range(TRIALS):
            env.reset(rng)
            still += env.success()
            for _ in range(env.task.max_steps):
                env.act(solver.act(env))
            solved += env.success()
    assert solved >= 0.95 * TRIALS
    assert still == 0


def test_an_unknown_task_has_no_oracle():
    with pytest.raises(ConfigError, match="did you mean 'push'"):
        oracle("pusch")
