"""The delay of an arm over a run, of arms whose delay is known."""

import numpy as np
import pytest
from test_arm_motion import PERIOD_S, arm, told

from crl_learning.runtime.arm_following import following
from crl_learning.runtime.arm_motion import Track


def run(seed=0, ticks=40, same=False):
    """A command each tick: towards somewhere, and then somewhere else."""
    rng = np.random.default_rng(seed)
    ways = np.repeat(rng.normal(0, 0.015, (ticks // 4, 3)), 4, axis=0) + rng.normal(0, 0.003, (ticks, 3))
    return [told(1.0 + PERIOD_S * i, [0.01, 0, 0] if same else way) for i, way in enumerate(ways)]


@pytest.mark.parametrize("rate_hz", [20.0, 50.0, 100.0])
@pytest.mark.parametrize("noise_m", [0.0, 5e-4])
def test_the_delay_is_told_within_one_state_period(rate_hz, noise_m):
    for seed, dead_s in enumerate(np.linspace(0.02, 0.7, 12)):
        commands = run(seed)
        found = following(commands, arm(commands, dead_s, rate_hz, noise_m, 12.0, seed=seed), PERIOD_S)
        assert found is not None
        assert abs(found.shift_ms - 1e3 * dead_s) <= 1e3 / rate_hz
        assert abs(found.shift_ms - 1e3 * dead_s) <= found.resolution_ms
        assert found.commands == 40


def test_a_soft_arm_is_behind_by_its_lag_too():
    commands = run()
    found = following(commands, arm(commands, 0.05, lag_s=0.1, seconds=12.0), PERIOD_S)
    assert found is not None
    assert found.shift_ms == pytest.approx(150, abs=20)


def test_lost_states_and_ways_that_are_cut_short_do_not_spoil_it():
    commands = run()
    whole = arm(commands, 0.1, seconds=12.0, follows=0.6)
    kept = np.random.default_rng(2).uniform(size=len(whole.stamps_ns)) > 0.3
    found = following(commands, Track(*(part[kept] for part in vars(whole).values())), PERIOD_S)
    assert found is not None
    assert found.shift_ms == pytest.approx(100, abs=20)


def test_what_the_arm_did_while_no_states_came_is_left_out():
    commands = run()
    whole = arm(commands, 0.1, seconds=12.0)
    kept = whole.stamps_ns // 300_000_000 % 3 > 0
    found = following(commands, Track(*(part[kept] for part in vars(whole).values())), PERIOD_S)
    assert found is not None
    assert found.shift_ms == pytest.approx(100, abs=10)
    assert found.correlation > 0.995


def test_an_arm_that_also_does_something_else_has_no_delay():
    ours, others = arm(run(), 0.1, seconds=12.0), arm(run(seed=5), 0.1, seconds=12.0)
    both = Track(ours.stamps_ns, ours.positions + others.positions, ours.targets)
    assert following(run(), both, PERIOD_S) is None


@pytest.mark.parametrize(
    "track",
    [
        arm(run(), 0.1, seconds=12.0, follows=0.0),
        arm(run(), 0.1, seconds=12.0, follows=0.0, noise_m=1e-3),
        arm(run(seed=5), 0.1, seconds=12.0),
        arm(run(), 1.5, seconds=14.0),
    ],
    ids=["stands", "trembles", "does something else", "far too late"],
)
def test_an_arm_that_does_not_follow_has_no_delay(track):
    assert following(run(), track, PERIOD_S) is None


def test_a_few_commands_or_no_states_have_no_delay():
    assert following(run()[:5], arm(run()[:5], 0.1), PERIOD_S) is None
    assert following(run(), arm(run(), 0.1).between(0, 0), PERIOD_S) is None


def test_commands_that_are_all_the_same_are_told_by_their_beginning_and_end_or_not_at_all():
    commands = run(same=True)
    track = arm(commands, 0.2, seconds=12.0, noise_m=1e-4)
    found = following(commands, track, PERIOD_S)
    assert found is None or abs(found.shift_ms - 200) <= found.resolution_ms
    middle = track.between(round(3e9), round(7e9))
    assert following(commands, middle, PERIOD_S) is None
