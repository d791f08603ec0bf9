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


def test_trajectories_of_which_one_is_long_enough_are_refused_naming_the_short_ones(tmp_path):
    """It said 'record more', although there were enough steps."""
    lengths = [1, 1, 1, 57]
    words = "hold one trajectory of two or more steps in a row, 3 without, expected at least 2: validation=0.2"
    refused(tmp_path, cut(bar_data(), lengths), words)
    assert Trainer(config_for(tmp_path / "all", "validation=0", "steps=1"), cut(bar_data(), lengths)).run()
    assert Trainer(config_for(tmp_path / "two", "steps=1"), cut(bar_data(), [1, 1, 1, 20, 37])).run()


def test_data_with_a_gap_after_every_step_are_refused(tmp_path):
    gaps = dataclasses.replace(bar_data(), follows=np.zeros(60, bool))
    refused(tmp_path, gaps, "none of 6 trajectories in the data has two observations one period apart")


@pytest.mark.parametrize(("value", "words"), [(0, r"one colour \[0, 0, 0\]"), (None, "the same")])
def test_a_camera_that_sees_nothing_change_is_refused(tmp_path, value, words):
    data = bar_data()
    images = np.broadcast_to(data.images[:1], data.images.shape) if value is None else np.full_like(data.images, value)
    refused(tmp_path, dataclasses.replace(data, images=np.array(images)), f"are {words}, expected a camera that sees")


@pytest.mark.parametrize("still", ["over_shoulder", "wrist"])
def test_each_of_several_cameras_must_see_something_change(tmp_path, still):
    """One that showed the same all the time was not noticed beside another."""
    data = bar_data()
    images = [np.full_like(data.images, 7) if name == still else data.images for name in ("over_shoulder", "wrist")]
    both = dataclasses.replace(data, images=np.concatenate(images, axis=-1))
    cameras = ("network.cameras=2", "image.more_cameras=[wrist]")
    refused(tmp_path, both, rf"images of camera '{still}' taken from the data are one colour \[7, 7, 7\]", *cameras)


@pytest.mark.parametrize(
    ("data", "words", "message"),
    [
        (bar_data(), ("network.cameras=2", "image.more_cameras=[wrist]"), "network.cameras=2, the data hold 1"),
        (bar_data(), ("network.proprio=7",), "network.proprio=7, the data hold 0"),
        (bar_data(), ("network=state",), "network.inputs=state, the data hold image"),
        (
            dataclasses.replace(bar_data(), proprio=np.ones((60, 2), np.float32)),
            (),
            "network.proprio=0, the data hold 2",
        ),
    ],
    ids=["cameras", "no arm", "states", "arm"],
)
def test_observations_of_another_kind_than_the_networks_take_are_refused(tmp_path, data, words, message):
    """They ended in an error of PyTorch at the first step."""
    refused(tmp_path, data, message, *words)


def test_images_that_are_no_bytes_and_numbers_of_the_arm_that_are_not_finite_are_refused():
    """Both were trained on until the loss was nan."""
    data = bar_data()
    with pytest.raises(ContractError, match="images of the data are float32, expected uint8"):
        dataclasses.replace(data, images=data.images.astype(np.float32))
    arm = np.zeros((60, 2), np.float32)
    arm[23, 1] = np.nan
    with pytest.raises(ContractError, match="proprio of the data are not finite: step 3 of trajectory 2"):
        dataclasses.replace(data, proprio=arm)


def test_actions_out_of_range_are_refused_naming_the_worst(tmp_path):
    data = bar_data()
    actions = data.actions.copy()
    actions[[3, 7], 0] = 0.06, -0.2
    refused(
        tmp_path,
        dataclasses.replace(data, actions=actions),
        r"2 of 60 commanded actions in the data are out of range, dx=-0.2 at step 7, expected -0.05 to 0.05",
    )


@pytest.mark.parametrize(
    ("entry", "value", "words"), [(1, 0.2, "dy=0.2 .*-0.05 to 0.05"), (6, 1.5, "gripper=1.5 .*0 to 1")]
)
def test_an_action_out_of_range_is_refused_where_it_never_changes_too(tmp_path, entry, value, words):
    """Such an entry has no range in the scale, and was not looked at."""
    data = bar_data()
    actions = data.actions.copy()
    actions[:, entry] = value
    refused(
        tmp_path, dataclasses.replace(data, actions=actions), f"60 of 60 commanded actions .* out of range, {words}"
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
