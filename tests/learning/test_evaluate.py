import av
import numpy as np
import pytest

from crl_learning.actors import Subject
from crl_learning.evaluate import DirectRunner, Job, record_videos, run_direct, run_jobs
from crl_learning.trials import episode_seed
from crl_robot.errors import ConfigError, MismatchError
from crl_robot.robots import robot
from crl_robot.sim.tasks import get_task
from crl_robot.sim.world import WorldOptions


@pytest.fixture
def runner():
    made = []

    def make(policy: str, task: str = "reach", options: WorldOptions | None = None) -> DirectRunner:
        made.append(DirectRunner(task, Subject(policy=policy), options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_oracle_reaches_and_standing_still_does_not(runner):
    oracle, still = runner("oracle").run(3, 0), runner("still").run(3, 0)
    assert oracle.success_final
    assert not still.success_final
    assert still.final_m == pytest.approx(still.distances_m[0], abs=0.005)


def test_a_trial_of_the_sawyer_is_run_with_its_own_limits():
    runner = DirectRunner("reach", Subject(policy="oracle"), robot_name="sawyer")
    trial = runner.run(3, 0)
    runner.close()
    assert trial.success_final
    assert trial.steps == get_task("reach", robot("sawyer")).max_steps


def test_a_policy_of_another_robot_is_not_run():
    runner = DirectRunner("reach", Subject(checkpoint="models/reach"), robot_name="sawyer")
    with pytest.raises(MismatchError, match="'widowx250s', the robot is 'sawyer'"):
        runner.run(3, 0)
    runner.close()


def test_baselines_start_from_the_same_paired_trials(runner):
    a, b = runner("still").run(3, 1), runner("random").run(3, 1)
    assert (a.start_tool, a.goal_tool, a.start_object_xy) == (b.start_tool, b.goal_tool, b.start_object_xy)
    assert a.distances_m[0] == b.distances_m[0]
    assert a.distances_m != b.distances_m


def test_a_trial_is_the_episode_that_its_seed_draws(runner):
    trial = runner("still").run(3, 2)
    drawn = get_task("reach").sample(np.random.default_rng(episode_seed(3, 2)))
    assert (trial.start_tool, trial.goal_tool) == (drawn.start.tool, drawn.goal.tool)


def test_episode_seeds_differ_and_fit_a_ros_parameter():
    seeds = [episode_seed(seed, index) for seed in range(20) for index in range(100)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= 0
    assert max(seeds) < 2**31


def test_a_trial_does_not_depend_on_the_one_before(runner):
    one = runner("random")
    first = one.run(4, 0)
    one.run(4, 1)
    assert one.run(4, 0) == first


def test_a_changed_live_world_leaves_the_goal_image_as_it_was(runner):
    plain, changed = [], []
    runner("still").run(3, 0, plain)
    runner("still", options=WorldOptions(light=0.4)).run(3, 0, changed)
    half = plain[0].shape[1] // 2
    np.testing.assert_array_equal(plain[0][:, half:], changed[0][:, half:])
    assert changed[0][:, :half].mean() < 0.7 * plain[0][:, :half].mean()


@pytest.mark.slow
def test_workers_give_the_same_trials_in_order_and_report_each():
    calls = []
    trials = run_direct("reach", Subject(policy="random"), 9, 6, workers=2, on_trial=lambda: calls.append(1))
    assert [trial.index for trial in trials] == list(range(6))
    assert len(calls) == 6
    alone = DirectRunner("reach", Subject(policy="random"))
    assert alone.run(9, 5) == trials[5]
    alone.close()


@pytest.mark.slow
def test_several_jobs_on_several_processes_give_each_its_own_trials():
    jobs = [Job(Subject(policy="random"), task, 9, 2) for task in ("reach", "push")]
    found = run_jobs(jobs, workers=2)
    assert [[(trial.task, trial.index) for trial in trials] for trials in found] == [
        [("reach", 0), ("reach", 1)],
        [("push", 0), ("push", 1)],
    ]
    assert found == run_jobs(jobs, workers=1)


def test_a_trial_tells_where_the_arm_was_and_how_far_it_came(runner):
    trial = runner("oracle", "push").run(3, 0)
    assert trial.stages
    assert trial.stage_reached == len(trial.stages)
    assert len(trial.tool_path) == trial.steps + 1
    assert trial.tool_path[0] == pytest.approx(trial.start_tool, abs=0.005)
    last = np.linalg.norm(np.subtract(trial.tool_path[-1], trial.goal_tool))
    assert trial.arm_final_m == pytest.approx(last)
    goal, final = trial.pictures.images()
    assert goal.shape == final.shape


def test_videos_show_failures_first_and_every_tick(runner, tmp_path):
    trials = [runner("still").run(3, index) for index in range(2)]
    (path,) = record_videos(Job(Subject(policy="still"), "reach", 3, 2), trials, 1, tmp_path)
    worst = max(trials, key=lambda trial: trial.final_m)
    assert path.name == f"reach_{worst.index:04d}_failure.mp4"
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == worst.steps + 1


@pytest.mark.parametrize("names", [{}, {"checkpoint": "a", "policy": "still"}])
def test_checkpoint_or_policy_but_not_both_is_asked_for(names):
    with pytest.raises(ConfigError, match="exactly one"):
        Subject(**names)


def test_an_unknown_policy_is_refused_with_the_nearest_one():
    with pytest.raises(ConfigError, match="did you mean 'oracle'"):
        Subject(policy="orakle")
