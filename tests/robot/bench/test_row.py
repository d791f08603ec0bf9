"""How reactions are measured, with a rig of plain facts."""

from types import SimpleNamespace

import numpy as np
import pytest

from crl_robot.bench.row import goals_stand, refused_stands, shortened

ASIDE = np.array([0.05, 0, 0, 0, 0, 0])


def rig_with(sent, commanded):
    sent = [SimpleNamespace(at_s=at_s, stamp_ns=stamp) for at_s, stamp in sent]
    commanded = [SimpleNamespace(at_s=at_s, stamp_ns=stamp, values=values) for at_s, stamp, values in commanded]
    return SimpleNamespace(client=SimpleNamespace(sent=sent, commanded=commanded))


@pytest.fixture
def moving_until_200_ms(arm_log, start):
    for step in range(100):
        arm_log.give(start + min(step, 10) * ASIDE)
    return arm_log.log()


def test_a_reaction_lasts_until_the_last_change_of_the_goals(moving_until_200_ms):
    assert goals_stand(rig_with([], []), moving_until_200_ms, 100.15)[0] == pytest.approx(50.0)


def test_a_refused_action_is_measured_from_when_it_was_sent(moving_until_200_ms):
    rig = rig_with([(100.0, 1), (100.18, 2), (100.4, 3)], [(100.0, 1, [0.0] * 7)])
    time_ms, complaint = refused_stands(rig, moving_until_200_ms, 100.0)
    assert time_ms == pytest.approx(20.0)
    assert complaint == ""


def test_actions_that_are_all_taken_are_complained_of(moving_until_200_ms):
    rig = rig_with([(100.0, 1)], [(100.0, 1, [0.0] * 7)])
    assert refused_stands(rig, moving_until_200_ms, 100.0)[1] == "no Action was refused"


@pytest.mark.parametrize(("largest", "complaint"), [(0.05, ""), (0.06, "commanded 0.060 m")])
def test_a_step_that_was_not_shortened_is_complained_of(moving_until_200_ms, largest, complaint):
    rig = rig_with([(100.1, 5)], [(100.12, 5, [largest, 0, 0, 0, 0, 0, 1.0])])
    assert shortened(rig, moving_until_200_ms, 100.1) == (pytest.approx(20.0), complaint)
