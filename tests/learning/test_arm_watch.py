"""What a watch of commands and states tells of an arm whose dead time is known."""

import numpy as np
import pytest
from test_arm_following import run
from test_arm_motion import PERIOD_S, START, arm, told

from crl_learning.runtime.arm_motion import Track, led_motion
from crl_learning.runtime.arm_watch import ArmWatch


def heard(track, commands, look_s=0.5):
    """A watch that was told all of it in the order of time, and looks now and then."""
    watch, looked_ns = ArmWatch(PERIOD_S), 0
    instants = [(stamp, index, None) for index, stamp in enumerate(track.stamps_ns.tolist())]
    instants += [(command.stamp_ns, -1, command) for command in commands]
    for stamp_ns, index, command in sorted(instants, key=lambda one: one[0]):
        if command is not None:
            watch.commanded(stamp_ns, command.displacement)
        else:
            watch.state(stamp_ns, track.positions[index], track.targets[index])
        if stamp_ns - looked_ns > look_s * 1e9:
            watch.look()
            looked_ns = stamp_ns
    return watch


def test_a_run_from_rest_tells_the_first_motion_and_then_how_far_the_arm_is_behind():
    commands = [told(0.9, [0, 0, 0]), *run(ticks=40)]
    found = heard(arm(commands, 0.12, seconds=10.0), commands).summary()
    assert found["arm_motion"] == {
        "p50": pytest.approx(120, abs=20),
        "max": found["arm_motion"]["p50"],
        "n": 1,
        "resolution": pytest.approx(20, abs=2),
    }
    assert found["arm_following"]["shift"] == pytest.approx(120, abs=20)
    assert found["arm_following"]["n"] > 20


def test_every_rest_gives_another_figure_and_commands_without_a_way_none():
    commands = [told(at) for at in (1.0, 1.2, 3.0, 5.0)] + [told(7.0, [0, 0, 0.0001])]
    assert heard(arm(commands, 0.1, seconds=9.0), commands).summary()["arm_motion"]["n"] == 3
    assert heard(arm([], 0.1), []).summary() == {"arm_motion": None, "arm_following": None}


def test_an_arm_that_does_not_move_has_no_figure_and_a_small_step_before_a_large_one_none_either():
    commands = [told(1.0 + 0.2 * tick) for tick in range(20)]
    assert heard(arm(commands, 0.1, seconds=7.0, follows=0.0), commands).summary()["arm_motion"] is None
    commands = [told(1.0, [0.002, 0, 0]), told(1.2)]
    assert heard(arm(commands, 0.1), commands).summary()["arm_motion"] is None


def test_a_clock_that_goes_back_begins_anew_and_keeps_the_figures():
    track, commands = arm([told()], 0.1), [told()]
    watch = heard(track, commands)
    watch.state(1, START, START)
    watch.look()
    assert watch.summary()["arm_motion"]["n"] == 1


def led(way, dead_s, asked_s=2.0, looks_s=0.15, rate_hz=50.0):
    """An arm that is asked to go ``way``, looks for a while whether it is free, and goes with 0.1 m/s."""
    times = np.arange(0.0, 8.0, 1 / rate_hz)
    since = times - asked_s - looks_s
    gone = np.clip(since - dead_s, 0, np.linalg.norm(way) / 0.1)[:, None] * 0.1 * way / np.linalg.norm(way)
    targets = START + (since > 0)[:, None] * way
    return Track(np.round(times * 1e9).astype(np.int64), START + gone, targets)


@pytest.mark.parametrize("dead_s", [0.0, 0.05, 0.33])
def test_a_move_to_the_start_pose_tells_it_too_from_where_the_arm_has_begun_it(dead_s):
    track = led(np.array([0.1, -0.2, 0.1]), dead_s)
    found = led_motion(round(2e9), track)
    assert found is not None
    assert found.latency_ms == pytest.approx(1e3 * dead_s, abs=30)
    watch = ArmWatch(PERIOD_S)
    watch.led(round(2e9))
    for index, stamp_ns in enumerate(track.stamps_ns.tolist()):
        watch.state(stamp_ns, track.positions[index], track.targets[index])
        watch.look()
    assert watch.summary()["arm_motion"]["n"] == 1
    assert watch.summary()["arm_motion"]["p50"] == pytest.approx(found.latency_ms)


def test_an_arm_that_refuses_to_go_or_is_there_already_has_no_figure():
    still = led(np.array([0.1, -0.2, 0.1]), 20.0)
    assert led_motion(round(2e9), still) is None
    assert led_motion(round(2e9), Track(still.stamps_ns, still.positions, still.positions)) is None
    assert led_motion(round(2e9), still.between(0, 0)) is None
    assert led_motion(round(7.9e9), still) is None
    track = led(np.array([0.1, -0.2, 0.1]), 0.1)
    lost = (track.stamps_ns > 2.161e9) & (track.stamps_ns < 2.8e9)
    assert led_motion(round(2e9), Track(*(part[~lost] for part in vars(track).values()))) is None


def test_commands_to_an_arm_that_tells_no_states_are_not_awaited_without_end():
    """Each trial in lock step left one behind, which every look went through again."""
    watch = ArmWatch(PERIOD_S)
    for trial in range(20):
        watch.led(round(3e9 * trial))
        watch.commanded(round(3e9 * trial) + 1, np.array([0.01, 0, 0]))
        watch.look()
    assert len(watch._waiting) <= 1
