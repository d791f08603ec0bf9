"""`crl-data info`: numbers, tables and pictures, also of stores that lack what others have."""

import json

import cv2
import numpy as np
import pytest

from crl_data.cli import main
from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.looking.survey import survey
from crl_data.looking.timing import stream_timing
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import ActionSpec

PERIOD_NS = 200_000_000
PICTURES = ("contact_sheet.png", "coverage.png", "actions.png")


def bare_store(path, samples, episodes=2):
    """A store of hand-guided data without joints, poses and clock, as an import may make it."""
    spec = StoreSpec(ActionSpec(), {"front": CameraSpec(samples.native)}, "unknown arm", (), ("achieved",))
    store = Store.create(path, spec)
    for index in range(episodes):
        with EpisodeFile(store, f"e{index}") as file:
            for _ in range(3):
                file.add_frame("front", samples.image())
            actions = np.stack([samples.action() for _ in range(3)])
            file.commit(EpisodeMeta(f"e{index}", "import", clock="none"), {"action_achieved": actions})
    return store


def info(store, capsys, *options):
    code = main(["info", str(store.path), *options])
    return code, capsys.readouterr().out


def test_json_has_everything_in_it(store, samples, capsys):
    samples.write(store, "one", 3, success=True, lost={"over_shoulder": 4})
    samples.write(store, "two", 5)
    code, out = info(store, capsys, "--json")
    summary = json.loads(out)
    assert code == 0
    assert (summary["episodes"], summary["steps"]) == (2, 8)
    assert summary["hours"] == pytest.approx(8 / 5 / 3600)
    assert summary["lost_frames"] == {"over_shoulder": 4}
    assert summary["success"] == {"yes": 1, "unmarked": 1}
    assert summary["clock"] == {"measured": 2}
    assert summary["episode_steps"] == {"min": 3, "median": 4.0, "max": 5}
    assert summary["action_spec"]["rate_hz"] == 5.0
    assert np.isclose(summary["actions"]["dx"]["mean"], store.load_actions()[:, 0].mean())
    assert summary["streams"]["over_shoulder"]["age_ms"]["p50"] == pytest.approx(5.0)
    assert summary["streams"]["over_shoulder"]["transport_ms"]["max"] == pytest.approx(3.0)
    assert list(store.path.parent.iterdir()) == [store.path]


def test_goals_and_progress_of_runs_are_counted(store, samples, capsys):
    samples.write(store, "play", 5)
    assert "goals in" not in info(store, capsys)[1]
    with EpisodeWriter(store, source="test", episode_id="run") as writer:
        samples.fill(writer, 6)
        writer.tell(samples.told(6))
        writer.commit()
    summary = json.loads(info(store, capsys, "--json")[1])
    assert (summary["goals"], summary["progress_episodes"]) == ({"goals": 2, "episodes": 1}, 1)
    assert "2 goals in 1 episodes; progress in 1" in info(store, capsys)[1]


def test_operators_robots_and_goals_are_counted(store, samples, capsys):
    with EpisodeWriter(store, source="recorder", operator="Ada", robot_id="arm 3") as writer:
        samples.fill(writer)
        writer.mark_goal()
        writer.commit()
    summary = json.loads(info(store, capsys, "--json")[1])
    assert (summary["operators"], summary["robots"], summary["goal_steps"]) == ({"Ada": 1}, {"arm 3": 1}, 1)


def test_pictures_lie_beside_the_store_and_the_place_is_told(store, samples, capsys):
    for index in range(14):
        samples.write(store, f"e{index:02d}", 2, success=bool(index % 2))
    code, out = info(store, capsys)
    assert code == 0
    folder = store.path.with_suffix(".info")
    for name in PICTURES:
        assert str(folder / name) in out.replace("\n", "")
        assert min(cv2.imread(str(folder / name)).shape[:2]) > 400


def test_json_with_a_folder_also_draws(store, samples, capsys, tmp_path):
    samples.write(store, "one")
    code, out = info(store, capsys, "--json", "--png", str(tmp_path / "new folder"))
    assert code == 0
    assert json.loads(out)["episodes"] == 1
    assert sorted(file.name for file in (tmp_path / "new folder").iterdir()) == sorted(PICTURES)


def test_a_store_without_joints_poses_and_clock_is_shown_and_drawn(tmp_path, samples, capsys):
    store = bare_store(tmp_path / "bare.zarr", samples)
    code, out = info(store, capsys)
    assert code == 0
    assert "2 none" in out
    assert "achieved actions" in out
    assert (tmp_path / "bare.info" / "coverage.png").exists()
    summary = json.loads(info(store, capsys, "--json")[1])
    assert summary["streams"] == {}
    assert summary["actions_label"] == "achieved"
    assert "tool" not in summary


def test_an_empty_store_has_no_episodes_and_no_pictures(store, capsys):
    code, out = info(store, capsys)
    assert code == 0
    assert "0 (none)" in out
    assert not store.path.with_suffix(".info").exists()


def test_a_missing_store_exits_2_without_a_traceback(tmp_path, capsys):
    assert main(["info", str(tmp_path / "x.zarr")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_an_unreadable_episode_is_named_the_others_are_shown_and_the_exit_code_is_1(store, samples, capsys):
    for name in ("one", "two"):
        samples.write(store, name)
    (store.folder("one") / "zarr.json").write_text("{")
    code, out = info(store, capsys)
    assert code == 1
    assert "cannot be read: one" in out
    summary = json.loads(info(store, capsys, "--json")[1])
    assert (summary["episodes"], list(summary["unreadable"])) == (1, ["one"])


def test_a_folder_that_cannot_be_written_is_refused_naming_the_option(store, samples, capsys, tmp_path):
    samples.write(store, "one")
    (tmp_path / "file").touch()
    assert main(["info", str(store.path), "--png", str(tmp_path / "file")]) == 2
    assert "could not write" in capsys.readouterr().err


def test_a_gap_and_a_repeated_frame_are_counted(tmp_path, samples):
    store = Store.create(tmp_path / "a.zarr", samples.spec())
    steps = np.arange(1, 7) * PERIOD_NS
    steps[3:] += 2 * PERIOD_NS
    frames = steps - 5_000_000
    frames[5] = frames[4]
    with EpisodeFile(store, "one") as file:
        for stamp in frames.tolist():
            file.add_frame("over_shoulder", samples.image(), stamp, stamp + 1_000_000)
        actions = np.zeros((6, 7), np.float32)
        arrays = {"stamp_ns": steps, "action_commanded": actions, "action_achieved": actions}
        file.commit(EpisodeMeta("one", "test", lost={"steps": 2}), arrays)
    timing = stream_timing(survey(store))
    assert timing["steps"] == {"rate_hz": 5.0, "gaps": 1, "longest_ms": 600.0, "lost": 2}
    assert timing["over_shoulder"]["repeated"] == 1
    assert timing["over_shoulder"]["age_ms"]["max"] == pytest.approx(205.0)


def test_the_arm_stream_tells_the_rate_of_the_arm(store, samples):
    with EpisodeWriter(store, source="test") as writer:
        samples.fill(writer)
        for tick in range(50):
            writer.add_state(samples.arm(tick * 10_000_000 + (30_000_000 if tick > 25 else 0)))
        writer.commit()
    arm = stream_timing(survey(store))["arm"]
    assert (arm["rate_hz"], arm["gaps"], arm["states"]) == (100.0, 1, 50)


@pytest.mark.parametrize("encoding", ["jpeg", "lossless"])
def test_an_episode_with_a_damaged_frame_is_named_and_the_exit_code_is_1(tmp_path, samples, capsys, encoding):
    """It ended with 0 and without a word; only a grey tile of the contact sheet showed it."""
    store = Store.create(tmp_path / "a.zarr", samples.spec(encoding))
    for name in ("one", "two"):
        samples.write(store, name, 5)
    track = store.track(store.meta("one"), "over_shoulder")
    data = bytearray(track.file.read_bytes())
    data[int(track.spans[3, 1]) - 10] ^= 1
    track.file.write_bytes(data)
    code, out = info(store, capsys)
    assert code == 1
    assert "cannot be read: one" in out
    code, out = info(store, capsys, "--json")
    summary = json.loads(out)
    assert (code, summary["ids"], list(summary["unreadable"])) == (1, ["two"], ["one"])


def test_the_ids_of_the_episodes_are_listed_the_first_ones_unless_all_are_asked_for(store, samples, capsys):
    """'crl-data delete' wants ids, and nothing said them."""
    ids = [f"e{index:02d}" for index in range(22)]
    for name in ids:
        samples.write(store, name, 2)
    out = info(store, capsys)[1]
    assert [name in out for name in ids] == [True] * 20 + [False] * 2
    assert "and 2 more: --episodes lists them" in out
    everything = info(store, capsys, "--episodes")[1]
    assert all(name in everything for name in ids)
    assert json.loads(info(store, capsys, "--json")[1])["ids"] == ids


def test_the_hint_after_a_wrong_id_can_be_copied(tmp_path, samples, capsys):
    store = Store.create(tmp_path / "my play.zarr", samples.spec())
    assert main(["delete", str(store.path), "nope", "--yes"]) == 2
    assert f"crl-data info '{store.path}' --episodes" in capsys.readouterr().err
