import dataclasses

import numpy as np
import pytest
import torch
from small_run import bar_data, config_for, equal_networks, stop_after

from crl_learning.checkpoint import load_checkpoint
from crl_learning.dataset import TrajectoryData
from crl_learning.train import Trainer
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ConfigError
from crl_robot.robots import robot


@pytest.fixture(scope="module")
def data() -> TrajectoryData:
    return bar_data()


def test_data_of_another_robot_than_asked_for_are_refused(data, tmp_path):
    of_sawyer = dataclasses.replace(data, robot="sawyer")
    with pytest.raises(ConfigError, match=r"expects data of 'widowx250s', .* of 'sawyer'"):
        Trainer(config_for(tmp_path / "a", "robot=widowx"), of_sawyer)


def test_a_checkpoint_names_the_robot_of_its_data_and_has_its_range(data, tmp_path):
    of_sawyer = dataclasses.replace(data, robot="sawyer", actions=data.actions / 2)
    Trainer(config_for(tmp_path / "a", "steps=1"), of_sawyer).run()
    meta = load_checkpoint(tmp_path / "a" / "checkpoint").meta
    assert meta.robot == "sawyer"
    assert meta.action_scale.half_range[0] == np.float32(robot("sawyer").limits.max_step_m)


def test_images_that_stay_on_the_disk_train_the_same_policy(data, tmp_path):
    np.save(tmp_path / "images.npy", data.images)
    mapped = dataclasses.replace(data, images=np.load(tmp_path / "images.npy", mmap_mode="r"))
    for name, images in (("memory", data), ("disk", mapped)):
        Trainer(config_for(tmp_path / name), images).run()
    theirs = load_checkpoint(tmp_path / "memory" / "checkpoint").policy
    for name, tensor in load_checkpoint(tmp_path / "disk" / "checkpoint").policy.items():
        assert torch.equal(tensor, theirs[name]), name


def state_data() -> TrajectoryData:
    """A point that two controls move, as a benchmark's environment gives it."""
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (60, 2)).astype(np.float32)
    states = np.cumsum(actions, axis=0) / 10
    spec = ActionSpec(10.0, "environment", "point", ("push_x", "push_y"))
    return TrajectoryData(states, actions, np.full(6, 10), None, spec, fingerprint="e" * 64)


@pytest.mark.parametrize("algorithm", ["stable_crl", "gcbc", "gciql"])
def test_states_of_an_environment_are_learned_from_and_resumed_bit_for_bit(tmp_path, algorithm):
    words = ("network=vector", "network.hidden=[16]", "network.repr_dim=4", f"algorithm={algorithm}", "batch_size=8")
    straight = Trainer(config_for(tmp_path / "a", *words, "steps=6"), state_data()).run()
    part = Trainer(config_for(tmp_path / "b", *words, "steps=6"), state_data())
    part.run(should_stop=stop_after(part, 3))
    resumed = Trainer(config_for(tmp_path / "b", *words, "steps=6", "resume=true"), state_data()).run()
    assert equal_networks(straight.checkpoint, resumed.checkpoint)
    meta = load_checkpoint(straight.checkpoint).meta
    assert meta.size == (2,)
    assert meta.action_scale.half_range.tolist() == [1, 1]


@pytest.mark.parametrize(
    "words",
    [
        ("network.proprio=3",),
        ("network.cameras=2", "image.more_cameras=[wrist]"),
        ("network.chunk=3",),
        ("critic_sees_crop=false", "colour_jitter=[0.2,0.2,0.2,0.1]"),
        ("algorithm.random_goals=0.3", "algorithm.actor_random_goals=0.5"),
        ("algorithm.objective=td", "algorithm.actor_random_goals=0.5"),
    ],
    ids=["proprio", "cameras", "chunk", "jitter", "mixtures", "td"],
)
def test_every_option_of_the_data_path_trains(tmp_path, data, words):
    images = np.concatenate([data.images] * 2, -1) if "network.cameras=2" in words else data.images
    arm = np.zeros((60, 3), np.float32) if "network.proprio=3" in words else None
    options = dataclasses.replace(data, images=images, proprio=arm)
    assert Trainer(config_for(tmp_path / "run", "steps=2", *words), options).run().reason == "finished"
