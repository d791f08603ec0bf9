import json

import pytest

from crl_data.bench.play import PARTS, PlayBench, run
from crl_learning.bench_cli import main
from crl_robot.errors import ConfigError


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    return run(PlayBench(task="reach", size=64, seconds=0.0), tmp_path_factory.mktemp("bench"))


def test_whole_episodes_are_measured(facts):
    assert facts["frames"] == 25
    assert facts["frames_per_s_per_core"] == pytest.approx(25 / facts["seconds"], rel=0.01)
    assert facts["times_real_time"] == pytest.approx(facts["frames_per_s_per_core"] / 5)


def test_the_shares_are_those_of_one_whole(facts):
    shares = [facts[f"{part}_share"] for part in PARTS]
    assert min(shares) > 0
    assert 0.9 < sum(shares) <= 1.001


def test_nothing_is_left_on_the_disk(tmp_path):
    run(PlayBench(task="reach", size=64, seconds=0.0), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_its_facts(tmp_path, capsys):
    file = tmp_path / "play.json"
    assert main(["play", "--task", "reach", "--size", "32", "--seconds", "0", "--json", str(file)]) == 0
    assert json.loads(file.read_text())["image"] == "32x32"
    assert "frames/s of each core" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [({"size": 500}, "16 to 240"), ({"workers": 0}, "workers is 0"), ({"seconds": float("nan")}, "seconds")],
)
def test_what_cannot_be_measured_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        PlayBench(**change)


def test_an_unknown_kind_of_play_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'play_kitchen'"):
        run(PlayBench(task="play_kitchn"))
