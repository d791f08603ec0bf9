import pytest

from crl_learning.actors import Subject
from crl_learning.eval_ros import run_ros
from crl_learning.evaluate import DirectRunner
from crl_robot.graph import GraphError

pytest.importorskip("rclpy")
pytestmark = [pytest.mark.ros, pytest.mark.slow]


def test_trials_over_ros_are_paired_with_those_in_lock_step(tmp_path):
    (trial,) = run_ros("reach", "null", 7, 1, 1, tmp_path, lambda: None)
    runner = DirectRunner("reach", Subject(policy="still"))
    direct = runner.run(7, 0)
    runner.close()
    assert (trial.start_tool, trial.goal_tool, trial.steps) == (direct.start_tool, direct.goal_tool, direct.steps)
    assert trial.distances_m == pytest.approx(direct.distances_m, abs=2e-3)
    assert [path.name for path in (tmp_path / "videos").iterdir()] == ["reach_0000_failure.mp4"]


@pytest.mark.parametrize("robot", ["widowx", "sawyer"])
def test_trials_through_the_real_driver_are_paired_with_those_in_lock_step(tmp_path, robot):
    pytest.importorskip({"widowx": "dynamixel_sdk", "sawyer": "roslibpy"}[robot])
    first, second = run_ros("reach", "null", 7, 2, 0, tmp_path, lambda: None, robot, emulated=True)
    runner = DirectRunner("reach", Subject(policy="still"), robot_name=robot)
    for trial in (first, second):
        direct = runner.run(7, trial.index)
        assert (trial.start_tool, trial.goal_tool, trial.steps) == (direct.start_tool, direct.goal_tool, direct.steps)
        assert trial.distances_m == pytest.approx(direct.distances_m, abs=3e-3)
    runner.close()


def test_a_policy_that_cannot_start_ends_the_evaluation_with_its_words(tmp_path):
    with pytest.raises(GraphError, match="policy process ended with code 2") as caught:
        run_ros("reach", str(tmp_path / "nowhere"), 7, 1, 0, tmp_path, lambda: None)
    assert caught.value.exit_code == 2
    assert "nowhere" in str(caught.value)
