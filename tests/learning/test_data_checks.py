"""Data that nothing can be learned from are refused in words, before the first step."""

import dataclasses

import numpy as np
import pytest
from small_run import bar_data, config_for

from crl_learning.dataset import TrajectoryData
from crl_learning.train import Trainer
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ContractError, MismatchError
from crl_robot.image_spec import ImageSpec


def refused(tmp_path, data: TrajectoryData, match: str, *words: str) -> None:
    with pytest.raises(ContractError, match=match):
        Trainer(config_for(tmp_path / "run", *words), data)
    assert not (tmp_path / "run").exists()


def cut(data: TrajectoryData, lengths: list[int]) -> TrajectoryData:
    total = sum(lengths)
    return dataclasses.replace(
        data, images=data.images[:total], actions=data.actions[:total], lengths=np.array(lengths, np.int64)
    )


def test_empty_data_are_refused(tmp_path):
    refused(tmp_path, cut(bar_data(), []), "hold no trajectory, expected some; record")


def test_trajectories_of_one_step_are_refused(tmp_path):
    refused(tmp_path, cut(bar_data(), [1] * 9), "the longest of 9 trajectories in the data has one step, expected two")


def test_a_single_trajectory_is_refused_unless_nothing_is_held_out(tmp_path):
    single = cut(bar_data(), [20])
    refused(tmp_path, single, "hold one trajectory, expected at least 2: validation=0.2")
    assert Trainer(config_for(tmp_path / "all", "validation=0", "steps=1"), single).run().progress.step == 1


@pytest.mark.parametrize(("value", "words"), [(0, r"one colour \[0, 0, 0\]"), (None, "the same")])
def test_a_camera_that_sees_nothing_change_is_refused(tmp_path, value, words):
    data = bar_data()
    images = np.broadcast_to(data.images[:1], data.images.shape) if value is None else np.full_like(data.images, value)
    refused(tmp_path, dataclasses.replace(data, images=np.array(images)), f"are {words}, expected a camera that sees")


def test_actions_out_of_range_are_refused_naming_the_worst(tmp_path):
    data = bar_data()
    actions = data.actions.copy()
    actions[[3, 7], 0] = 0.06, -0.2
    refused(
        tmp_path,
        dataclasses.replace(data, actions=actions),
        r"2 of 60 commanded actions in the data are out of range, dx=-0.2 at step 7, expected -0.05 to 0.05",
    )


def test_an_arm_that_catches_up_now_and_then_may_move_more_than_a_command_asks_for(tmp_path):
    data = bar_data()
    actions = data.actions.copy()
    actions[3, 0] = 0.06
    achieved = dataclasses.replace(data, actions=actions, labels="achieved")
    assert Trainer(config_for(tmp_path / "run", "labels=achieved", "steps=1"), achieved).run().progress.step == 1
    actions[:10, 0] = 0.06
    refused(tmp_path / "more", dataclasses.replace(achieved, actions=actions), "achieved actions in the data are out")


def test_actions_that_are_not_finite_are_refused_naming_trajectory_and_step():
    data = bar_data()
    actions = data.actions.copy()
    actions[23, 2] = np.nan
    with pytest.raises(ContractError, match=r"actions of the data are not finite: step 3 of trajectory 2 has \[.*nan"):
        dataclasses.replace(data, actions=actions)


@pytest.mark.parametrize(
    ("field", "value", "shape"),
    [
        ("images", np.zeros((60, 8, 16, 3), np.uint8), r"\(60, 16, 16, 3\)"),
        ("images", np.zeros((59, 16, 16, 3), np.uint8), r"\(60, 16, 16, 3\)"),
        ("images", np.zeros((60, 16, 16, 4), np.uint8), r"\(60, 16, 16, 3\)"),
        ("actions", np.zeros((60, 6), np.float32), r"\(60, 7\)"),
        ("follows", np.ones(59, bool), r"\(60,\)"),
        ("proprio", np.ones((59, 2), np.float32), r"\(60, 2\)"),
    ],
)
def test_wrong_shapes_are_refused_naming_the_expected_one(field, value, shape):
    with pytest.raises(ContractError, match=f"{field} have shape .*, expected {shape} for trajectories of 60 steps"):
        dataclasses.replace(bar_data(), **{field: value})


def test_another_image_spec_than_that_of_the_checkpoint_is_refused_naming_both(tmp_path):
    data = bar_data()
    init = f"init={Trainer(config_for(tmp_path / 'first', 'steps=1'), data).run().checkpoint}"
    other = dataclasses.replace(data, image_spec=ImageSpec(camera="wrist", size=(16, 16)))
    with pytest.raises(MismatchError, match=r"image spec .*over_shoulder.*the data have .*wrist"):
        Trainer(config_for(tmp_path / "a", init), other)
    faster = dataclasses.replace(data, action_spec=ActionSpec(rate_hz=10.0))
    with pytest.raises(MismatchError, match=r"rate_hz=5.0.*rate_hz=10.0"):
        Trainer(config_for(tmp_path / "a", init), faster)
