import json

import numpy as np
import pytest

from crl_learning.bench_cli import main
from crl_learning.bench_control import Load, bench_control, bench_nodes, summarise_timing
from crl_learning.bench_control_load import SIZE, rated_checkpoint
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


@pytest.mark.parametrize("setting", [{"rate_hz": 0}, {"rate_hz": 500}, {"seconds": 0}])
def test_settings_out_of_range_are_refused_before_anything_starts(setting):
    with pytest.raises(ConfigError, match="expected a rate"):
        bench_control(**({"rate_hz": 5.0, "seconds": 5.0} | setting))


def test_a_device_that_is_not_there_is_refused_before_anything_starts(monkeypatch):
    """The node said so, after the whole graph was started."""
    monkeypatch.setattr("crl_learning.bench_control.Graph", lambda *_: pytest.fail("a graph was started"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ConfigError, match="PyTorch sees no CUDA device"):
        bench_control(5.0, 5.0, device="cuda")
    assert main(["control", "--device", "gpu"]) == 2


@pytest.mark.parametrize("load", [{"cameras": 3}, {"cameras": 0}, {"record": True}])
def test_a_load_that_cannot_be_is_refused(load):
    with pytest.raises(ConfigError):
        Load(**load)


def test_all_nodes_get_the_same_rate(tmp_path):
    load = Load(cameras=2, replay=True, record=True)
    sim, replay, recorder, policy = bench_nodes(20.0, load, "null", tmp_path)
    assert sim.parameters["action.rate_hz"] == policy.parameters["rate_hz"] == 20.0
    assert recorder.parameters["action.rate_hz"] == 20.0
    assert replay.parameters["cameras"] == recorder.parameters["cameras"]


def test_nobody_listens_to_a_camera_that_is_drawn_while_frames_are_replayed(tmp_path):
    load = Load(cameras=2, replay=True)
    sim, replay, _ = bench_nodes(20.0, load, "null", tmp_path)
    assert sim.parameters["cameras"] == ["wrist"]
    assert replay.parameters["cameras"] == ["over_shoulder", "side"]


def test_networks_that_are_said_to_be_of_another_rate_and_size_compute_the_same(tmp_path):
    from crl_learning.assets import checkpoint_folder
    from crl_learning.goal_policy import GoalPolicy

    known = GoalPolicy.load(checkpoint_folder("models/reach"))
    rated = GoalPolicy.load(rated_checkpoint(tmp_path, "models/reach", 50.0))
    assert (rated.action_spec.rate_hz, rated.image_spec.native) == (50.0, SIZE)
    small = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    for policy, image in ((known, small), (rated, large)):
        policy.set_goal(image[::-1].copy())
    assert known.act(small)[0] == pytest.approx(rated.act(large)[0], abs=1e-5)


def test_several_rates_leave_their_ticks_one_picture_and_the_facts_of_each(tmp_path, monkeypatch, capsys):
    asked = []

    def fake(rate, seconds, load, checkpoint, device, on_second, on_ticks):
        asked.append((rate, seconds, load))
        timing = ticks([0.0, 1 / rate, 2 / rate])
        on_ticks(timing)
        facts = {"rate": rate, "checkpoint": checkpoint, "device": device, "dropped_frames": 0}
        facts |= {"arm_motion_ms": {"p50": 61.0, "n": 1, "resolution": 20.0} if rate == 5 else None}
        return facts | summarise_timing(timing, rate)

    monkeypatch.setattr("crl_learning.bench_control.bench_control", fake)
    words = ["control", "--rates", "5,50", "--seconds", "7", "--replay", "--record", "--cameras", "2"]
    assert main([*words, "--out", str(tmp_path), "--json", str(tmp_path / "facts.json")]) == 0
    assert asked == [(rate, 7.0, Load(2, replay=True, record=True)) for rate in (5.0, 50.0)]
    facts = json.loads((tmp_path / "facts.json").read_text())["rates"]
    assert [facts[rate]["ticks"] for rate in ("5", "50")] == [3, 3]
    assert len((tmp_path / "ticks_50hz.csv").read_text().splitlines()) == 4
    assert (tmp_path / "control.png").stat().st_size > 1000
    shown = " ".join(capsys.readouterr().out.split())
    assert "50 Hz" in shown
    assert shown.count("the arm moved 61 ms after a command (n 1, to 20 ms)") == 1
