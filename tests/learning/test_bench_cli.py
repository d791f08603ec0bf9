import json

import pytest

from crl_learning.bench_cli import main


def test_an_unknown_bench_is_refused_with_the_nearest_name(capsys):
    assert main(["contrl"]) == 2
    assert "did you mean 'control'" in capsys.readouterr().err


def test_a_setting_out_of_range_ends_with_code_2(capsys):
    assert main(["control", "--rate", "0"]) == 2
    assert "expected a rate" in capsys.readouterr().err


@pytest.mark.ros
@pytest.mark.slow
def test_control_bench_writes_flat_facts_of_the_real_graph(tmp_path, capsys):
    pytest.importorskip("rclpy")
    file = tmp_path / "facts" / "control.json"
    assert main(["control", "--rate", "10", "--seconds", "2", "--checkpoint", "null", "--json", str(file)]) == 0
    facts = json.loads(file.read_text())
    assert facts["rate"] == 10.0
    assert facts["ticks"] >= 15
    assert set(facts["lateness_ms"]) == set(facts["age_ms"]) == {"p50", "p99", "max"}
    assert {"missed", "dropped_frames", "inference_ms"} <= set(facts)
    assert "camera to command" in capsys.readouterr().out
