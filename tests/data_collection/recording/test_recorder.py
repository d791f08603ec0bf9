"""The recorder without ROS: streams come from a fake robot on a clock that tests move."""

import dataclasses
import json
import shutil

import cv2
import numpy as np
import pytest

from crl_data.checking.check import check_store
from crl_data.checking.repair import repair_store
from crl_data.recording import disk
from crl_data.recording.recorder import Recorder
from crl_data.recording.recorder_settings import EpisodeLabels, RecorderSettings
from crl_data.siblings import pending_folder
from crl_data.store import Store
from crl_data.telling import Told, ToldGoal
from crl_data.told_ticks import ToldTicks
from crl_robot.contracts import Action, Frame
from crl_robot.errors import ConfigError, GoalImageError, StoreError
from crl_robot.streams import ObservationBuffer

MS = 1_000_000
CAMERAS = ("left", "right")
LABELS = EpisodeLabels(operator="ann", robot_id="arm-3", note="blue cup")


class FakeRobot:
    """Two cameras at 30 Hz, the arm at 100 Hz and actions at 5 Hz, all on a clock that stands until it is moved."""

    def __init__(self, samples, path, **settings) -> None:
        self.samples = samples
        self.settings = RecorderSettings(**{"min_free_mb": 0, "warn_free_mb": 0, **settings})
        spec = dataclasses.replace(samples.spec(cameras=CAMERAS), labels=self.settings.labels)
        self.store = Store.open_or_create(path, spec)
        self.ms, self.reports = 1_000, []
        self.transport = {"left": 0, "right": 0, "arm": 0, "actions": 0}
        self.silent: set[str] = set()
        self.buffer = ObservationBuffer(CAMERAS, 0.5, self.settings.align_tolerance_s, keep_s=1.0)
        self.recorder = Recorder(self.store, self.settings, self, lambda: self.ms * MS, self.reports.append)

    def observe(self, now_ns):
        return self.buffer.observe(now_ns)

    def at(self, stamp_ns, tolerance_ns=0):
        return self.buffer.at(stamp_ns, tolerance_ns)

    def frame_stamps(self, since_ns):
        return self.buffer.frame_stamps(since_ns)

    def settled_ns(self):
        return self.buffer.settled_ns()

    def why_not(self, now_ns):
        return self.buffer.why_not(now_ns)

    def lost(self):
        return dict(self.transport)

    def calibration(self):
        return {"left": {"k": [1.0]}}

    def run(self, seconds: float) -> None:
        """Let time pass in steps of 10 ms; the arm's state comes in each, frames and actions when they are due."""
        for _ in range(round(seconds * 100)):
            self.ms += 10
            if "arm" not in self.silent:
                state = self.samples.arm(self.ms * MS)
                self.buffer.add_arm(state)
                self.recorder.intake.add_state(state)
            for camera in CAMERAS:
                if self.ms % 30 == 0 and camera not in self.silent:
                    self.see(camera)
            if self.ms % 200 == 0 and "actions" not in self.silent:
                self.act()

    def see(self, camera: str) -> None:
        frame = Frame(self.samples.image(), self.ms * MS, self.ms * MS)
        self.buffer.add_frame(camera, frame)
        self.recorder.intake.add_frame(camera, frame)

    def act(self) -> None:
        frame_ns = self.ms * MS // (30 * MS) * (30 * MS)
        action = Action(self.samples.action(), frame_ns)
        self.recorder.intake.add_requested(action)
        self.recorder.intake.add_commanded(action)

    def episode(self, seconds: float = 3.0) -> str:
        self.recorder.start(LABELS)
        self.run(seconds)
        return self.recorder.stop()


@pytest.fixture
def make(samples, tmp_path):
    def made(**settings) -> FakeRobot:
        robot = FakeRobot(samples, tmp_path / "r.zarr", **settings)
        robot.run(0.5)
        return robot

    return made


def _only(robot):
    (meta,) = robot.store.metas()
    return meta


def test_an_episode_is_stopped_looked_at_and_accepted(make):
    robot = make()
    assert robot.recorder.start(LABELS).endswith("(no calibration from right)")
    robot.run(3)
    robot.recorder.mark_success(True)
    answer = robot.recorder.stop()
    assert "3.0 s, good; call /recorder/accept" in answer
    assert (robot.recorder.state, robot.store.episode_ids()) == ("pending", [])
    assert "15 steps" in robot.recorder.accept()

    meta = _only(robot)
    assert (meta.operator, meta.robot_id, meta.note, meta.success) == ("ann", "arm-3", "blue cup", True)
    assert meta.calibration == {"left": {"k": [1.0]}}
    assert meta.lost == dict.fromkeys((*CAMERAS, "arm", "actions", "requests", "steps"), 0)
    assert meta.options["align_tolerance_s"] == 0.05
    assert meta.options["audit"]["verdict"] == "good"
    assert check_store(robot.store.path, progress=False).exit_code == 0
    assert (meta.steps, robot.recorder.state, robot.recorder.review.committed) == (15, "idle", 1)


def test_each_stream_is_recorded_and_measured_at_its_own_rate(make):
    robot = make(camera_rate_hz=1000 / 30, arm_rate_hz=100.0)
    robot.episode(3)
    robot.recorder.accept()
    (report,) = robot.reports
    assert report.verdict == "good"
    rates = {stream.name: (stream.count, stream.rate_hz) for stream in report.streams}
    assert rates == {
        "left": (100, 33.333),
        "right": (100, 33.333),
        "arm": (300, 100.0),
        "actions": (15, pytest.approx(5, abs=0.3)),
        "steps": (15, pytest.approx(5, abs=0.3)),
    }
    assert next(stream.unused for stream in report.streams) == 85
    meta = _only(robot)
    stamps = robot.store.array(meta, "streams/arm/stamp_ns")
    assert (len(stamps), set(np.diff(stamps))) == (300, {10 * MS})


def test_the_cameras_and_the_arm_of_a_step_belong_to_one_instant(make):
    robot = make()
    robot.episode()
    robot.recorder.accept()
    episode = robot.store.read(_only(robot).id)
    left, right = (episode.cameras[camera].stamp_ns for camera in CAMERAS)
    assert np.array_equal(left, right)
    assert np.array_equal(episode["state_stamp_ns"], left)


def test_the_last_achieved_action_is_measured_one_period_after_the_last_step(make):
    robot = make()
    robot.episode(3.05)
    robot.recorder.accept()
    assert _only(robot).last_achieved == "measured"


def test_an_arm_moved_by_hand_is_recorded_at_every_control_period(make):
    robot = make(steps_from="clock")
    robot.silent.add("actions")
    robot.episode(4.0)
    robot.recorder.accept()
    meta = _only(robot)
    episode = robot.store.read(meta.id)
    assert meta.steps == 20
    assert "action_commanded" not in episode.arrays
    assert episode["action_achieved"].shape == (20, 7)
    moved = np.diff(episode["tool_measured"][:, :3], axis=0)
    np.testing.assert_allclose(episode["action_achieved"][:-1, :3], moved, atol=1e-6)
    assert np.abs(np.diff(episode["stamp_ns"]) - 200 * MS).max() <= 30 * MS
    assert robot.store.spec.labels == ("achieved",)


def test_without_review_a_stopped_episode_is_in_the_store_at_once(make):
    robot = make(review=False)
    assert "committed episode" in robot.episode()
    assert _only(robot).steps == 15


def test_a_camera_that_falls_behind_gives_no_steps_and_each_action_is_counted(make):
    robot = make()
    robot.recorder.start(LABELS)
    robot.run(2.0)
    robot.silent.add("right")
    robot.run(1.0)
    assert "'right'" in robot.recorder.status()["waiting_for"]
    robot.silent.clear()
    robot.run(2.0)
    robot.recorder.stop()
    robot.recorder.accept()
    meta = _only(robot)
    assert meta.lost["actions"] == 5
    assert meta.steps == 20
    episode = robot.store.read(meta.id)
    apart = episode.cameras["left"].stamp_ns - episode.cameras["right"].stamp_ns
    assert np.abs(apart).max() <= 50 * MS


def test_ticks_without_a_complete_observation_are_lost_steps(make):
    robot = make(steps_from="clock")
    robot.recorder.start(LABELS)
    robot.run(2.0)
    robot.silent.add("right")
    robot.run(1.0)
    robot.silent.clear()
    robot.run(2.0)
    robot.recorder.stop()
    robot.recorder.accept()
    meta = _only(robot)
    assert meta.steps + meta.lost["steps"] == 25
    assert 3 <= meta.lost["steps"] <= 6


def test_what_is_lost_on_the_way_is_counted_from_the_start_of_the_episode(make):
    robot = make()
    robot.transport |= {"left": 7, "arm": 2, "actions": 1}
    robot.recorder.start(LABELS)
    robot.run(2.0)
    robot.transport |= {"left": 10, "arm": 4, "actions": 2}
    assert robot.recorder.status()["lost"]["left"] == 3
    robot.recorder.stop()
    robot.recorder.accept()
    meta = _only(robot)
    assert {name: meta.lost[name] for name in ("left", "right", "arm", "actions")} == {
        "left": 3,
        "right": 0,
        "arm": 2,
        "actions": 1,
    }
    assert meta.options["audit"]["verdict"] == "bad"


def test_a_message_that_was_missed_before_the_episode_and_comes_during_it_is_no_negative_loss(make):
    """The loss of such a stream went to -1, and check called the episode damaged."""
    robot = make()
    robot.transport |= {"arm": 2}
    robot.recorder.start(LABELS)
    robot.run(2.0)
    robot.transport |= {"arm": 1}
    robot.recorder.stop()
    robot.recorder.accept()
    assert _only(robot).lost["arm"] == 0
    assert check_store(robot.store.path, progress=False).damaged == []


@pytest.mark.parametrize("settled", ["accepted", "removed"])
def test_a_pending_episode_that_something_else_settled_is_waited_for_no_longer(make, settled):
    robot = make()
    robot.episode()
    episode = robot.recorder.review.pending.id
    folder = pending_folder(robot.store.path, episode)
    if settled == "accepted":
        folder.rename(robot.store.folder(episode))
    else:
        shutil.rmtree(folder)
    with pytest.raises(StoreError, match="something else settled it"):
        robot.recorder.accept()
    assert robot.recorder.state == "idle"
    robot.episode()
    assert "committed" in robot.recorder.accept()


def test_a_repair_leaves_an_episode_alone_that_a_living_recorder_has_under_review(make):
    robot = make()
    robot.episode()
    report = repair_store(robot.store.path, pending="accept")
    assert (report.accepted, len(report.waiting), len(report.refused)) == ([], 1, 1)
    robot.recorder.leave()
    robot.recorder.review.let_go()
    assert len(repair_store(robot.store.path, pending="accept").accepted) == 1


def test_an_audit_that_cannot_be_told_leaves_the_episode_to_be_accepted(make):
    robot = make()
    robot.recorder._on_audit = _raise
    with pytest.raises(RuntimeError):
        robot.episode()
    assert robot.recorder.state == "pending"
    assert "committed" in robot.recorder.accept()


def test_a_pending_episode_must_be_dealt_with_before_the_next(make):
    robot = make()
    robot.episode()
    with pytest.raises(StoreError, match="accept or /recorder/discard first"):
        robot.recorder.start(LABELS)
    assert "discarded" in robot.recorder.discard()
    robot.recorder.start(LABELS)
    with pytest.raises(StoreError, match="recorded already"):
        robot.recorder.start(LABELS)
    robot.recorder.discard()
    assert robot.store.episode_ids() == []
    assert list(robot.store.path.parent.iterdir()) == [robot.store.path]


def test_what_was_not_begun_cannot_be_ended(make):
    robot = make()
    for request in (robot.recorder.stop, robot.recorder.accept, robot.recorder.discard):
        with pytest.raises(StoreError, match="/recorder/start"):
            request()
    with pytest.raises(StoreError, match="no episode to mark"):
        robot.recorder.mark_success(True)


def test_nothing_begins_while_a_stream_is_missing(make):
    robot = make()
    robot.silent.add("left")
    robot.run(1.0)
    with pytest.raises(StoreError, match="camera 'left'"):
        robot.recorder.start(LABELS)


def test_an_episode_without_steps_is_not_kept(make):
    robot = make()
    robot.silent.add("actions")
    robot.recorder.start(LABELS)
    robot.run(1.0)
    with pytest.raises(StoreError, match="does the arm take actions"):
        robot.recorder.stop()
    assert robot.recorder.state == "idle"
    assert list(robot.store.path.parent.iterdir()) == [robot.store.path]


def test_the_mark_can_be_changed_until_the_episode_is_accepted(make):
    robot = make()
    robot.recorder.start(LABELS)
    robot.run(2)
    robot.recorder.mark_success(True)
    robot.recorder.stop()
    robot.recorder.mark_success(False)
    robot.recorder.accept()
    assert _only(robot).success is False


def test_goal_images_are_the_frames_of_now_and_mark_the_newest_step(make):
    robot = make()
    before = robot.recorder.capture_goal()
    robot.recorder.start(LABELS)
    robot.run(0.03)
    assert "no step was marked" in robot.recorder.capture_goal()
    robot.run(1.97)
    frames = robot.buffer.observe(robot.ms * MS).frames
    answer = robot.recorder.capture_goal()
    robot.recorder.stop()
    robot.recorder.accept()
    assert "marked" not in before
    assert "marked step 9 as a goal" in answer
    assert _only(robot).goal_steps == (9,)
    folder = robot.store.path.with_name("r.zarr.goals")
    assert len(list(folder.iterdir())) == 6
    path = folder / f"{frames['right'].stamp_ns}-right.png"
    assert str(path) in answer
    assert np.array_equal(cv2.imread(str(path))[..., ::-1], frames["right"].image)


@pytest.mark.parametrize(("on_exit", "stored", "pending"), [("pending", 0, 1), ("accept", 1, 0), ("discard", 0, 0)])
def test_the_end_of_the_process_does_with_a_running_episode_what_was_asked_for(make, on_exit, stored, pending):
    robot = make(on_exit=on_exit)
    robot.recorder.start(LABELS)
    robot.run(2)
    robot.recorder.leave()
    assert len(robot.store.episode_ids()) == stored
    assert len(list(robot.store.path.parent.glob("*.pending-*"))) == pending
    assert list(robot.store.path.parent.glob("*.partial-*")) == []


def test_the_next_process_names_what_was_left_pending(make):
    robot = make()
    robot.episode()
    episode = robot.recorder.review.pending.id
    assert robot.recorder.leave() == ""
    assert make().recorder.review.left_over() == [episode]


def test_too_little_room_refuses_to_begin_and_little_room_warns(make, monkeypatch):
    usage = shutil._ntuple_diskusage(100, 0, 900 * disk.MB)
    robot = make(min_free_mb=500, warn_free_mb=1000)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: usage)
        assert "(only 900 MB free on the disk)" in robot.recorder.start(LABELS)
        assert robot.recorder.status()["low_on_disk"]
        robot.recorder.discard()
        patch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=499 * disk.MB))
        with pytest.raises(StoreError, match="499 MB free, expected at least 500 MB"):
            robot.recorder.start(LABELS)


def test_the_status_tells_what_happens_and_how_long_the_disk_lasts(make):
    robot = make()
    idle = robot.recorder.status()
    assert (idle["state"], idle["rates_hz"]["arm"], idle["waiting_for"]) == ("idle", pytest.approx(100, abs=3), "")
    robot.recorder.start(LABELS)
    robot.run(2)
    robot.recorder._recording.writing._queue.close()
    robot.recorder._recording.writing.end()
    status = json.loads(json.dumps(robot.recorder.status()))
    assert (status["state"], status["steps"], status["queue"], status["failure"]) == ("recording", 10, 0.0, "")
    assert status["rates_hz"] == {
        "left": pytest.approx(33, abs=1),
        "right": pytest.approx(33, abs=1),
        "arm": pytest.approx(100, abs=1),
        "actions": pytest.approx(5, abs=0.6),
        "steps": pytest.approx(5, abs=0.6),
    }
    expected = status["free_bytes"] * status["seconds"] / status["bytes_written"]
    assert status["seconds_left"] == pytest.approx(expected, rel=0.2)


def test_an_episode_on_a_full_disk_keeps_what_was_written_and_is_finished_when_there_is_room(make, monkeypatch):
    robot = make()
    robot.recorder.start(LABELS)
    robot.run(2)
    writing = robot.recorder._recording.writing
    _wait_until_written(writing, 10)
    with monkeypatch.context() as patch:
        patch.setattr("crl_robot.durable.os.pwrite", _full)
        robot.run(1)
        with pytest.raises(StoreError, match="No space left"):
            robot.recorder.stop()
        assert "No space left" in robot.recorder.status()["failure"]
    answer = robot.recorder.stop()
    assert "bad (episode: recording ended early" in answer
    robot.recorder.accept()
    meta = _only(robot)
    assert (meta.steps, meta.lost["steps"]) == (10, 5)
    assert check_store(robot.store.path, progress=False).exit_code == 0


def _wait_until_written(writing, steps):
    for _ in range(1000):
        if writing.written == steps:
            return
        writing._thread.join(0.01)
    raise AssertionError(writing.written)


def _raise(report):
    raise RuntimeError("nobody listens")


def _full(*_):
    raise OSError(28, "No space left on device")


def test_a_setting_that_is_no_choice_names_the_choices():
    with pytest.raises(ConfigError, match="commanded"):
        RecorderSettings(steps_from="comanded")


def told(broken=False):
    """Two goals seen by the left camera, the second from half of the run on, and a tick for each of its frames."""

    def picture():
        if broken:
            raise GoalImageError("the picture is gone")
        return np.full((24, 32, 3), 7, np.uint8)

    changed_ns = 2_500 * MS
    goals = [ToldGoal(f"{ns}.png", ns, None, (), {"left": picture}) for ns in (1, changed_ns)]
    towards = {ms: goals[ms * MS >= changed_ns].stamp_ns for ms in range(30, 9_000, 30)}
    ticks = [{"stamp_ns": ms * MS, "goal_stamp_ns": goal_ns, "tick": ms} for ms, goal_ns in towards.items()]
    return Told("left", goals, ToldTicks.of(ticks))


def test_what_a_policy_told_is_kept_at_the_steps_that_it_was_told_of(make):
    robot = make(review=False)
    robot.recorder.start(LABELS)
    robot.run(2.0)
    robot.recorder.describe({"run": {"id": "r1"}})
    robot.recorder.tell(told())
    robot.recorder.stop()
    episode = robot.store.read(_only(robot).id)
    seen_ns = episode.cameras["left"].stamp_ns
    assert episode.progress["stamp_ns"].tolist() == seen_ns.tolist()
    assert episode.progress["tick"].tolist() == (seen_ns // MS).tolist()
    assert episode.goal_numbers().tolist() == (seen_ns >= 2_500 * MS).astype(int).tolist()
    assert {goal.images()["left"].max() for goal in episode.goals} == {7}
    assert (robot.recorder.untold, episode.meta.options["run"]) == ("", {"id": "r1"})
    robot.episode(1.0)
    assert sorted(len(robot.store.read(one).goals) for one in robot.store.episode_ids()) == [0, 2]


def test_what_a_policy_told_and_cannot_be_read_costs_neither_frames_nor_actions(make):
    robot = make(review=False)
    robot.recorder.start(LABELS)
    robot.run(2.0)
    robot.recorder.tell(told(broken=True))
    robot.recorder.stop()
    assert robot.recorder.untold == "the picture is gone"
    assert (len(robot.store.read(_only(robot).id)), _only(robot).options.get("goals")) == (10, None)
    assert check_store(robot.store.path, progress=False).exit_code == 0
