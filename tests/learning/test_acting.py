import dataclasses

import numpy as np
import pytest
import torch
from small_agents import ENTRIES, SIZE, SMALL, agent, settings

from crl_learning.acting import ActingNetworks
from crl_learning.action_scale import ActionScale
from crl_learning.algorithm_config import ALGORITHMS
from crl_learning.checkpoint import Checkpoint, CheckpointMeta
from crl_learning.goal_policy import GoalPolicy
from crl_learning.machine import CPU
from crl_learning.network_config import NetworkConfig
from crl_learning.progress.distances import GoalDistances
from crl_learning.proprio import arm_numbers
from crl_robot.contracts import ActionSpec, JointReading
from crl_robot.errors import CheckpointError, ContractError
from crl_robot.image_spec import ImageSpec

SCALE = ActionScale(np.zeros(ENTRIES), np.full(ENTRIES, 2.0))


def acting(name: str, network: NetworkConfig = SMALL, device: torch.device = CPU) -> ActingNetworks:
    learner = agent(settings(name), network)
    spec = ImageSpec(size=SIZE)
    meta = CheckpointMeta(name, network, spec, ActionSpec(), "commanded", SCALE, 1, 0)
    critic = learner.critic.state_dict() if learner.critic is not None else None
    return ActingNetworks(Checkpoint(meta, learner.policy.state_dict(), critic), SIZE, device)


def picture(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (1, SIZE[1], SIZE[0], 3), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_acts_and_says_zero_at_the_goal(name):
    networks = acting(name)
    networks.set_goal(picture(0))
    values, estimate = networks.act(picture(0))
    assert values.shape == (ENTRIES,)
    assert np.abs(values).max() <= 2
    if name == "gcbc":
        assert np.isnan(estimate)
    else:
        assert estimate == pytest.approx(0, abs=1e-5)
        assert networks.act(picture(1))[1] != 0


def test_without_a_goal_nothing_is_done():
    with pytest.raises(ContractError, match="no goal is set"):
        acting("gcbc").act(picture(0))


def test_of_a_chunk_some_actions_are_executed_before_the_next_look():
    networks = acting("gcbc", dataclasses.replace(SMALL, chunk=3, execute=2))
    networks.set_goal(picture(0))
    planned = networks.policy(picture(1), picture(0)).detach().numpy().reshape(3, ENTRIES) * 2
    again = networks.policy(picture(2), picture(0)).detach().numpy().reshape(3, ENTRIES) * 2
    done = [networks.act(picture(seed))[0] for seed in (1, 3, 2)]
    np.testing.assert_allclose(done, [planned[0], planned[1], again[0]], rtol=1e-5)


def test_a_new_goal_or_an_interruption_ends_a_chunk():
    networks = acting("gcbc", dataclasses.replace(SMALL, chunk=3, execute=3))
    networks.set_goal(picture(0))
    networks.act(picture(1))
    networks.interrupt()
    expected = networks.policy(picture(2), picture(0)).detach().numpy()[0, :ENTRIES] * 2
    np.testing.assert_allclose(networks.act(picture(2))[0], expected, rtol=1e-5)
    networks.set_goal(picture(5))
    expected = networks.policy(picture(2), picture(5)).detach().numpy()[0, :ENTRIES] * 2
    np.testing.assert_allclose(networks.act(picture(2))[0], expected, rtol=1e-5)


def test_a_linear_policy_never_leaves_the_range_of_the_data():
    networks = acting("gcbc", dataclasses.replace(SMALL, tanh=False))
    torch.nn.init.normal_(networks.policy.head.last.weight, std=50)
    networks.set_goal(picture(0))
    assert np.abs(networks.act(picture(1))[0]).max() == 2


def test_tensors_that_do_not_fit_are_refused():
    meta = CheckpointMeta("gcbc", SMALL, ImageSpec(size=SIZE), ActionSpec(), "commanded", SCALE, 1, 0)
    with pytest.raises(CheckpointError, match=r"policy\.safetensors does not fit"):
        ActingNetworks(Checkpoint(meta, {}, None), SIZE, CPU)


def test_networks_that_see_the_arm_want_it_and_still_say_zero_at_the_goal():
    networks = acting("stable_crl", dataclasses.replace(SMALL, proprio=2))
    networks.set_goal(picture(0))
    with pytest.raises(ContractError, match="got none numbers of the arm's state, the networks expect 2"):
        networks.act(picture(0))
    here, there = (networks.act(picture(0), torch.full((1, 2), value)) for value in (0.0, 0.7))
    assert not np.allclose(here[0], there[0])
    assert here[1] == pytest.approx(0, abs=1e-5)
    assert there[1] == pytest.approx(0, abs=1e-5)
    assert networks.act(picture(1), torch.zeros(1, 2))[1] != 0


def test_numbers_of_the_arm_are_the_same_for_one_reading_and_for_many():
    joints, gripper = np.array([[0, np.pi, -np.pi / 2]]), np.array([0.25])
    many, one = arm_numbers(joints, gripper), arm_numbers(joints[0], gripper[0])
    assert one.dtype == np.float32
    np.testing.assert_allclose(one, [0, 1, -0.5, -0.5])
    np.testing.assert_array_equal(many[0], one)


def test_a_policy_of_several_cameras_is_refused_where_it_does_not_name_them():
    network = dataclasses.replace(SMALL, cameras=2)
    meta = CheckpointMeta("gcbc", network, ImageSpec(size=SIZE), ActionSpec(), "commanded", SCALE, 1, 0)
    with pytest.raises(CheckpointError, match="learned from 2 cameras and names 1"):
        GoalPolicy(Checkpoint(meta, {}, None))


def test_a_policy_that_sees_the_arm_takes_a_reading_of_its_joints():
    network = dataclasses.replace(SMALL, proprio=3)
    learner = agent(settings("stable_crl"), network)
    meta = CheckpointMeta("stable_crl", network, ImageSpec(size=SIZE), ActionSpec(), "commanded", SCALE, 1, 0)
    policy = GoalPolicy(Checkpoint(meta, learner.policy.state_dict(), learner.critic.state_dict()))
    image = np.full((240, 320, 3), 90, np.uint8)
    policy.set_goal(image)
    one, other = (policy.act(image, JointReading(np.full(2, q), np.zeros(2), 0.5, 0))[0] for q in (0.0, 1.0))
    assert not np.allclose(one, other)
    assert policy.distances.shape == (2,)
    with pytest.raises(ContractError, match="expect 3"):
        policy.act(image)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_tells_distances_that_are_zero_at_the_goal_and_only_there(name):
    """HIQL told none, so its runs could neither reach nor stall."""
    networks = acting(name)
    told = GoalDistances(networks)
    distances = told.between(torch.cat([picture(0), picture(1)]), torch.cat([picture(0)] * 2)).numpy()
    assert distances[0] == pytest.approx(0, abs=1e-5)
    assert distances.shape[1] >= 1
    assert (distances[1] > 0).all()
    told.set_goal(picture(0))
    networks.set_goal(picture(0))
    networks.act(picture(1))
    np.testing.assert_allclose(told.of_acted(picture(1)).numpy(), distances[1], rtol=1e-4)
