"""Goals of recorded runs: under their own names and times in the run's folder, and with the progress in its store."""

import numpy as np
import pytest
from fake_runs import ENDED, GOAL, FakeData, hear_goal, opened, ready, status, tick

from crl_data.checking.check import check_store
from crl_data.maintenance import merge
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_learning.runs.ending import LAST_GOAL_S
from crl_learning.runs.goals import native_of
from crl_learning.runs.judging import Recorded
from crl_learning.runs.keeping import RunKeeper
from crl_robot.contracts import ActionSpec, ArmState, Frame, JointReading, Observation, Pose

PERIOD_NS = 200_000_000


@pytest.fixture
def keeper(tmp_path):
    return ready(tmp_path)


def goals_of(run):
    return [(goal["source"], goal["stamp_ns"]) for goal in run.facts["goals"]]


def test_a_goal_changed_during_the_run_is_kept_under_its_own_name_and_time(tmp_path, keeper):
    """It stood under the name of the goal before it: its picture comes before the status that names it."""
    keeper.on_status(status("running"), 2, 0.1)
    hear_goal(keeper, 20, 255 - GOAL)
    keeper.on_status(status("running", goal="next.png", goal_stamp_ns=20, goal_warnings=["blurred"]), 3, 0.2)
    keeper.on_status(status("running", goal="last.png", goal_stamp_ns=30), 4, 0.3)
    hear_goal(keeper, 30, GOAL)
    run = opened(tmp_path)
    assert goals_of(run) == [("goal.png", 1), ("next.png", 20), ("last.png", 30)]
    assert run.facts["goals"][1]["warnings"] == ["blurred"]
    assert [goal["file"] for goal in run.facts["goals"]] == [f"goals/stage_00{i}.png" for i in range(3)]
    assert np.array_equal(run.goals()[1].image, 255 - GOAL)


def test_a_goal_that_was_replaced_before_it_was_named_is_kept_without_another_ones_name(tmp_path, keeper):
    keeper.on_status(status("running"), 2, 0.1)
    hear_goal(keeper, 20, 255 - GOAL)
    hear_goal(keeper, 30, GOAL)
    keeper.on_status(status("running", goal="last.png", goal_stamp_ns=30), 3, 0.2)
    assert goals_of(opened(tmp_path)) == [("goal.png", 1), ("replaced before it was named", 20), ("last.png", 30)]


def test_the_next_run_begins_with_the_goal_that_is_then_in_force(tmp_path, keeper):
    keeper.on_status(status("running"), 2, 0.1)
    keeper.on_status(status("ended", ended=ENDED), 3, 0.2)
    hear_goal(keeper, 20, GOAL)
    keeper.on_status(status("ended", ended=ENDED, goal="next.png", goal_stamp_ns=20), 4, 0.3)
    keeper.on_status(status("running", run="r2", goal="next.png", goal_stamp_ns=20), 5, 0.4)
    assert goals_of(opened(tmp_path)) == [("goal.png", 1)]
    assert goals_of(opened(tmp_path, "r2")) == [("next.png", 20)]


def test_a_goal_that_comes_into_force_as_the_run_ends_is_kept_though_its_pictures_come_later(tmp_path, keeper):
    """It was missing: the status that tells of the end may be heard before the pictures."""
    keeper.on_status(status("running"), 2, 0.1)
    keeper.on_status(status("ended", ended=ENDED, goal="next.png", goal_stamp_ns=20), 3, 0.2)
    hear_goal(keeper, 20, 255 - GOAL)
    hear_goal(keeper, 30, GOAL)
    run = opened(tmp_path)
    assert goals_of(run) == [("goal.png", 1), ("next.png", 20)]
    assert run.facts["ended"] == ENDED
    assert [event["stamp_ns"] for event in run.events() if event["text"] == "ended: reached"] == [3]
    assert [goal.stamp_ns for goal in keeper._data.told.goals] == [1, 20]


@pytest.mark.parametrize("what", ["time", "next run", "abandoned"])
def test_the_pictures_of_the_last_goal_are_not_waited_for_without_end(tmp_path, keeper, what):
    keeper.on_status(status("running"), 2, 0.1)
    last = status("ended", ended=ENDED, goal="next.png", goal_stamp_ns=20)
    keeper.on_status(last, 3, 0.2)
    keeper.on_status(last, 4, 0.7)
    assert opened(tmp_path).cut_off
    if what == "time":
        keeper.look(5, 0.2 + LAST_GOAL_S)
    elif what == "next run":
        keeper.on_status(status("running", run="r2"), 5, 0.8)
    else:
        keeper.abandon("the recorder was ended", 5)
    assert (opened(tmp_path).facts["ended"], goals_of(opened(tmp_path))) == (ENDED, [("goal.png", 1)])
    assert [call for call in keeper._data.calls if call[0] == "end"] == [("end", "reached")]


def test_a_goal_of_several_cameras_is_kept_with_the_pictures_of_all_that_are_recorded(tmp_path):
    keeper = RunKeeper(tmp_path / "runs", FakeData(), cameras=("over_shoulder", "wrist"))
    of_three = {"cameras": ["over_shoulder", "wrist", "ceiling"]}
    hear_goal(keeper, 1, GOAL)
    keeper.on_status(status("running", **of_three), 2, 0.1)
    assert opened(tmp_path).facts["goals"] == []
    keeper.on_goal(1, native_of("wrist"), 255 - GOAL)
    keeper.on_status(status("ended", ended=ENDED, **of_three), 3, 0.2)
    (goal,) = keeper._data.told.goals
    assert sorted(goal.pictures) == ["over_shoulder", "wrist"]
    assert np.array_equal(goal.pictures["wrist"](), 255 - GOAL)
    assert np.array_equal(opened(tmp_path).goals()[0].image, GOAL)


def test_goals_and_progress_that_the_store_cannot_take_are_told(tmp_path):
    keeper = ready(tmp_path, FakeData(untold="No space left"))
    keeper.on_status(status("running"), 2, 0.1)
    keeper.on_status(status("ended", ended=ENDED), 3, 0.2)
    facts = opened(tmp_path).facts
    assert facts["failure"] == "data.zarr lacks goals and progress, which are in goals and ticks.jsonl: No space left"
    assert facts["episode"] == "r1"
    assert keeper.status()["failure"] == facts["failure"]


class StoreData:
    """Records steps as tests ask for them, in a store as the run recorder makes it."""

    def begin(self, store, run, by_clock):
        spec = StoreSpec(ActionSpec(), {"over_shoulder": CameraSpec()}, "arm", ("waist",))
        self.writer = EpisodeWriter(Store.create(store, spec), source="recorder", episode_id=run)

    def step(self, number):
        """One control tick, whose frame takes 20 ms to arrive."""
        pose = Pose(np.zeros(3), np.array([1.0, 0, 0, 0]))
        reading = JointReading(np.zeros(1), np.zeros(1), 1.0, stamp(number))
        frames = {"over_shoulder": Frame(GOAL // 2, stamp(number), stamp(number) + 20_000_000)}
        observation = Observation(frames, ArmState(reading, pose, pose, 1.0, "moving"), stamp(number) + 20_000_000)
        self.writer.add_step(observation, np.zeros(7, np.float32))

    def end(self, facts, told):
        self.writer.tell(told)
        self.writer.finish()
        return Recorded(self.writer.id, len(self.writer), {})

    def accept(self, success):
        self.writer.accept(success=success)


def stamp(number):
    return (number + 10) * PERIOD_NS


def act(keeper, number, goal_ns, run, stage):
    """A control tick towards a goal, and the step that is recorded of it."""
    left = {"expected": 9.0 - number, "low": 1.0, "high": 20.0}
    keeper.on_tick(tick(number, run, stamp_ns=stamp(number), goal_stamp_ns=goal_ns, steps=left, stage=stage))
    keeper._data.step(number)


def test_after_a_merge_the_store_has_the_goals_and_the_progress_of_every_run(tmp_path):
    keeper = ready(tmp_path, StoreData())
    keeper.on_status(status("running"), 2, 0.1)
    for number in range(3):
        act(keeper, number, 1, "r1", 0)
    shown_ns = stamp(3) + 1_000_000  # the next tick acts on a frame that was there already
    hear_goal(keeper, shown_ns, 255 - GOAL)
    changed = {"goal": "next.png", "goal_stamp_ns": shown_ns, "stage": 1}
    keeper.on_status(status("running", **changed), shown_ns, 0.2)
    for number in range(3, 5):
        act(keeper, number, shown_ns, "r1", 1)
    keeper.on_status(status("ended", ended=ENDED, **changed), stamp(5), 0.3)
    keeper.on_status(status("running", run="r2", **changed), stamp(6), 0.4)
    act(keeper, 7, shown_ns, "r2", 1)
    keeper.on_status(status("ended", run="r2", ended=ENDED, **changed), stamp(8), 0.5)

    sources = [tmp_path / "runs" / run / "data.zarr" for run in ("r1", "r2")]
    merged, _ = merge(tmp_path / "own_runs.zarr", sources, progress=False)
    first, second = merged.read("r1"), merged.read("r2")
    assert [(goal.name, goal.stage, goal.from_step) for goal in first.goals] == [("goal.png", 0, 0), ("next.png", 1, 3)]
    assert [(goal.name, goal.from_step) for goal in second.goals] == [("next.png", 0)]
    for goal, picture in zip((*first.goals, *second.goals), (GOAL, 255 - GOAL, 255 - GOAL), strict=True):
        np.testing.assert_array_equal(goal.images()["over_shoulder"], picture)
    assert first.progress["steps"].tolist() == [9.0, 8.0, 7.0, 6.0, 5.0]
    assert first.progress["stage"].tolist() == [0, 0, 0, 1, 1]
    assert second.progress["steps"].tolist() == [2.0]
    assert check_store(merged.path, progress=False).exit_code == 0


def test_the_end_of_a_run_reads_no_tick_again(tmp_path):
    """Hours of them took longer than a launch waits for its nodes after Ctrl-C, and the episode was lost with them."""
    keeper = ready(tmp_path, StoreData())
    keeper.on_status(status("running"), 2, 0.1)
    for number in range(3):
        act(keeper, number, 1, "r1", 0)
    (tmp_path / "runs" / "r1" / "ticks.jsonl").unlink()
    keeper.on_status(status("ended", ended=ENDED), stamp(4), 0.2)
    assert opened(tmp_path).episode().progress["steps"].tolist() == [9.0, 8.0, 7.0]
