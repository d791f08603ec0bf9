"""Bags that are damaged, unusual or not what the mapping says."""

import zlib

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin

from crl_data.exchange.errors import MappingError
from crl_data.store import Store


def test_depth_images_are_refused_by_name(bags, tmp_path, take):
    stamp = bags.start_ns
    depth = bags.image_msg(stamp, np.zeros((24, 32, 2), np.uint8), "16UC1")
    messages = [m for m in bags.ticks(1) if m[1] != bags.camera] + [(stamp + bags.late_ns, bags.camera, depth)]
    report = take(bags.write(tmp_path / "bag", messages), tmp_path / "out.zarr")
    assert "16UC1, expected rgb8" in report.damaged["bag"]


def test_a_folder_of_bags_gives_an_episode_of_each_and_skips_damaged_ones_when_told(bags, tmp_path, take):
    for number in range(3):
        bags.write(tmp_path / f"bags/day 1/{number}", bags.ticks(4))
    damaged = next((tmp_path / "bags/day 1/1").glob("*.mcap"))
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    stopped = take(tmp_path / "bags", tmp_path / "stopped.zarr")
    assert (len(stopped.imported), list(stopped.damaged)) == (1, ["day 1/1"])
    skipped = take(tmp_path / "bags", tmp_path / "skipped.zarr", skip_damaged=True)
    assert (len(skipped.imported), list(skipped.damaged)) == (2, ["day 1/1"])


@pytest.mark.parametrize("plugin", list(StoragePlugin))
def test_a_bag_altered_anywhere_is_read_or_refused_and_nothing_else(bags, tmp_path, plugin, take):
    bag = bags.write(tmp_path / "bag", bags.ticks(2), plugin)
    (file,) = [path for path in bag.iterdir() if path.suffix in (".mcap", ".db3")]
    if plugin is StoragePlugin.MCAP:
        add_checksums(file)
    whole = recorded(take(bag, tmp_path / "whole.zarr"), tmp_path / "whole.zarr")
    data, rng = file.read_bytes(), np.random.default_rng(0)
    outcomes = []
    for attempt in range(30):
        altered = bytearray(data[: rng.integers(len(data))] if attempt % 2 else data)
        if altered:
            altered[rng.integers(len(altered))] ^= 0xFF
        file.write_bytes(altered)
        out = tmp_path / f"{attempt}.zarr"
        try:
            report = take(bag, out)
        except MappingError:
            outcomes.append("mapping")  # the name of a topic was hit
            continue
        assert len(report.imported) + len(report.damaged) == 1
        outcomes.append("damaged" if report.damaged else "same" if recorded(report, out) == whole else "other")
    assert outcomes.count("damaged") >= 5
    assert outcomes.count("same") >= 1
    assert outcomes.count("mapping") < 10
    if plugin is StoragePlugin.MCAP:
        assert "other" not in outcomes, "chunks of an MCAP file carry a CRC-32; what SQLite keeps has none"


def add_checksums(file):
    """Fill in the CRC-32 of each chunk (https://mcap.dev/spec#chunk-op0x06), as rosbag2 does; this writer leaves 0."""
    data, at = bytearray(file.read_bytes()), 8
    while at < len(data) - 8:
        operation, length = data[at], int.from_bytes(data[at + 1 : at + 9], "little")
        if operation == 6:
            content = at + 9 + 28 + 4 + int.from_bytes(data[at + 37 : at + 41], "little") + 8
            data[at + 33 : at + 37] = zlib.crc32(data[content : at + 9 + length]).to_bytes(4, "little")
        at += 9 + length
    file.write_bytes(data)


def recorded(report, out):
    """What the import says the episode holds: every array by its checksum, frames included."""
    (meta,) = Store.open(out).metas(report.imported)
    return meta.steps, meta.clock, meta.lost, meta.checksums


def test_padding_after_a_message_is_accepted(bags, tmp_path, take):
    """rclpy's serialize_message leaves memory of any content behind messages with text."""
    with bags.writer(tmp_path / "bag") as write:
        for receive_ns, topic, message in sorted(bags.ticks(3), key=lambda sent: sent[0]):
            raw = bytes(bags.types.serialize_cdr(message, message.__msgtype__))
            write(receive_ns, topic, message, raw + b"padding!")
    assert len(take(tmp_path / "bag", tmp_path / "out.zarr").imported) == 1


@pytest.mark.parametrize("plugin", list(StoragePlugin))
def test_a_single_file_is_a_bag_too(bags, tmp_path, plugin, take):
    bag = bags.write(tmp_path / "bag", bags.ticks(3), plugin)
    (file,) = [path for path in bag.iterdir() if path.suffix in (".mcap", ".db3")]
    assert len(take(file, tmp_path / "out.zarr").imported) == 1


def test_simulated_time_needs_the_clock_to_be_chosen(bags, tmp_path, take):
    shift = 10**18
    messages = [(receive + shift, topic, message) for receive, topic, message in bags.ticks(4)]
    bag = bags.write(tmp_path / "bag", messages)
    with pytest.raises(MappingError, match=r"simulated time.*--set clock=header"):
        take(bag, tmp_path / "out.zarr")
    report = take(bag, tmp_path / "out.zarr", clock="header")
    episode = Store.open(tmp_path / "out.zarr").read(report.imported[0])
    np.testing.assert_array_equal(episode["stamp_ns"], bags.start_ns + bags.period_ns * np.arange(4))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cameras": {"/over_sholder/image_raw": "c"}}, "did you mean '/over_shoulder/image_raw'"),
        ({"gripper": {"value": "/joint_state.position[3]"}}, "no topic '/joint_state', did you mean '/joint_states'"),
        ({"gripper": {"value": "/joint_states.positions[3]"}}, "no field 'positions', did you mean 'position'"),
        ({"gripper": {"value": "/joint_states.position[griper]"}}, "no entry 'griper', did you mean 'gripper'"),
        ({"gripper": {"value": "/joint_states"}}, "names no field of a topic"),
        ({"gripper": {"value": "/arm/pose.header"}}, "holds no numbers"),
        ({"clock": "sim"}, "clock is 'sim'"),
        ({"action": None}, r"has the topics .*/arm/commanded \(sensor_msgs/msg/JointState\)"),
    ],
)
def test_a_wrong_topic_map_is_refused_with_what_was_meant(bags, tmp_path, changes, message, take):
    bag = bags.write(tmp_path / "bag", bags.ticks(3))
    with pytest.raises(MappingError, match=message):
        take(bag, tmp_path / "out.zarr", **changes)
    assert not (tmp_path / "out.zarr").exists()


def test_streams_that_never_meet_are_told_with_what_was_lost(bags, tmp_path, take):
    messages = [(r, t, m) for r, t, m in bags.ticks(4) if t != "/arm/pose"]
    messages.append((bags.start_ns, "/arm/pose", bags.pose_msg(bags.start_ns - 10**10, [0, 0, 0])))
    report = take(bags.write(tmp_path / "bag", messages), tmp_path / "out.zarr")
    assert "no step could be put together" in report.damaged["bag"]
    assert "'actions': 4" in report.damaged["bag"]


def test_a_folder_without_bags_is_refused(tmp_path, take):
    with pytest.raises(MappingError, match="holds no bag"):
        take(tmp_path, tmp_path / "out.zarr")


@pytest.mark.ros
def test_messages_that_rclpy_serialised_are_read(bags, tmp_path, take):
    from rclpy.serialization import serialize_message
    from sensor_msgs.msg import JointState

    with bags.writer(tmp_path / "bag") as write:
        for receive_ns, topic, message in sorted(bags.ticks(4), key=lambda sent: sent[0]):
            raw = None
            if topic in ("/joint_states", "/arm/commanded"):
                sent = JointState(name=message.name, position=message.position.tolist())
                sent.velocity = message.velocity.tolist()
                stamp = message.header.stamp
                sent.header.stamp.sec, sent.header.stamp.nanosec = stamp.sec, stamp.nanosec
                raw = serialize_message(sent)
            write(receive_ns, topic, message, raw)
    report = take(tmp_path / "bag", tmp_path / "out.zarr")
    assert (report.damaged, report.steps) == ({}, 4)
