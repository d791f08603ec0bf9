import pytest

from crl_learning.bench_control import bench_control, bench_nodes, summarise_timing
from crl_robot.errors import ConfigError

pytest.importorskip("rclpy", reason="the timing record lives beside the ROS client")
from crl_learning.nodes.eval_client import Timing

NAN = float("nan")


def ticks(times_s, **changed):
    values = {"lateness_ms": 1.0, "age_ms": 20.0, "inference_ms": 5.0} | changed
    return [Timing(time, **values) for time in times_s]


def test_a_steady_loop_misses_nothing():
    facts = summarise_timing(ticks([0.0, 0.2, 0.4, 0.6]), rate_hz=5.0)
    assert (facts["ticks"], facts["missed"]) == (4, 0)
    assert facts["lateness_ms"] == {"p50": 1.0, "p99": 1.0, "max": 1.0}


def test_age_is_from_the_frame_to_the_action():
    facts = summarise_timing(ticks([0.0, 0.2]), rate_hz=5.0)
    assert facts["age_ms"]["p50"] == 25.0


def test_skipped_ticks_are_missed_though_nobody_published_them():
    facts = summarise_timing(ticks([0.0, 0.2, 0.8, 1.0]), rate_hz=5.0)
    assert (facts["ticks"], facts["missed"]) == (6, 2)


def test_a_tick_without_an_action_is_missed():
    without = ticks([0.2], age_ms=NAN, inference_ms=NAN)
    facts = summarise_timing([*ticks([0.0]), *without, *ticks([0.4])], rate_hz=5.0)
    assert (facts["ticks"], facts["missed"]) == (3, 1)


def test_a_loop_that_never_acted_has_no_age():
    facts = summarise_timing(ticks([0.0, 0.2], age_ms=NAN, inference_ms=NAN), rate_hz=5.0)
    assert facts["missed"] == 2
    assert facts["age_ms"] is None


def test_one_tick_is_no_measurement():
    with pytest.raises(ConfigError, match="more seconds"):
        summarise_timing(ticks([0.0]), rate_hz=5.0)


@pytest.mark.parametrize("setting", [{"rate_hz": 0}, {"rate_hz": 500}, {"seconds": 0}, {"cameras": 3}])
def test_settings_out_of_range_are_refused_before_anything_starts(setting):
    with pytest.raises(ConfigError, match="expected a rate"):
        bench_control(**({"rate_hz": 5.0, "seconds": 5.0} | setting))


def test_simulation_and_policy_get_the_same_rate():
    sim, policy = bench_nodes(20.0, ["over_shoulder"], "null")
    assert sim.parameters["action.rate_hz"] == policy.parameters["rate_hz"] == 20.0
