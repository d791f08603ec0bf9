import shutil

import pytest

from crl_learning.actors import Subject
from crl_learning.eval_ros import GraphRun, run_ros
from crl_learning.evaluate import DirectRunner, Job
from crl_robot.errors import CheckpointError
from crl_robot.graph import GraphError

pytest.importorskip("rclpy")
pytestmark = [pytest.mark.ros, pytest.mark.slow]


def over_ros(folder, checkpoint="null", episodes=1, videos=0, robot="widowx", emulated=False, lockstep=False):
    job = Job(Subject(checkpoint=checkpoint), "reach", 7, episodes, robot)
    return run_ros(job, GraphRun(emulated, lockstep, videos, folder / "videos"), folder / "log")


def test_trials_over_ros_are_paired_with_those_in_lock_step(tmp_path):
    (trial,) = over_ros(tmp_path, videos=1)
    runner = DirectRunner("reach", Subject(policy="still"))
    direct = runner.run(7, 0)
    runner.close()
    assert (trial.start_tool, trial.goal_tool, trial.steps) == (direct.start_tool, direct.goal_tool, direct.steps)
    assert trial.distances_m == pytest.approx(direct.distances_m, abs=2e-3)
    assert [path.name for path in (tmp_path / "videos").iterdir()] == ["reach_0000_failure.mp4"]


def test_trials_in_lock_step_go_to_the_bit_as_without_ros(tmp_path, untrained):
    (trial,) = over_ros(tmp_path, checkpoint=str(untrained), lockstep=True)
    runner = DirectRunner("reach", Subject(checkpoint=str(untrained)))
    direct = runner.run(7, 0)
    runner.close()
    assert trial == direct
    assert trial.pictures == direct.pictures
    assert len(set(trial.tool_path)) == trial.steps + 1


def test_a_policy_of_two_cameras_is_given_goals_of_both(tmp_path, untrained_pair):
    """Goals were one message, which such a policy refused."""
    trials = over_ros(tmp_path, checkpoint=str(untrained_pair), episodes=2, lockstep=True)
    runner = DirectRunner("reach", Subject(checkpoint=str(untrained_pair)))
    assert trials == [runner.run(7, index) for index in (0, 1)]
    runner.close()
    assert len(set(trials[1].tool_path)) == trials[1].steps + 1


@pytest.mark.parametrize("robot", ["widowx", "sawyer"])
def test_trials_through_the_real_driver_are_paired_with_those_in_lock_step(tmp_path, robot):
    pytest.importorskip({"widowx": "dynamixel_sdk", "sawyer": "roslibpy"}[robot])
    first, second = over_ros(tmp_path, episodes=2, robot=robot, emulated=True)
    runner = DirectRunner("reach", Subject(policy="still"), robot_name=robot)
    for trial in (first, second):
        direct = runner.run(7, trial.index)
        assert (trial.start_tool, trial.goal_tool, trial.steps) == (direct.start_tool, direct.goal_tool, direct.steps)
        assert trial.distances_m == pytest.approx(direct.distances_m, abs=3e-3)
    runner.close()


def test_a_policy_that_cannot_start_ends_the_evaluation_with_its_words(tmp_path, untrained):
    half = tmp_path / "half"
    shutil.copytree(untrained, half)
    (half / "policy.safetensors").unlink()
    with pytest.raises(GraphError, match="policy process ended with code 2") as caught:
        over_ros(tmp_path, checkpoint=str(half))
    assert caught.value.exit_code == 2
    assert "policy.safetensors" in str(caught.value)


def test_a_checkpoint_that_is_not_there_starts_no_process(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere does not exist"):
        over_ros(tmp_path, checkpoint=str(tmp_path / "nowhere"))
    assert list((tmp_path / "log").iterdir()) == []
