import json
import subprocess
import sys
from types import SimpleNamespace

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


def test_help_comes_without_numpy_torch_and_ros():
    code = "import sys, crl_learning.bench_cli as cli; cli._parser(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numpy", "torch", "rclpy", "crl_data"} & set(loaded)


def test_store_bench_shows_a_table_and_writes_facts_and_bars(tmp_path, capsys, monkeypatch):
    for name, value in {"SIZE": 16, "LOAD_SIZE": 16, "SMALL_SIZE": 8, "BATCH": 4, "SMALL_BATCH": 8}.items():
        monkeypatch.setattr(f"crl_data.bench.format_measure.{name}", value)
    file = tmp_path / "facts" / "store.json"
    assert main(["store", "--episodes", "1", "--seed", "3", "--folder", str(tmp_path), "--json", str(file)]) == 0
    facts = json.loads(file.read_text())
    assert (facts["seed"], facts["episodes"], facts["steps"]) == (3, 1, 200)
    assert facts["formats"][0]["name"] == "ours jpeg"
    assert file.with_suffix(".png").stat().st_size > 1000
    assert "lerobot image: not installed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "module", "expected"),
    [
        (
            ["store", "--kill", "3", "--full-disk", "2", "--seed", "5"],
            "durability",
            {"kills": 3, "full_disk": 2, "seed": 5},
        ),
        (["record", "--seconds", "7", "--encoding", "lossless"], "record", {"seconds": 7.0, "encoding": "lossless"}),
    ],
)
def test_the_other_benches_are_asked_for_what_was_given(words, module, expected, tmp_path, monkeypatch, capsys):
    asked = {}

    def run(**settings: object) -> dict[str, object]:
        asked.update(settings)
        return {"lost_frames": 2, "share": 0.25}

    monkeypatch.setitem(sys.modules, f"crl_data.bench.{module}", SimpleNamespace(run=run))
    assert main([*words, "--json", str(tmp_path / "facts.json")]) == 0
    assert expected.items() <= asked.items()
    assert json.loads((tmp_path / "facts.json").read_text()) == {"lost_frames": 2, "share": 0.25}
    assert "lost frames" in capsys.readouterr().out


def test_camera_bench_shows_raw_beside_compressed_and_ends_with_1_when_a_frame_is_lost_uncounted(
    tmp_path, monkeypatch, capsys
):
    percentiles = {"p50": 1.5, "p99": 2.5, "max": 3.5}
    counts = dict.fromkeys(("published", "received", "lost", "uncounted", "skipped", "missed", "bytes_per_frame"), 7)
    one = counts | {"latency_ms": percentiles, "decode_ms": percentiles}
    facts = {f"{mode}_{key}": value for mode in ("raw", "compressed") for key, value in one.items()}
    facts |= {"cameras": 2, "width": 640, "height": 480, "fps": 30.0, "seconds": 5.0, "sound": False}
    asked = {}
    monkeypatch.setattr("crl_robot.cameras.bench_cameras.run", lambda **settings: asked.update(settings) or facts)
    assert main(["cameras", "--seconds", "5", "--json", str(tmp_path / "facts.json")]) == 1
    assert {"seconds": 5.0, "cameras": 2}.items() <= asked.items()
    assert json.loads((tmp_path / "facts.json").read_text()) == facts
    said = capsys.readouterr().out
    assert "capture to callback, p99, ms" in said
    assert said.count("2.50") == 4


def test_a_store_that_broke_a_promise_ends_with_code_1(tmp_path, monkeypatch, capsys):
    campaign = SimpleNamespace(run=lambda **_: {"sound": False, "episodes_lost": 1})
    monkeypatch.setitem(sys.modules, "crl_data.bench.durability", campaign)
    assert main(["store", "--kill", "1", "--json", str(tmp_path / "facts.json")]) == 1
    assert json.loads((tmp_path / "facts.json").read_text())["episodes_lost"] == 1
