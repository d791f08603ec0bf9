"""Bags become the episodes that the recorder would have recorded."""

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin

from crl_data.checking.check import check_store
from crl_data.exchange.errors import MappingError
from crl_data.store import Store


@pytest.mark.parametrize("plugin", list(StoragePlugin))
def test_each_action_is_a_step_with_the_frame_and_state_that_it_was_computed_from(bags, tmp_path, plugin, take):
    bag = bags.write(tmp_path / "bag röh 1", bags.ticks(8), plugin)
    report = take(bag, tmp_path / "out.zarr")
    episode = Store.open(tmp_path / "out.zarr").read(report.imported[0])
    stamps = bags.start_ns + bags.period_ns * np.arange(8)
    assert len(episode) == 8
    np.testing.assert_array_equal(episode["stamp_ns"], stamps + bags.late_ns)
    np.testing.assert_array_equal(
        episode["action_commanded"], np.array([bags.action(tick) for tick in range(8)], np.float32)
    )
    track = episode.cameras["over_shoulder"]
    np.testing.assert_array_equal(np.stack(list(track.frames())), [bags.image(tick) for tick in range(8)])
    np.testing.assert_array_equal(track.stamp_ns, stamps)
    np.testing.assert_array_equal(track.receive_stamp_ns, stamps + bags.late_ns)
    np.testing.assert_array_equal(episode["state_stamp_ns"], stamps)
    np.testing.assert_allclose(episode["joints"][:, 1], 2.0 * np.arange(8))
    np.testing.assert_allclose(episode["action_achieved"][:, 0], 0.01, atol=1e-7)
    assert episode.meta.last_achieved == "measured"
    assert set(episode.meta.lost.values()) == {0}
    assert check_store(tmp_path / "out.zarr", progress=False).exit_code == 0


def test_actions_without_their_frame_are_counted(bags, tmp_path, take):
    messages = [
        m
        for m in bags.ticks(8)
        if not (m[1] == bags.camera and m[0] == bags.start_ns + 3 * bags.period_ns + bags.late_ns)
    ]
    report = take(bags.write(tmp_path / "bag", messages), tmp_path / "out.zarr")
    episode = Store.open(tmp_path / "out.zarr").read(report.imported[0])
    assert (len(episode), episode.meta.lost["actions"]) == (7, 1)


@pytest.mark.parametrize("encoding", ["bgr8", "mono8", "jpeg", "padded"])
def test_images_come_in_several_encodings(bags, tmp_path, encoding, take):
    messages = [m for m in bags.ticks(3) if m[1] != bags.camera]
    for tick in range(3):
        stamp, pixels = bags.start_ns + tick * bags.period_ns, bags.image(tick)
        if encoding == "jpeg":
            data = np.frombuffer(cv2.imencode(".jpg", pixels[:, :, ::-1])[1].tobytes(), np.uint8)
            header = bags.header(stamp)
            message = bags.message("sensor_msgs/msg/CompressedImage", header=header, format="jpeg", data=data)
        elif encoding == "padded":
            message = bags.image_msg(stamp, pixels, pad=5)
        else:
            sent = pixels[:, :, ::-1] if encoding == "bgr8" else pixels[:, :, :1]
            message = bags.image_msg(stamp, np.ascontiguousarray(sent), encoding)
        messages.append((stamp + bags.late_ns, bags.camera, message))
    kept = "jpeg" if encoding == "jpeg" else "lossless"
    report = take(bags.write(tmp_path / "bag", messages), tmp_path / "out.zarr", encoding=kept)
    track = Store.open(tmp_path / "out.zarr").read(report.imported[0]).cameras["over_shoulder"]
    expected = bags.image(2)
    if encoding == "jpeg":
        assert next(iter(track.all_encoded())) == bytes(cv2.imencode(".jpg", bags.image(0)[:, :, ::-1])[1])
        return
    np.testing.assert_array_equal(
        track.frame(2), np.repeat(expected[:, :, :1], 3, 2) if encoding == "mono8" else expected
    )


def test_a_twist_is_scaled_to_a_change_per_step_and_takes_the_gripper_from_another_topic(bags, tmp_path, take):
    """As MoveIt Servo gets it: velocities, stamped when they were sent."""
    messages = [m for m in bags.ticks(6) if m[1] != "/arm/commanded"]
    for tick in range(6):
        sent = bags.start_ns + tick * bags.period_ns + 2 * bags.late_ns
        linear = bags.message("geometry_msgs/msg/Vector3", x=0.1, y=0.0, z=-0.05 * tick)
        angular = bags.message("geometry_msgs/msg/Vector3", x=0.0, y=0.0, z=0.5)
        twist = bags.message("geometry_msgs/msg/Twist", linear=linear, angular=angular)
        stamped = bags.message("geometry_msgs/msg/TwistStamped", header=bags.header(sent), twist=twist)
        messages.append((sent + 1_000_000, "/servo/twist", stamped))
    action = {
        "position": {"column": "/servo/twist.twist.linear", "scale": 0.2},
        "rotation": {"column": "/servo/twist.twist.angular", "scale": 0.2},
        "rotation_as": "rotvec",
        "gripper": {"value": "/joint_states.position[gripper]"},
    }
    bag = bags.write(tmp_path / "bag", messages)
    with pytest.raises(MappingError, match=r"what the stamps of /servo/twist mean.*action_stamp=own"):
        take(bag, tmp_path / "out.zarr", action=action, action_stamp=None)
    report = take(bag, tmp_path / "out.zarr", action=action, action_stamp="own")
    episode = Store.open(tmp_path / "out.zarr").read(report.imported[0])
    assert len(episode) == 6
    np.testing.assert_allclose(episode["action_commanded"][:, 0], 0.02, atol=1e-7)
    np.testing.assert_allclose(episode["action_commanded"][:, 2], -0.01 * np.arange(6), atol=1e-7)
    np.testing.assert_allclose(episode["action_commanded"][:, 5:], [[0.1, 0.5]] * 6, atol=1e-7)


def test_a_bag_without_actions_gives_steps_at_the_rate_of_what_the_arm_did(bags, tmp_path, take):
    messages = [m for m in bags.ticks(9) if m[1] != "/arm/commanded"]
    report = take(bags.write(tmp_path / "bag", messages), tmp_path / "out.zarr", action={"kind": "tool"})
    store = Store.open(tmp_path / "out.zarr")
    episode = store.read(report.imported[0])
    assert (store.spec.labels, len(episode)) == (("achieved",), 8)
    np.testing.assert_allclose(episode["action_achieved"][:, 0], 0.01, atol=1e-7)


def test_a_pause_splits_a_bag(bags, tmp_path, take):
    messages = bags.ticks(5) + [m for tick in range(40, 46) for m in bags.tick(tick)]
    bag = bags.write(tmp_path / "bag", messages)
    report = take(bag, tmp_path / "out.zarr", gap_s=2.0)
    assert [meta.steps for meta in Store.open(tmp_path / "out.zarr").metas(report.imported)] == [5, 6]
    assert take(bag, tmp_path / "out.zarr", gap_s=2.0).imported == []


def test_a_marker_topic_says_where_episodes_begin_and_end(bags, tmp_path, take):
    def mark(tick, value):
        return (bags.start_ns + tick * bags.period_ns - 1, "/episode", bags.message("std_msgs/msg/Bool", data=value))

    messages = [*bags.ticks(12), mark(1, True), mark(4, False), mark(6, True), mark(9, True)]
    report = take(bags.write(tmp_path / "bag", messages), tmp_path / "out.zarr", marker="/episode")
    episodes = [Store.open(tmp_path / "out.zarr").read(i) for i in report.imported]
    assert [len(episode) for episode in episodes] == [3, 3, 3]
    assert episodes[0]["joints"][0, 0] == 1.0
