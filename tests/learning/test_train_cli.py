import os
import signal
import threading
import time

import pytest
from small_run import SMALL, bar_data

from crl_learning import train_cli
from crl_learning.checkpoint import load_checkpoint
from crl_learning.dataset import TrajectoryData
from crl_robot.resources import config_file


@pytest.fixture(scope="module")
def data() -> TrajectoryData:
    return bar_data()


def test_help_names_every_file_that_can_be_chosen(capsys):
    assert train_cli.main(["--help"]) == 0
    words = capsys.readouterr().out.replace("=", " ").split()
    folder = config_file("train.yaml").parent
    files = [file for group in ("algorithm", "network", "image") for file in (folder / group).glob("*.yaml")]
    explained = {name.partition("/")[2] for name in train_cli.EXPLAINED}
    assert {file.stem for file in files} <= explained | set(words)


def test_a_used_folder_and_a_file_are_refused_before_any_frame_is_read(tmp_path, monkeypatch, capsys):
    """All frames were decoded first, or a file in the way gave a traceback."""

    def load(*_):
        raise AssertionError("frames were read")

    monkeypatch.setattr("crl_learning.store_data.load_data", load)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.csv").touch()
    (tmp_path / "free").mkdir()
    cases = {"run": "holds a run already", "run/metrics.csv": "expected a folder", "run/metrics.csv/x": "cannot be"}
    for out, message in cases.items():
        assert train_cli.main([*SMALL, f"out={tmp_path / out}"]) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
    assert train_cli.main([*SMALL, f"out={tmp_path / 'free'}", "resume=true"]) == 2
    assert "holds no run to resume" in capsys.readouterr().err


def test_an_interrupt_before_the_first_step_is_one_line_and_code_130(tmp_path, monkeypatch, capsys):
    def load(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("crl_learning.store_data.load_data", load)
    assert train_cli.main([*SMALL, f"out={tmp_path / 'run'}"]) == 130
    assert capsys.readouterr().err == "crl-train: stopped\n"


@pytest.mark.parametrize(
    ("room", "shown"), [(0, ""), (13, "bc_loss 4.633"), (30, "bc_loss 4.633  value 1.000"), (20, "bc_loss 4.633")]
)
def test_the_progress_line_shows_whole_metrics_only(room, shown):
    words = train_cli.metric_words({"value": 1.0, "bc_loss": 4.633, "steps_per_s": 9.0})
    assert train_cli.fitting(words, room) == shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_saves_and_ends_with_code_0_when_asked_to_stop(tmp_path, data, monkeypatch, capsys, number):
    monkeypatch.setattr("crl_learning.store_data.load_data", lambda *_: data)
    words = [*SMALL, f"out={tmp_path / 'run'}", "steps=1000000", "checkpoint_every=1000000"]
    before = signal.getsignal(number)

    def ask_to_stop() -> None:
        while signal.getsignal(number) == before:
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    threading.Thread(target=ask_to_stop, daemon=True).start()
    assert train_cli.main(words) == 0
    assert signal.getsignal(number) == before
    said = capsys.readouterr().out
    assert "resume=true" in said
    assert f"checkpoint: {tmp_path / 'run'}" in said
    assert load_checkpoint(tmp_path / "run" / "checkpoint").meta.steps > 0
