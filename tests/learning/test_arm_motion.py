"""The time from a command to an arm's first motion, of arms whose dead time, noise and state rate are known."""

import numpy as np
import pytest

from crl_learning.runtime.arm_motion import Command, Motion, Track, first_motion

PERIOD_S = 0.2
SIDE = np.array([0.02, -0.01, 0.005])
SPEED = float(np.linalg.norm(SIDE)) / PERIOD_S
START = np.array([0.3, 0.1, 0.2])


def arm(commands, dead_s, rate_hz=50.0, noise_m=0.0, seconds=4.0, lag_s=0.0, seed=0, follows=1.0, phase=0.37):
    """States of an arm that begins to go along each command ``dead_s`` after it, evenly over a control period."""
    rng = np.random.default_rng(seed)
    times = (np.arange(round(seconds * rate_hz)) + phase) / rate_hz
    way, targets = np.zeros((len(times), 3)), np.zeros((len(times), 3))
    for command in commands:
        since = times - command.stamp_ns / 1e9
        way += np.clip((since - dead_s) / PERIOD_S, 0, 1)[:, None] * command.displacement * follows
        targets += (since > 0.001)[:, None] * command.displacement
    if lag_s:
        for axis in range(3):
            way[:, axis] = lagged(way[:, axis], 1 / rate_hz / lag_s)
    way += rng.normal(0, noise_m, way.shape) if noise_m else 0
    return Track(np.round(times * 1e9).astype(np.int64), START + way, START + targets)


def lagged(values, part):
    """A first-order lag."""
    found = np.zeros_like(values)
    for i in range(1, len(values)):
        found[i] = found[i - 1] + (1 - np.exp(-part)) * (values[i - 1] - found[i - 1])
    return found


def told(at_s=2.0, displacement=SIDE):
    return Command(round(at_s * 1e9), np.asarray(displacement, dtype=float))


@pytest.mark.parametrize("rate_hz", [20.0, 50.0, 100.0])
@pytest.mark.parametrize("noise_m", [0.0, 1e-4, 3e-4])
def test_the_dead_time_is_told_within_one_state_period_and_the_time_that_noise_hides(rate_hz, noise_m):
    rng = np.random.default_rng(4)
    for seed, dead_s in enumerate(rng.uniform(0.0, 0.6, 40)):
        track = arm([told()], dead_s, rate_hz, noise_m, seed=seed, phase=rng.uniform())
        found = first_motion(told(), track)
        assert found is not None
        off_ms, hidden_ms = abs(found.latency_ms - 1e3 * dead_s), 1e3 * noise_m / SPEED
        assert off_ms <= 1e3 / rate_hz + hidden_ms
        assert off_ms <= 0.5 * found.resolution_ms + 2 * hidden_ms + 0.01
        assert 0 < found.resolution_ms <= 1e3 / rate_hz + 10 * hidden_ms + 2


def test_a_servo_that_follows_softly_is_seen_to_begin_and_not_only_to_arrive():
    found = first_motion(told(), arm([told()], 0.05, lag_s=0.15))
    assert found is not None
    assert 50 <= found.latency_ms < 100


@pytest.mark.parametrize("follows", [0.0, 0.1, -1.0])
def test_an_arm_that_does_not_go_the_commanded_way_has_no_figure(follows):
    assert first_motion(told(), arm([told()], 0.05, follows=follows, noise_m=1e-4)) is None


def test_noise_drift_and_nothing_alone_are_no_motion():
    for seed in range(200):
        still = arm([told()], 0.0, noise_m=0.002, follows=0.0, seed=seed)
        assert first_motion(told(), still) is None
    still = arm([told()], 0.0, follows=0.0)
    for speed in (0.001, 0.005, 0.02, 0.05):
        drift = still.stamps_ns[:, None] / 1e9 * speed * SIDE / np.linalg.norm(SIDE)
        assert first_motion(told(), Track(still.stamps_ns, still.positions + drift, still.targets)) is None
    assert first_motion(told(displacement=np.zeros(3)), still) is None


def test_a_command_that_hides_in_the_noise_has_no_figure():
    small = told(displacement=[0.004, 0, 0])
    assert first_motion(small, arm([small], 0.05, noise_m=1e-3)) is None
    assert first_motion(small, arm([small], 0.05, noise_m=1e-5)) is not None


def test_a_single_state_that_is_off_is_no_motion():
    track = arm([told()], 0.2, noise_m=1e-4)
    off = track.positions.copy()
    off[np.searchsorted(track.stamps_ns, round(2.05e9))] += SIDE / 2
    found = first_motion(told(), Track(track.stamps_ns, off, track.targets))
    assert found is not None
    assert found.latency_ms == pytest.approx(200, abs=20)


def test_an_arm_that_was_moving_already_has_no_figure():
    before = [told(1.8), told(1.6)]
    assert first_motion(told(), arm([*before, told()], 0.05)) is None


def test_states_that_are_missing_make_the_figure_rougher_and_then_take_it_away():
    dead_s, whole = 0.1, arm([told()], 0.1)
    gaps_s, widths = (0.0, 0.03, 0.06, 0.2), []
    for gap_s in gaps_s:
        away = np.abs(whole.stamps_ns / 1e9 - 2.0 - dead_s) < gap_s / 2
        left = Track(whole.stamps_ns[~away], whole.positions[~away], whole.targets[~away])
        found = first_motion(told(), left)
        widths.append(found.resolution_ms if found else None)
        assert found is None or abs(found.latency_ms - 1e3 * dead_s) <= found.resolution_ms / 2 + 0.01
    assert widths[0] == pytest.approx(20, abs=2)
    assert widths[0] < widths[1] < widths[2]
    assert widths[3] is None


def test_random_losses_never_give_a_figure_that_is_wrong():
    rng, found = np.random.default_rng(1), 0
    for seed in range(100):
        dead_s = rng.uniform(0, 0.4)
        whole = arm([told()], dead_s, noise_m=1e-4, seed=seed)
        kept = rng.uniform(size=len(whole.stamps_ns)) > 0.4
        motion = first_motion(told(), Track(whole.stamps_ns[kept], whole.positions[kept], whole.targets[kept]))
        if motion is not None:
            found += 1
            assert abs(motion.latency_ms - 1e3 * dead_s) <= motion.resolution_ms
    assert found > 80


def test_too_few_states_have_no_figure():
    nothing = Track(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 3)))
    assert first_motion(told(), nothing) is None
    assert np.isnan(nothing.period_ms)
    assert first_motion(told(0.05), arm([told(0.05)], 0.05)) is None


def test_a_motion_of_the_second_command_is_not_taken_for_one_of_the_first():
    """The arm refused the first command: nothing moves before the second, and the target does not change either."""
    first, second = told(2.0), told(2.2)
    assert first_motion(first, arm([second], 0.05), second.stamp_ns) is None
    both = first_motion(first, arm([first, second], 0.3), second.stamp_ns)
    assert both == Motion(pytest.approx(300, abs=11), pytest.approx(20, abs=2))
