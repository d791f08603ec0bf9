"""What `crl-bench kills` draws and judges, without a graph."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crl_learning.bench_cli import main
from crl_learning.campaigns.kept_runs import complaint, judge_runs
from crl_learning.campaigns.killing import Rig
from crl_learning.campaigns.kills import chosen, lives
from crl_learning.campaigns.kills_report import Kill, facts_of, late, plot_kills, write_kills
from crl_learning.campaigns.victims import Victim, kills_nodes
from crl_learning.runs.folder import RunFolder
from crl_robot.errors import ConfigError
from crl_robot.graph import Graph, GraphError

HELD = Kill("policy", True, 0.5, "holds", 600.0, stopped_ms=450.0, travel_mm=12.0, drift_mm=0.5, back_s=4.0)


def test_every_node_is_killed_as_often_and_half_of_the_times_with_respawn():
    drawn = list(lives(chosen(4, []), 4, np.random.default_rng(0)))
    kills = [kill for life in drawn for kill in life]
    assert set(Counter(victim.name for victim, _ in kills).values()) == {4}
    assert sum(respawn for _, respawn in kills) == len(kills) // 2


def test_a_kill_without_respawn_is_the_last_of_its_life():
    for life in lives(chosen(3, []), 3, np.random.default_rng(1)):
        assert all(respawn for _, respawn in life[:-1])
        assert 1 <= len(life) <= 2


def test_an_unknown_node_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="did you mean 'camera'"):
        chosen(1, ["camra"])
    with pytest.raises(ConfigError, match="no node"):
        chosen(1, ["arm"], "sim")


def test_the_camera_node_hears_what_the_world_draws_under_another_name(tmp_path):
    nodes = {node.name: node for node in kills_nodes("sim", tmp_path, tmp_path, tmp_path / "goal.png", 8650)}
    assert "over_shoulder/image_raw:=lens/image_raw" in nodes["sim"].argv()
    assert nodes["camera"].parameters["device"] == "/lens/image_raw"


def test_facts_count_what_was_late_or_unsound():
    bad = Kill("camera", False, 0.1, "holds", 1000.0, stopped_ms=1200.0, complaint="it moved", unsound="r: damaged")
    assert facts_of([HELD])["sound"]
    facts = facts_of([HELD, bad])
    assert not facts["sound"]
    assert (facts["late"], facts["complaints"], facts["unsound_runs"]) == (1, 1, 1)
    assert facts["nodes"]["policy"]["back_max_s"] == 4.0


def test_a_node_that_nobody_needs_is_never_late():
    assert not late(Kill("page", True, 0.1, "goes_on", 0.0, stopped_ms=500.0))


def test_the_report_has_a_line_for_each_kill_and_a_picture(tmp_path):
    write_kills(tmp_path, [HELD, HELD])
    plot_kills(tmp_path / "kills.png", [HELD, HELD])
    assert len((tmp_path / "kills.csv").read_text().splitlines()) == 3
    assert (tmp_path / "kills.png").stat().st_size > 1000


def test_a_run_that_was_cut_off_is_sound_only_when_its_recorder_was_killed(tmp_path):
    RunFolder(tmp_path / "run", {"id": "run", "native": [320, 240]})
    assert "not killed" in complaint(tmp_path / "run", cut_off=False)
    assert complaint(tmp_path / "run", cut_off=True) == ""


@pytest.mark.parametrize(("since_begin", "sound"), [(4, True), (6, False)])
def test_a_run_may_lack_an_episode_only_when_the_arm_hardly_acted_in_it(tmp_path, since_begin, sound):
    """The ticks from before the recording began are handed over to it, and are none of its own."""
    folder = RunFolder(tmp_path / "run", {"id": "run", "native": [320, 240]})
    folder.add_event(1000, "state", "running")
    for stamp_ns in (*range(980, 1000, 2), *range(1000, 1000 + since_begin)):
        folder.add_tick({"stamp_ns": stamp_ns, "acting": True})
    ended = {"verdict": "stopped", "sentence": "", "stage": 0, "seconds": 0.1}
    folder.end(ended=ended, episode="", failure="no step was recorded")
    assert ("it has no episode" not in complaint(tmp_path / "run", cut_off=False)) == sound


def test_sound_runs_are_removed_and_others_kept_with_the_reason(tmp_path):
    ended = {"verdict": "stopped", "sentence": "", "stage": 0, "seconds": 0.1}
    RunFolder(tmp_path / "good", {"id": "good"}).end(ended=ended)
    (tmp_path / "bad").mkdir()
    count, complaints = judge_runs(tmp_path, [], tmp_path / "kept")
    assert (count, list(complaints)) == (2, ["bad"])
    assert [folder.name for folder in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept" / "bad").is_dir()


class FakeClient:
    """What was heard around a kill at time 0: the tool (ms, mm), and the ticks that acted (ms)."""

    def __init__(self, tool=(), acted=(), now_ms=3000):
        self.tool = [(int(1e6 * ms), np.array([mm / 1e3, 0.0, 0.0])) for ms, mm in tool]
        self.acted_ns = [int(1e6 * ms) for ms in acted]
        self._now_ns = int(1e6 * now_ms)

    def now_ns(self):
        return self._now_ns


def watched(client: Any, victim):
    rig = Rig(Graph([], Path()), page_port=0)
    rig.client = client
    kill = Kill(victim.name, True, 0.0, victim.reaction, victim.limit_ms)
    return rig._watched(kill, victim, at_ns=0)


def test_a_run_that_cannot_be_begun_is_a_complaint_and_the_campaign_goes_on():
    class NoArm(FakeClient):
        def begin_run(self, task, episode_seed):
            raise GraphError("no answer from arm/enable within 10 s")

    rig = Rig(Graph([], Path()), page_port=0)
    no_arm: Any = NoArm()
    rig.client = no_arm
    kill = rig.kill(Victim("policy", "holds", 600.0), True, np.random.default_rng(0))
    assert "no run could be begun: no answer from arm/enable" in kill.complaint


def test_an_arm_that_stands_after_the_limit_holds():
    stood = [(ms, min(ms, 400) / 10) for ms in range(-200, 2500, 100)]
    kill = watched(FakeClient(stood), Victim("policy", "holds", 600.0))
    assert kill.complaint == ""
    assert not late(kill)
    assert (kill.stopped_ms, kill.drift_mm) == (400.0, 0.0)
    assert kill.travel_mm == pytest.approx(40.0)


def test_an_arm_that_moves_on_is_late_and_complained_of():
    moved = [(ms, ms / 10) for ms in range(-200, 2500, 100)]
    kill = watched(FakeClient(moved), Victim("policy", "holds", 600.0))
    assert late(kill)
    assert "after the limit" in kill.complaint


def test_a_world_that_says_nothing_proves_nothing():
    assert "told nothing" in watched(FakeClient([(-100, 0), (0, 0)]), Victim("policy", "holds", 600.0)).complaint


def test_a_run_that_needs_the_node_not_must_go_on_without_a_gap():
    page = Victim("page", "goes_on", 0.0)
    assert watched(FakeClient(acted=range(-400, 3000, 200)), page).complaint == ""
    assert "without an action" in watched(FakeClient(acted=range(-400, 1000, 200)), page).complaint
    assert "without an action" in watched(FakeClient(), page).complaint


def test_a_policy_that_acts_without_hardware_is_complained_of():
    sim = Victim("sim", "falls_silent", 1000.0)
    assert watched(FakeClient(acted=range(-400, 800, 200)), sim).complaint == ""
    assert "acted for 2000 ms" in watched(FakeClient(acted=range(-400, 2200, 200)), sim).complaint


def test_kills_passes_its_settings_on_and_shows_the_nodes(tmp_path, monkeypatch, capsys):
    asked = {}

    def run(n, seed, out, only, robot, on_kill):
        asked.update(n=n, seed=seed, out=out, only=only, robot=robot)
        on_kill()
        return facts_of([HELD])

    monkeypatch.setattr("crl_learning.campaigns.kills.run", run)
    file = tmp_path / "kills.json"
    words = ["kills", "--n", "2", "--seed", "5", "--out", str(tmp_path), "--only", "policy", "--robot", "sim"]
    assert main([*words, "--json", str(file)]) == 0
    assert asked == {"n": 2, "seed": 5, "out": tmp_path, "only": ["policy"], "robot": "sim"}
    assert "policy" in capsys.readouterr().out
    assert json.loads(file.read_text())["nodes"]["policy"]["kills"] == 1
