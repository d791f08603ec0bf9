"""What a policy told of its run, in its episode: goals with pictures and first steps, and progress of each step."""

import dataclasses
import errno

import numpy as np
import pytest
import zarr
from tests.data_collection.told_runs import frame_ns, told_tick

from crl_data.checking.check import check_store
from crl_data.checking.repair import repair_store
from crl_data.episode_file import EpisodeFile
from crl_data.maintenance import merge
from crl_data.recording.background import BackgroundWriter
from crl_data.recording.matching import Step
from crl_data.store import Store
from crl_data.telling import ToldGoal, align
from crl_data.told_ticks import ToldTicks
from crl_data.writer import EpisodeWriter
from crl_robot import durable
from crl_robot.contracts import Action
from crl_robot.errors import GoalImageError, StoreError

STEPS = 6
CAMERAS = ("over_shoulder", "wrist")
NOTHING = {"success": None, "note": "", "final": None, "lost": {}}


@pytest.fixture
def told(samples):
    """Two goals, the second from step 3 on though it was shown after that step's frame was taken."""
    return samples.told(STEPS)


@pytest.fixture
def run(store, samples, told):
    """A store with a run of two goals."""
    write(store, samples, told)
    return store


def write(store, samples, told, episode_id="run"):
    with EpisodeWriter(store, source="test", episode_id=episode_id) as writer:
        samples.fill(writer, STEPS)
        writer.tell(told)
        writer.commit()


def report_of(store):
    """Exit code, damage, and files that are not as they should be; the samples' actions are odd on purpose."""
    report = check_store(store.path, progress=False)
    odd = ("belongs to nothing", "as this program writes it", "goals", "progress")
    return report.exit_code, report.damage, [line for line in report.warnings if any(word in line for word in odd)]


def test_goals_and_progress_come_back_as_they_were_told(run, told):
    episode = run.read("run")
    assert [(goal.name, goal.stage, goal.from_step, goal.stamp_ns) for goal in episode.goals] == [
        ("0.png", 0, 0, 1),
        ("1.png", 1, 3, frame_ns(3) + 9),
    ]
    assert episode.goals[0].warnings == ("blurred",)
    assert episode.goal_numbers().tolist() == [0, 0, 0, 1, 1, 1]
    for kept, given in zip(episode.goals, told.goals, strict=True):
        np.testing.assert_array_equal(kept.images()["over_shoulder"], given.pictures["over_shoulder"]())
    progress = episode.progress
    assert progress["steps"].tolist() == [20.0, 19.0, 18.0, 17.0, 16.0, 15.0]
    assert (progress["steps_low"][0], progress["steps_high"][0]) == (10.0, 30.0)
    assert progress["reached"].tolist() == [0, 0, 0, 0, 0, 1]
    assert progress["stage"].tolist() == [0, 0, 0, 1, 1, 1]
    assert progress["distances"].shape == (STEPS, 2)
    assert progress["stamp_ns"].tolist() == [frame_ns(step) for step in range(STEPS)]
    assert "patience_s" not in progress  # nothing was told of it
    assert report_of(run) == (0, [], [])


def test_zarr_reads_them_without_this_package(run, told):
    group = zarr.open_group(run.path, mode="r")["episodes/run"]
    pictures = np.asarray(group["goals/cameras/over_shoulder/frames"][...])
    np.testing.assert_array_equal(pictures, [goal.pictures["over_shoulder"]() for goal in told.goals])
    assert np.asarray(group["goals/from_step"][...]).tolist() == [0, 3]
    assert np.asarray(group["progress/improving"][...]).tolist() == [1.0] * STEPS
    assert [goal["name"] for goal in group.attrs["options"]["goals"]] == ["0.png", "1.png"]


def test_a_merge_keeps_them_beside_episodes_without(run, samples, tmp_path):
    plain = Store.create(tmp_path / "plain.zarr", samples.spec())
    samples.write(plain, "play")
    merged, count = merge(tmp_path / "all.zarr", [run.path, plain.path], progress=False)
    assert count == 2
    assert [goal.name for goal in merged.read("run").goals] == ["0.png", "1.png"]
    np.testing.assert_array_equal(merged.read("run").progress["steps"], run.read("run").progress["steps"])
    old = merged.read("play")
    assert (old.goals, old.progress, old.goal_numbers().tolist()) == ((), {}, [-1] * len(old))
    assert report_of(merged) == (0, [], [])
    merged.delete("run")
    assert report_of(merged) == (0, [], [])


def test_steps_of_which_nothing_was_told_have_no_progress_and_the_goal_that_was_shown_before(samples, told):
    """Steps 1 and 2 come in a silence of the policy; the first of them is within two periods of a tick."""
    ticks = [told_tick(0, 1), told_tick(5, told.goals[1].stamp_ns)]
    aligned = align(
        dataclasses.replace(told, ticks=ToldTicks.of(ticks)), np.array([frame_ns(step) for step in range(STEPS)]), 0.2
    )
    steps = aligned.arrays["progress/steps"]
    assert np.isnan(steps).tolist() == [False, False, False, True, True, False]
    assert (aligned.arrays["progress/stamp_ns"] == 0).tolist() == np.isnan(steps).tolist()
    assert aligned.arrays["goals/from_step"].tolist() == [0, 4]


def test_a_step_has_the_tick_that_sent_its_action_not_one_of_the_same_frame_that_sent_none(samples, told):
    """A goal comes while a tick computes: nothing is sent, and the next tick acts on the same frame again."""
    stamps = np.array([frame_ns(step) for step in range(STEPS)])
    goal_ns = told.goals[1].stamp_ns
    dropped = told_tick(3, 0, tick=90, stamp_ns=frame_ns(2), acting=False, steps=None)
    again = told_tick(2, goal_ns, tick=91, acting=True)
    ticks = [
        *(told_tick(step, 1, acting=True) for step in range(2)),
        dropped,
        again,
        told_tick(3, goal_ns, acting=True),
    ]
    arrays = align(dataclasses.replace(told, ticks=ToldTicks.of(ticks)), stamps, 0.2).arrays
    assert arrays["progress/tick"][:4].tolist() == [7, 8, 91, 10]
    assert arrays["progress/acting"][2] == 1
    assert arrays["goals/from_step"].tolist() == [0, 2]


def test_a_goal_that_no_step_was_acted_on_towards_begins_after_the_last(samples, told):
    late = ToldGoal("late.png", frame_ns(STEPS) + 1, None, (), {})
    more = dataclasses.replace(told, goals=(late, *told.goals))
    aligned = align(more, np.array([frame_ns(step) for step in range(STEPS)]), 0.2)
    assert aligned.arrays["goals/from_step"].tolist() == [0, 3, STEPS]


@pytest.mark.parametrize("value", [None, "many", float("inf"), 10**400, [1.0], {"low": "x"}, True])
def test_what_is_no_number_is_left_out(value, told):
    ticks = [told_tick(0, 1, steps=value, estimate=value, distances=value, stamp_ns=frame_ns(0)), {"stamp_ns": value}]
    aligned = align(dataclasses.replace(told, ticks=ToldTicks.of(ticks)), np.array([frame_ns(0)]), 0.2)
    assert "progress/steps" not in aligned.arrays
    assert np.isfinite(aligned.arrays["progress/tick"]).all()


def test_many_ticks_lie_on_the_disk_and_come_back_as_they_were(tmp_path):
    """Distances are told from the second tick on, and once of another length."""
    odd = {0: None, 4000: [1.0]}
    kept = ToldTicks(tmp_path)
    for step in range(5000):
        kept.add(told_tick(step, 1, distances=odd.get(step, [0.5, step])))
    assert kept.stamps_ns()[[0, -1], 0].tolist() == [frame_ns(0), frame_ns(4999)]
    assert kept.numbers()["steps"].tolist() == [20.0 - step for step in range(5000)]
    distances = kept.numbers()["distances"]
    assert np.flatnonzero(np.isnan(distances[:, 0])).tolist() == list(odd)
    assert distances[-1].tolist() == [0.5, 4999]


def test_goals_of_several_cameras_are_kept_of_each(tmp_path, samples, told):
    store = Store.create(tmp_path / "two.zarr", samples.spec(cameras=CAMERAS))
    both = samples.told(STEPS, cameras=CAMERAS)
    write(store, samples, both)
    write(store, samples, dataclasses.replace(told, goals=(told.goals[0], both.goals[1])), "half")
    np.testing.assert_array_equal(store.read("run").goals[1].images()["wrist"], both.goals[1].pictures["wrist"]())
    assert list(store.read("half").goals[0].images()) == ["over_shoulder"]
    assert report_of(store)[:2] == (0, [])


def break_picture(folder):
    file = next((folder / "goals/cameras/over_shoulder/frames").glob("c.*"))
    data = bytearray(file.read_bytes())
    data[60] ^= 1
    file.write_bytes(data)


def break_progress(folder):
    file = folder / "progress/steps/c.0"
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)


def lose_steps(folder):
    (folder / "goals/from_step/c.0").unlink()


@pytest.mark.parametrize(
    ("spoil", "says"), [(break_picture, "goals of camera"), (break_progress, "steps"), (lose_steps, "from_step")]
)
def test_a_check_finds_damage_to_them_and_a_merge_refuses_it(run, tmp_path, spoil, says):
    spoil(run.folder("run"))
    code, damage, _ = report_of(run)
    assert code == 2
    assert any(says in line for line in damage)
    with pytest.raises(StoreError, match="was not merged"):
        merge(tmp_path / "all.zarr", [run.path], progress=False)


@pytest.mark.parametrize(
    ("arrays", "options", "says"),
    [
        ({"goals/from_step": np.array([2, 1])}, {}, "from_step is not from 0"),
        ({"goals/from_step": np.array([0, 9])}, {}, "from_step is not from 0"),
        ({"goals/stamp_ns": np.array([2, 2])}, {}, "stamp_ns does not increase"),
        ({}, {"goals": [{"name": "one"}]}, "names 1"),
        ({}, {"goals": "one"}, "no list of goals"),
        ({"progress/steps": np.zeros(STEPS, np.float32)}, {}, "progress/steps is float32"),
        ({"progress/steps": np.full(STEPS, np.inf)}, {}, "infinite"),
    ],
)
def test_a_check_finds_what_no_policy_can_have_told(run, arrays, options, says):
    meta = run.meta("run")
    names = [name for name in meta.checksums if "cameras/" not in name]
    kept = {name: run.array(meta, name) for name in names}
    with EpisodeFile(run, "odd") as file:
        for step, data in enumerate(run.track(meta, "over_shoulder").all_encoded()):
            file.add_jpeg("over_shoulder", data, step, step)
        odd = dataclasses.replace(meta, options={**meta.options, **options})
        file.commit(odd, {**kept, **arrays})
    assert any(says in line for line in report_of(run)[1])


def recorded(store, samples, told, **broken):
    """A recording of STEPS steps that ends with what was told."""
    episode = BackgroundWriter(EpisodeWriter(store, source="test", episode_id="run"), 100)
    for step in range(STEPS):
        action = Action(samples.action(), frame_ns(step))
        episode.offer(Step(samples.observation(step), action, action))
    episode.finish(**NOTHING, told=told)
    return episode


def test_goals_that_cannot_be_read_cost_the_goals_and_progress_alone(store, samples, told):
    def gone():
        raise GoalImageError("1.png is gone")

    goals = (told.goals[0], dataclasses.replace(told.goals[1], pictures={"over_shoulder": gone}))
    episode = recorded(store, samples, dataclasses.replace(told, goals=goals))
    episode.accept()
    assert (episode.untold, episode.told) == ("1.png is gone", {})
    assert (len(store.read("run")), store.read("run").goals, store.read("run").progress) == (STEPS, (), {})
    assert report_of(store) == (0, [], [])


@pytest.mark.parametrize("where", ["/goals/", "/progress/"])
def test_a_disk_that_is_too_full_for_them_keeps_frames_and_actions(store, samples, told, monkeypatch, where):
    write_at = durable.os.pwrite

    def full(descriptor, data, offset):
        if where in durable.os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_at(descriptor, data, offset)

    monkeypatch.setattr(durable.os, "pwrite", full)
    episode = recorded(store, samples, told)
    assert "No space left" in episode.untold
    episode.accept()
    assert len(store.read("run")) == STEPS
    assert report_of(store) == (0, [], [])


def test_an_episode_that_waits_when_its_recorder_is_killed_is_accepted_with_them(store, samples, told):
    writer = EpisodeWriter(store, source="test", episode_id="run")
    samples.fill(writer, STEPS)
    writer.tell(told)
    writer.finish()
    del writer
    assert repair_store(store.path, "accept").accepted == ["run"]
    assert [goal.from_step for goal in store.read("run").goals] == [0, 3]
    assert report_of(store) == (0, [], [])


def test_an_episode_of_more_names_than_pictures_is_not_committed(store, samples, told):
    with EpisodeWriter(store, source="test") as writer:
        samples.fill(writer, STEPS)
        writer.tell(told)
        writer._file.goals("over_shoulder").add(samples.image(), None, None)
        with pytest.raises(StoreError, match="goals of unlike lengths"):
            writer.commit()
