"""Complete, fresh and aligned observations."""

import numpy as np
import pytest

from crl_robot.contracts import ArmState, Frame, JointReading, Pose
from crl_robot.streams import ObservationBuffer

MS = 1_000_000


def frame(stamp_ms):
    return Frame(np.zeros((4, 4, 3), np.uint8), stamp_ms * MS, stamp_ms * MS + MS)


def arm(stamp_ms):
    pose = Pose(np.zeros(3), np.array([1.0, 0, 0, 0]))
    return ArmState(JointReading(np.zeros(6), np.zeros(6), 0.0, stamp_ms * MS), pose, pose, 0.0, "moving")


def test_an_observation_is_complete_or_the_reason_is_given():
    buffer = ObservationBuffer(("a", "b"), tolerance_s=0.1)
    buffer.add_frame("a", frame(100), 1)
    assert buffer.observe(100 * MS) is None
    assert "'b'" in buffer.why_not(100 * MS)
    buffer.add_frame("b", frame(90), 1)
    assert "arm" in buffer.why_not(100 * MS)
    buffer.add_arm(arm(95))
    observation = buffer.observe(110 * MS)
    assert observation.newest_stamp_ns == 100 * MS
    assert observation.age_ms("b") == pytest.approx(20)


def test_the_age_of_each_stream_grows_until_its_next_frame_comes():
    buffer = ObservationBuffer(("a", "b"), tolerance_s=0.1)
    buffer.add_frame("a", frame(100), 1)
    assert buffer.ages_ms(130 * MS) == {"a": 30.0, "b": None}
    buffer.add_frame("a", frame(133), 2)
    assert buffer.ages_ms(140 * MS)["a"] == 7.0


def test_old_frames_and_old_arm_states_make_no_observation():
    buffer = ObservationBuffer(("a",), tolerance_s=0.1)
    buffer.add_frame("a", frame(100), 1)
    buffer.add_arm(arm(100))
    assert buffer.observe(200 * MS) is not None
    assert "201" not in buffer.why_not(200 * MS)
    assert "camera 'a'" in buffer.why_not(201 * MS)
    buffer.add_frame("a", frame(200), 2)
    assert "arm state" in buffer.why_not(201 * MS)


def test_a_frame_that_arrives_late_does_not_replace_a_newer_one():
    buffer = ObservationBuffer(("a",), tolerance_s=1.0)
    buffer.add_arm(arm(100))
    buffer.add_frame("a", frame(100), 4)
    buffer.add_frame("a", frame(50), 2)
    assert buffer.observe(100 * MS).frames["a"].stamp_ns == 100 * MS
    assert buffer.lost == {"a": 0}
    assert buffer.received == {"a": 2}


def test_after_the_clock_went_back_new_frames_replace_those_stamped_ahead():
    """The frame from before the jump stayed the newest and fresh, and the policy went on acting on it."""
    buffer = ObservationBuffer(("a",), tolerance_s=0.1)
    buffer.add_frame("a", frame(10_000), 1)
    buffer.add_arm(arm(10_000))
    assert "ahead" in buffer.why_not(1_000 * MS)
    buffer.add_frame("a", frame(1_000), 2)
    assert "arm state" in buffer.why_not(1_000 * MS)
    buffer.add_arm(arm(1_000))
    assert buffer.observe(1_001 * MS).frames["a"].stamp_ns == 1_000 * MS


def two_cameras(align_s=0.02, keep_s=1.0):
    return ObservationBuffer(("a", "b"), 0.5, align_s, keep_s)


def live(buffer, stamp_ms, cameras=("a", "b")):
    for camera in cameras:
        buffer.add_frame(camera, frame(stamp_ms))
    buffer.add_arm(arm(stamp_ms))


def stamps_ms(observation):
    frames = [observation.frames[name].stamp_ns // MS for name in sorted(observation.frames)]
    return [*frames, observation.arm.joints.stamp_ns // MS]


def test_a_camera_or_an_arm_apart_from_the_newest_frame_is_refused_and_counted():
    buffer = two_cameras()
    live(buffer, 100)
    buffer.add_frame("b", frame(133))
    assert buffer.observe(133 * MS) is None
    assert buffer.why_not(133 * MS) == "image of camera 'a' is 33 ms from the newest frame, expected at most 20 ms"
    buffer.add_frame("a", frame(130))
    assert buffer.observe(133 * MS) is None
    assert "arm state is 33 ms" in buffer.why_not(133 * MS)
    assert buffer.unaligned == 2
    buffer.add_arm(arm(113))
    assert stamps_ms(buffer.observe(133 * MS)) == [130, 133, 113]
    assert buffer.unaligned == 2


def test_the_arm_state_nearest_to_the_newest_frame_is_taken_not_the_newest():
    buffer = ObservationBuffer(("a",), 0.5)
    buffer.add_frame("a", frame(100))
    for stamp in (80, 96, 107, 120):
        buffer.add_arm(arm(stamp))
    assert stamps_ms(buffer.observe(125 * MS)) == [100, 96]


def test_looking_back_finds_what_belonged_together_however_late_it_came():
    buffer = two_cameras()
    for stamp in (100, 133, 166):
        buffer.add_frame("a", frame(stamp))
    for stamp in (101, 134, 167):
        buffer.add_frame("b", frame(stamp))
    assert buffer.at(133 * MS) is None
    for stamp in range(90, 180, 10):
        buffer.add_arm(arm(stamp))
    assert stamps_ms(buffer.at(133 * MS)) == [133, 134, 130]
    assert stamps_ms(buffer.at(134 * MS)) == [133, 134, 130]
    assert buffer.frame_stamps(134 * MS) == [134 * MS, 166 * MS, 167 * MS]


def test_looking_back_takes_the_nearest_frame_within_the_tolerance_only():
    buffer = two_cameras()
    live(buffer, 100)
    live(buffer, 130)
    assert buffer.at(112 * MS, 10 * MS) is None
    assert stamps_ms(buffer.at(112 * MS, 15 * MS)) == [100, 100, 100]
    assert stamps_ms(buffer.at(118 * MS, 20 * MS)) == [130, 130, 130]


def test_all_is_settled_up_to_the_stream_that_is_most_behind():
    buffer = two_cameras()
    assert buffer.settled_ns() == -1
    live(buffer, 100)
    buffer.add_frame("a", frame(133))
    buffer.add_arm(arm(120))
    assert buffer.settled_ns() == 100 * MS
    buffer.add_frame("b", frame(134))
    assert buffer.settled_ns() == 120 * MS


def test_what_is_older_than_it_is_kept_is_forgotten():
    buffer = ObservationBuffer(("a",), 0.1, keep_s=0.2)
    for stamp in range(0, 1000, 50):
        live(buffer, stamp, ("a",))
    assert buffer.frame_stamps(0) == [stamp * MS for stamp in (750, 800, 850, 900, 950)]
    assert buffer.at(700 * MS, 5 * MS) is None
