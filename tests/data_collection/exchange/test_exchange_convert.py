"""How a mapping turns columns into the arrays of a store."""

import cv2
import numpy as np
import pytest

from crl_data.exchange.convert import convert
from crl_data.exchange.errors import MappingError, SourceError
from crl_data.exchange.values import Table
from crl_robot.geometry import GRIPPER_DOWN, matrix_from_quat, matrix_from_rpy, quat_from_matrix

ROWS = 9


def random_poses(rng: np.random.Generator, rows: int = ROWS) -> np.ndarray:
    """(T, 7) poses of a tool that moves and turns a little from row to row."""
    rotation, poses = np.eye(3), []
    for position in np.cumsum(rng.uniform(-0.05, 0.05, (rows, 3)), axis=0):
        rotation = matrix_from_rpy(rng.uniform(-0.4, 0.4, 3)) @ rotation
        poses.append(np.concatenate([position, quat_from_matrix(rotation)]))
    return np.array(poses)


def written(rotation: np.ndarray, rotation_as: str) -> np.ndarray:
    """A rotation as a foreign data set would write it."""
    if rotation_as == "rotvec":
        return cv2.Rodrigues(rotation)[0][:, 0]
    if rotation_as == "rpy":
        pitch = -np.arcsin(rotation[2, 0])
        return np.array([np.arctan2(rotation[2, 1], rotation[2, 2]), pitch, np.arctan2(rotation[1, 0], rotation[0, 0])])
    quat = quat_from_matrix(rotation)
    return np.roll(quat, -1) if rotation_as == "quat_xyzw" else quat


@pytest.fixture
def table() -> Table:
    rng = np.random.default_rng(3)
    actions = np.hstack([rng.uniform(-0.05, 0.05, (ROWS, 6)), rng.uniform(0, 1, (ROWS, 1))])
    columns = {"action": actions, "pose": random_poses(rng), "width": rng.uniform(0, 0.08, ROWS)}
    return Table(columns, {"action": ("x", "y", "z", "a", "b", "c", "grip")})


def test_deltas_are_taken_as_they_are(table, mapping):
    converted = convert(mapping(), table, ROWS, ROWS)
    np.testing.assert_array_equal(converted.arrays["action_commanded"], table.columns["action"].astype(np.float32))
    np.testing.assert_allclose(converted.arrays["gripper"], table.columns["width"] / 0.08)
    assert (converted.first, converted.steps, converted.last_achieved) == (0, ROWS, "commanded")


def test_achieved_actions_lead_from_each_pose_to_the_next(table, mapping):
    achieved = convert(mapping(), table, ROWS, ROWS).arrays["action_achieved"]
    poses = table.columns["pose"]
    for before, after, action in zip(poses[:-1], poses[1:], achieved, strict=False):
        np.testing.assert_allclose(before[:3] + action[:3], after[:3], atol=1e-6)
        turned = matrix_from_rpy(action[3:6]) @ matrix_from_quat(before[3:])
        np.testing.assert_allclose(turned, matrix_from_quat(after[3:]), atol=1e-5)


def test_an_observation_after_the_last_action_makes_the_last_achieved_action_measured(table, mapping):
    shorter = Table(dict(table.columns) | {"action": table.columns["action"][:-1]})
    converted = convert(mapping(), shorter, ROWS, ROWS - 1)
    assert (converted.steps, converted.last_achieved) == (ROWS - 1, "measured")


@pytest.mark.parametrize("rotation_as", ["rpy", "rotvec", "quat_xyzw", "quat_wxyz"])
@pytest.mark.parametrize("zero", ["base", "gripper_down"])
def test_absolute_targets_become_the_deltas_that_lead_to_them(rotation_as, zero, mapping):
    targets = random_poses(np.random.default_rng(5))
    matrices = [matrix_from_quat(q) for q in targets[:, 3:]]
    zeroed = [m @ (GRIPPER_DOWN.T if zero == "gripper_down" else np.eye(3)) for m in matrices]
    table = Table({"target": targets[:, :3], "turn": np.array([written(m, rotation_as) for m in zeroed])})
    width = 4 if rotation_as.startswith("quat") else 3
    action = {
        "kind": "absolute",
        "position": "target",
        "rotation": f"turn[0:{width}]",
        "rotation_as": rotation_as,
        "zero": zero,
        "gripper": {"value": 1.0, "open": 1, "closed": 0},
    }
    converted = convert(mapping(action=action, tool=None, gripper=None), table, ROWS, ROWS)
    assert converted.first == 1, "what the first target was added to is not known"
    before = converted.arrays["tool_target"]
    for start, step, target in zip(before, converted.arrays["action_commanded"], targets[1:], strict=True):
        np.testing.assert_allclose(start[:3] + step[:3], target[:3], atol=1e-6)
        turned = matrix_from_rpy(step[3:6]) @ matrix_from_quat(start[3:])
        np.testing.assert_allclose(turned, matrix_from_quat(target[3:]), atol=1e-5)


def test_absolute_targets_can_be_relative_to_what_was_measured(table, mapping):
    action = {"kind": "absolute", "position": "pose[0:3]", "rotation": "pose[3:7]", "rotation_as": "quat_wxyz"}
    action["gripper"] = {"value": 0.0, "open": 1, "closed": 0}
    converted = convert(mapping(action=action, reference="measured"), table, ROWS, ROWS)
    np.testing.assert_allclose(converted.arrays["action_commanded"], 0, atol=1e-7)
    assert converted.first == 0


def test_a_data_set_without_actions_gives_what_the_tool_did(table, mapping):
    converted = convert(mapping(action={"kind": "tool"}), table, ROWS, ROWS)
    assert mapping(action={"kind": "tool"}).stored_labels == ("achieved",)
    assert converted.steps == ROWS - 1
    assert converted.last_achieved == "measured"
    assert "action_commanded" not in converted.arrays


def test_actions_that_the_source_calls_achieved_are_stored_as_such(table, mapping):
    said = mapping(labels="achieved")
    converted = convert(said, table, ROWS, ROWS)
    assert said.stored_labels == ("achieved",)
    np.testing.assert_array_equal(converted.arrays["action_achieved"], table.columns["action"].astype(np.float32))
    assert converted.last_achieved == "measured"


def test_entries_are_scaled_shifted_named_or_constant(table, mapping):
    position = [{"column": "action[x]", "scale": 0.001, "offset": 0.5}, 0.25, "action[2]"]
    action = mapping(action={"position": position})
    values = convert(action, table, ROWS, ROWS).arrays["action_commanded"][:, :3]
    column = table.columns["action"]
    np.testing.assert_allclose(values, np.stack([column[:, 0] * 0.001 + 0.5, np.full(ROWS, 0.25), column[:, 2]], 1))


def test_the_grippers_ends_are_the_sources_own(table, mapping):
    inverted = mapping(action={"gripper": {"value": "action[6]", "open": 0, "closed": 1}})
    values = convert(inverted, table, ROWS, ROWS).arrays["action_commanded"][:, 6]
    np.testing.assert_allclose(values, 1 - table.columns["action"][:, 6], atol=1e-6)


def test_gripper_values_far_beyond_the_ends_are_refused_with_their_range(table, mapping):
    wide = mapping(gripper={"value": "width", "open": 0.01, "closed": 0})
    with pytest.raises(SourceError, match=r"gripper runs from 0.*open=0.01"):
        convert(wide, table, ROWS, ROWS)


def test_small_overshoot_of_the_gripper_is_moved_to_the_end_and_counted(table, mapping):
    table.columns["action"][:2, 6] = (1.1, -0.1)
    converted = convert(mapping(), table, ROWS, ROWS)
    assert converted.clipped == 2
    assert converted.arrays["action_commanded"][:2, 6].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("actoin[0:3]", "no column 'actoin', did you mean 'action'"),
        ("action[5:9]", "reaches beyond"),
        ("action[gripp]", "did you mean 'grip'"),
        ("action[0:2]", "action.position has 2 numbers per step"),
        ("action[", "names no column"),
    ],
)
def test_a_column_that_is_not_there_is_named_with_the_nearest(table, reference, message, mapping):
    with pytest.raises(MappingError, match=message):
        convert(mapping(action={"position": reference}), table, ROWS, ROWS)


def test_a_value_that_is_not_finite_makes_the_episode_damaged(table, mapping):
    table.columns["action"][4, 2] = np.nan
    with pytest.raises(SourceError, match="not finite in row 4"):
        convert(mapping(), table, ROWS, ROWS)
