import numpy as np
import pytest

from crl_data.recording.ticking import StepClock
from crl_robot.contracts import Frame
from crl_robot.streams import ObservationBuffer

MS = 1_000_000


class Robot:
    """Cameras and an arm that are told what arrives."""

    def __init__(self, samples, cameras=("left",)) -> None:
        self._samples = samples
        self.buffer = ObservationBuffer(cameras, 0.5, 0.05, keep_s=60.0)

    def clock(self, period_s, slack_s) -> StepClock:
        clock = StepClock(self.buffer, period_s, slack_s)
        clock.begin(0)
        return clock

    def see(self, stamp_ns, camera="left") -> None:
        self.buffer.add_frame(camera, Frame(self._samples.image(), stamp_ns, stamp_ns))

    def live(self, stamps_ns) -> None:
        for stamp_ns in stamps_ns:
            self.see(stamp_ns)
            self.buffer.add_arm(self._samples.arm(stamp_ns))


@pytest.fixture
def robot(samples):
    return Robot(samples)


def _stamps(steps):
    return [step.observation.newest_stamp_ns // MS for step in steps]


def test_a_step_is_the_first_observation_at_or_after_each_tick(robot):
    clock = robot.clock(0.2, slack_s=0.0)
    robot.live((5 + frame * 33) * MS for frame in range(20))
    assert _stamps(clock.take(0)) == [5, 5 + 7 * 33, 5 + 13 * 33, 5 + 19 * 33]
    assert clock.take(0) == []
    assert clock.lost == {"steps": 0}


def test_steps_have_no_actions(robot):
    clock = robot.clock(0.2, slack_s=0.0)
    robot.live([1 * MS])
    (step,) = clock.take(0)
    assert (step.requested, step.executed) == (None, None)


def test_cameras_at_the_control_rate_that_are_late_by_chance_give_every_frame(robot):
    """A first frame that came late made every later frame come before its tick."""
    late = np.random.default_rng(0).integers(0, 7, 300)
    late[0] = 6
    clock = robot.clock(1 / 30, slack_s=0.02)
    robot.live(round(frame * 1e9 / 30) + int(late[frame]) * MS for frame in range(300))
    assert len(clock.take(0)) == 300
    assert clock.lost == {"steps": 0}


def test_ticks_without_an_observation_are_counted_and_do_not_move_the_schedule(robot):
    clock = robot.clock(0.1, slack_s=0.0)
    robot.live(stamp * MS for stamp in (1, 101, 451, 501, 611))
    assert _stamps(clock.take(700 * MS)) == [1, 101, 451, 501, 611]
    assert clock.lost == {"steps": 2}
    clock.end(1051 * MS)
    assert clock.lost == {"steps": 2 + 3}


def test_a_frame_whose_arm_state_never_came_gives_its_tick_to_the_next(robot):
    clock = robot.clock(0.1, slack_s=0.0)
    robot.live([1 * MS])
    robot.see(101 * MS)
    robot.see(171 * MS)
    assert _stamps(clock.take(180 * MS)) == [1]
    robot.live([180 * MS])
    assert _stamps(clock.take(190 * MS)) == [171]


def test_a_step_waits_for_the_frame_that_another_camera_took_at_the_same_time(samples):
    """Each step paired a new frame of one camera with the frame before of the other."""
    robot = Robot(samples, ("left", "right"))
    clock = robot.clock(0.1, slack_s=0.0)
    robot.live([70 * MS, 100 * MS])
    robot.see(72 * MS, "right")
    assert _stamps(clock.take(103 * MS)) == [72]
    robot.see(102 * MS, "right")
    robot.live([200 * MS])
    robot.see(202 * MS, "right")
    robot.live([230 * MS])
    (step,) = clock.take(230 * MS)
    assert {name: frame.stamp_ns for name, frame in step.observation.frames.items()} == {
        "left": 200 * MS,
        "right": 202 * MS,
    }


def test_a_stream_that_is_silent_holds_up_nothing_for_long(samples):
    robot = Robot(samples, ("left", "right"))
    clock = robot.clock(0.1, slack_s=0.0)
    robot.live([100 * MS])
    robot.see(101 * MS, "right")
    robot.live([130 * MS])
    assert _stamps(clock.take(140 * MS)) == [101]
    robot.live([200 * MS, 201 * MS])
    assert clock.take(300 * MS) == []
    assert clock.take(900 * MS) == []
    clock.end(900 * MS)
    assert clock.lost["steps"] == 7


def test_nothing_is_recorded_before_it_begins_and_after_it_ended(robot):
    clock = StepClock(robot.buffer, 0.1, 0.0)
    robot.live([1 * MS])
    assert clock.take(0) == []
    clock.begin(500 * MS)
    robot.live([1000 * MS])
    assert _stamps(clock.end(1010 * MS)) == [1000]
    robot.live([2000 * MS])
    assert clock.take(3000 * MS) == []
    assert clock.lost == {"steps": 0}
