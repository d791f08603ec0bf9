import csv
import json

import av
import cv2
import numpy as np
import pytest

from crl_learning.demo_report import write_demo_video, write_summary_png
from crl_learning.demo_series import DemoSeries


def picture(x: int) -> np.ndarray:
    image = np.full((240, 320, 3), (200, 180, 160), np.uint8)
    cv2.circle(image, (x, 120), 20, (30, 60, 200), -1)
    return image


GOAL = picture(240)
"""Where a made-up run of 3 s ends."""


def jpeg(x: int) -> bytes:
    image = picture(x)
    return cv2.imencode(".jpg", image[..., ::-1])[1].tobytes()


def run(goal_is_ours=True, final_m=0.01, seconds=3.0) -> DemoSeries:
    """A made-up run whose distance falls to ``final_m``; camera 30 Hz, control 5 Hz, ground truth 10 Hz."""
    series = DemoSeries(GOAL, goal_is_ours, tolerance_m=0.015, dropped_frames=2, seconds=seconds)
    for t in np.arange(0.0, seconds, 1 / 30):
        series.frames.append((float(t), jpeg(round(60 + 60 * t))))
    for t in np.arange(0.0, seconds, 0.1):
        distance = max(final_m, 0.2 - 0.1 * t)
        series.truth.append((float(t), (0.3, 0.0, 0.1, 0.2, 0.1, 0.025, distance, float(distance <= 0.015))))
    for t in np.arange(0.0, seconds, 0.2):
        series.estimate.append((float(t), min(-0.1, -4 + 2 * float(t))))
        series.timing.append((float(t), (0.2, 30.0, 4.0)))
        series.commanded.append((float(t), (0.005, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)))
    return series


def test_report_states_what_was_measured():
    report = run().report()
    assert report["reached"] is True
    assert report["final_distance_cm"] == pytest.approx(1.0)
    assert report["rate_hz"] == pytest.approx(5.0)
    assert report["lateness_ms"] == {"p50": 0.2, "p99": 0.2, "max": 0.2}
    assert report["age_ms"]["p50"] == 30.0
    assert (report["dropped_frames"], report["steps"]) == (2, 15)


def test_a_goal_touched_only_in_passing_is_not_reached():
    series = run(final_m=0.016)
    values = (*series.truth[-2][1][:6], 0.001, 1.0)
    series.truth[-2] = (series.truth[-2][0], values)
    assert not series.reached()


def test_without_a_known_goal_pose_the_critic_decides_and_the_report_says_so():
    series = run(goal_is_ours=False)
    report = series.report()
    assert report["reached_by"].startswith("critic")
    assert report["final_distance_cm"] is None
    assert report["reached"] is True
    assert report["headline"] == "The critic believes that the goal is reached"
    assert report["final_picture_difference"] < 0.5 * report["start_picture_difference"]
    series.estimate[-1] = (series.estimate[-1][0], -2.0)
    assert not series.reached()


def test_a_critic_that_says_0_everywhere_while_the_arm_stands_still_is_not_believed():
    """A checkpoint of 30 steps 'reached' a goal 17 cm away: it stood still, and its critic had learned nothing."""
    series = run(goal_is_ours=False)
    series.frames = [(seconds, jpeg(60)) for seconds, _ in series.frames]
    series.estimate = [(seconds, 0.0) for seconds, _ in series.estimate]
    report = series.report()
    assert report["reached"] is False
    assert report["headline"] == "The critic sees no difference between view and goal"
    assert "unconfirmed" in report["because"]


def test_a_goal_that_the_camera_shows_from_the_start_is_said_to_look_like_the_view():
    series = run(goal_is_ours=False)
    series.frames = [(seconds, jpeg(240)) for seconds, _ in series.frames]
    assert not series.reached()
    assert series.verdict().headline == "The critic sees no difference between view and goal"


def test_what_was_not_reached_names_the_last_estimate_and_the_threshold():
    series = run(goal_is_ours=False)
    series.estimate[-1] = (series.estimate[-1][0], -33.2)
    assert series.verdict().because == "last estimate -33.20, threshold -0.5"


@pytest.mark.parametrize("values", [[], [float("nan")]])
def test_a_checkpoint_without_a_critic_cannot_tell_and_the_report_stays_valid_json(values):
    series = run(goal_is_ours=False)
    series.estimate = [(0.2 * i, value) for i, value in enumerate(values * 10)]
    report = series.report()
    assert (report["reached"], report["final_estimate"]) == (False, None)
    assert "no critic" in report["because"]
    json.dumps(report, allow_nan=False)


def test_a_critic_that_is_content_while_the_arm_still_moves_does_not_count():
    series = run(goal_is_ours=False)
    series.commanded[-1] = (series.commanded[-1][0], (0.03, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    assert not series.reached()
    assert series.verdict().headline == "The arm did not come to rest"


def test_nothing_measured_is_null_and_not_zero():
    report = DemoSeries(GOAL, True, 0.015).report()
    assert report["reached"] is False
    assert report["final_distance_cm"] is None
    assert report["rate_hz"] is None
    assert report["lateness_ms"] is None


def test_raw_series_hold_every_value_in_order_of_time(tmp_path):
    series = run(seconds=0.4)
    series.write_csv(tmp_path / "data.csv")
    with (tmp_path / "data.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (1 + 3 + 7) + 4 * 8
    assert [float(row["seconds"]) for row in rows] == sorted(float(row["seconds"]) for row in rows)
    assert {row["name"] for row in rows} >= {"estimate", "lateness_ms", "distance", "dx", "gripper"}


@pytest.mark.parametrize("goal_is_ours", [True, False])
def test_pictures_are_written_without_a_screen(tmp_path, goal_is_ours):
    series = run(goal_is_ours, seconds=1.0)
    write_summary_png(tmp_path / "summary.png", series, series.report())
    assert cv2.imread(str(tmp_path / "summary.png")).shape == (935, 1210, 3)


def test_long_facts_neither_shrink_the_pictures_nor_run_out_of_the_page(tmp_path):
    """The rule that decides an own goal shrank the page to the left and left an empty strip."""
    figures = []
    for goal_is_ours in (True, False):
        series = run(goal_is_ours, seconds=1.0)
        report = series.report() | {"goal": "a/very/long/folder/" * 8 + "goal.png"}
        write_summary_png(tmp_path / "summary.png", series, report)
        figures.append(cv2.imread(str(tmp_path / "summary.png")))
    for page in figures:
        assert (page[150:340, 1190:1200] != 255).any()  # the final image reaches the right edge
        assert (page[700:, -3:] == 255).all()


def test_the_video_runs_at_the_cameras_rate_through_lost_frames(tmp_path):
    series = run(seconds=2.0)
    del series.frames[20:30]
    write_demo_video(tmp_path / "demo.mp4", series)
    with av.open(str(tmp_path / "demo.mp4")) as video:
        assert float(video.streams.video[0].average_rate) == pytest.approx(30.0, abs=0.5)
        assert len([1 for _ in video.decode(video=0)]) == 60
