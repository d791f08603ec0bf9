import dataclasses

import numpy as np
import pytest
import torch
from small_run import bar_data, config_for, equal_networks, stop_after

from crl_learning.checkpoint import load_checkpoint
from crl_learning.dataset import TrajectoryData
from crl_learning.train import Trainer
from crl_robot.errors import MismatchError


@pytest.fixture(scope="module")
def data() -> TrajectoryData:
    return bar_data()


def test_fine_tuning_starts_from_the_networks_of_a_checkpoint_and_keeps_its_scale(tmp_path, data):
    first = Trainer(config_for(tmp_path / "first"), data).run()
    tuned = Trainer(config_for(tmp_path / "tuned", f"init={first.checkpoint}", "learning_rate=1e-12"), data).run()
    before, after = load_checkpoint(first.checkpoint), load_checkpoint(tuned.checkpoint)
    assert all(torch.allclose(before.policy[key], after.policy[key], atol=1e-9) for key in before.policy)
    assert before.critic is not None
    assert after.critic is not None
    assert all(torch.allclose(before.critic[key], after.critic[key], atol=1e-9) for key in before.critic)
    assert after.meta.steps == 12
    assert after.meta.action_scale.to_dict() == before.meta.action_scale.to_dict()


def test_fine_tuning_is_resumed_bit_for_bit(tmp_path, data):
    init = f"init={Trainer(config_for(tmp_path / 'first', 'steps=2'), data).run().checkpoint}"
    straight = Trainer(config_for(tmp_path / "a", init), data).run()
    part = Trainer(config_for(tmp_path / "b", init), data)
    part.run(should_stop=stop_after(part, 5))
    resumed = Trainer(config_for(tmp_path / "b", init, "resume=true"), data).run()
    assert equal_networks(straight.checkpoint, resumed.checkpoint)


def test_a_checkpoint_without_critic_gives_its_policy_alone(tmp_path, data):
    cloned = Trainer(config_for(tmp_path / "bc", "algorithm=gcbc", "steps=2"), data).run()
    words = (f"init={cloned.checkpoint}", "learning_rate=1e-12", "steps=1")
    tuned = load_checkpoint(Trainer(config_for(tmp_path / "crl", *words), data).run().checkpoint)
    before = load_checkpoint(cloned.checkpoint).policy
    assert all(torch.allclose(before[key], tuned.policy[key], atol=1e-9) for key in before)
    assert tuned.critic is not None


def test_a_checkpoint_that_does_not_fit_the_data_or_the_networks_is_refused_naming_both(tmp_path, data):
    init = f"init={Trainer(config_for(tmp_path / 'first', 'steps=1'), data).run().checkpoint}"
    with pytest.raises(MismatchError, match=r"policy of this run has .*network settings"):
        Trainer(config_for(tmp_path / "a", init, "algorithm=hiql"), data)
    with pytest.raises(MismatchError, match="labels commanded, the data have achieved"):
        Trainer(config_for(tmp_path / "a", init), dataclasses.replace(data, labels="achieved"))
    moving = data.actions.copy()
    moving[::2, 1] = 0.01
    with pytest.raises(MismatchError, match=r"the data move dy, which never moved"):
        Trainer(config_for(tmp_path / "a", init), dataclasses.replace(data, actions=moving))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("network.features=8", "features 16, this run has 8"),
        ("network.tanh=false", "tanh True, this run has False"),
        ("network.policy_block=tiny_norm_relu", "policy_block norm_relu, this run has tiny_norm_relu"),
        ("network.scaled_logits=true", "scaled_logits False, this run has True"),
    ],
)
def test_other_network_settings_than_those_of_the_checkpoint_are_refused(tmp_path, data, word, message):
    """Weights of the same sizes were taken, although they meant something else."""
    init = f"init={Trainer(config_for(tmp_path / 'first', 'steps=1'), data).run().checkpoint}"
    with pytest.raises(MismatchError, match=f"was trained with network.{message}; use its network settings"):
        Trainer(config_for(tmp_path / "a", init, word), data)


def test_settings_of_a_critic_alone_do_not_matter_where_there_is_none(tmp_path, data):
    cloned = Trainer(config_for(tmp_path / "bc", "algorithm=gcbc", "steps=1"), data).run()
    words = (f"init={cloned.checkpoint}", "network.repr_dim=6", "network.scaled_logits=true", "steps=1")
    assert Trainer(config_for(tmp_path / "crl", *words), data).run().reason == "finished"


def test_other_cameras_than_those_of_the_checkpoint_are_refused(tmp_path, data):
    two = dataclasses.replace(data, images=np.concatenate([data.images, 255 - data.images], axis=-1))
    words = ("steps=1", "network.cameras=2")
    first = Trainer(config_for(tmp_path / "first", "image.more_cameras=[wrist]", *words), two).run()
    with pytest.raises(MismatchError, match=r"image.more_cameras \['wrist'\], the data have \['top'\]"):
        Trainer(config_for(tmp_path / "a", f"init={first.checkpoint}", "image.more_cameras=[top]", *words), two)
