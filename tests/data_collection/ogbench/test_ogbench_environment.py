"""Episodes of OGBench's environments depend on their seed only."""

import sys

import numpy as np
import pytest

from crl_data.ogbench.environment import OgbenchEnvironment, OgbenchMissingError
from crl_data.ogbench.names import OgbenchName
from crl_robot.errors import ContractError

pytestmark = pytest.mark.usefixtures("package")


def environment(dataset: str) -> OgbenchEnvironment:
    return OgbenchEnvironment(OgbenchName.parse(dataset))


def episode(env: OgbenchEnvironment, goal: int = 2, seed: int = 7) -> np.ndarray:
    observation, aim = env.reset(goal, seed)
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (5, len(env.spec.names)))
    return np.stack([observation, aim, *(env.step(action)[0] for action in actions)])


@pytest.mark.parametrize(
    "dataset", ["pointmaze-teleport-navigate-v0", pytest.param("cube-double-play-v0", marks=[pytest.mark.slow])]
)
def test_the_same_seed_gives_the_same_episode_whatever_was_drawn_before(dataset):
    """The arms' environments drew their first steps from a generator seeded by the clock."""
    first, second = environment(dataset), environment(dataset)
    expected = episode(first)
    np.random.default_rng().random(3)
    episode(second, goal=1, seed=3)
    np.testing.assert_array_equal(episode(second), expected)
    assert not np.array_equal(episode(first, seed=8), expected)


def test_the_callers_random_numbers_are_left_alone():
    env = environment("pointmaze-medium-navigate-v0")
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    episode(env)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_success_is_the_environments_own():
    env = environment("pointmaze-medium-navigate-v0")
    _, goal = env.reset(1, 0)
    assert env.step(np.zeros(2))[1] is False
    env.raw.set_xy(goal)
    assert env.step(np.zeros(2))[1] is True


def test_a_store_of_it_declares_rate_controls_and_states():
    spec = environment("antmaze-medium-navigate-v0").store_spec()
    assert spec.action.rate_hz == 10
    assert len(spec.action.names) == 8
    assert len(spec.state_names) == 29
    assert spec.robot == spec.action.frame == "ogbench/antmaze-medium-v0"
    assert not spec.cameras


def test_a_goal_that_there_is_not_is_refused():
    with pytest.raises(ContractError, match="goal is 6, expected 1 to 5"):
        environment("pointmaze-medium-navigate-v0").reset(6, 0)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ogbench", None)
    with pytest.raises(OgbenchMissingError, match="pip install ogbench"):
        OgbenchEnvironment(OgbenchName.parse("pointmaze-medium-navigate-v0"))
