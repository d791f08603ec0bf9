import numpy as np
import pytest

from crl_robot.errors import ConfigError
from crl_robot.robots import SAWYER_ROBOT, WIDOWX
from crl_robot.sim.env import SimEnv
from crl_robot.sim.oracles import oracle

TRIALS = {"table": 20, "kitchen": 8, "drawer": 8}
CASES = [(one, name) for one in (WIDOWX, SAWYER_ROBOT) for name in one.tick_limits]


@pytest.mark.slow
@pytest.mark.parametrize(("robot", "name"), CASES, ids=[f"{one.name}-{name}" for one, name in CASES])
def test_the_oracle_solves_nearly_every_start_and_doing_nothing_none(robot, name):
    rng = np.random.default_rng(100)
    solved = still = 0
    with SimEnv(name, cameras=(), robot=robot) as env:
        trials = TRIALS[env.task.scene] if robot is WIDOWX else 5
        for _ in range(trials):
            env.reset(rng)
            solver = env.task.oracle()
            still += env.success()
            for _ in range(env.task.max_steps):
                env.act(solver.act(env))
            solved += env.success()
            assert env.stage == len(env.task.stages) or not env.success()
    assert solved >= 0.95 * trials
    assert still == 0


def test_an_unknown_task_has_no_oracle():
    with pytest.raises(ConfigError, match="did you mean 'push'"):
        oracle("pusch")
