"""Policies of several cameras: how their pictures are put together, and that a trained one acts in every way."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image as Picture
from small_run import bar_data, config_for

from crl_learning.actors import Subject
from crl_learning.direct_runner import DirectRunner
from crl_learning.goal_policy import GoalPolicy
from crl_learning.goals.check import check_views
from crl_learning.goals.reading import read_goals
from crl_learning.progress.trial_runs import trial_runs
from crl_learning.train import Trainer
from crl_learning.views import Views
from crl_robot.contracts import Frame
from crl_robot.errors import ContractError, GoalImageError
from crl_robot.goal_image import GoalImage
from crl_robot.image_spec import ImageSpec

TWO = Views(ImageSpec(), ("wrist",))


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (240, 320, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def two_cameras(tmp_path_factory):
    """Folder of a checkpoint that learned from two cameras for two steps."""
    data = bar_data()
    both = dataclasses.replace(data, images=np.concatenate([data.images] * 2, -1))
    words = ("steps=2", "network.cameras=2", "image.more_cameras=[wrist]", "calibrate=false")
    return Trainer(config_for(tmp_path_factory.mktemp("two") / "run", *words), both).run().checkpoint


def test_pictures_lie_side_by_side_in_the_order_of_the_cameras_and_come_apart_again():
    frames = {name: Frame(picture(seed), 1, 1) for seed, name in enumerate(("wrist", "other", "over_shoulder"))}
    stacked = TWO.stack(frames)
    assert stacked.shape == (240, 320, 6)
    apart = TWO.split(stacked)
    assert all(np.array_equal(apart[name], frames[name].image) for name in TWO.cameras)
    seen = TWO.apply(stacked)
    assert np.array_equal(seen[..., 3:], TWO.spec.apply(frames["wrist"].image))
    assert np.array_equal(TWO.seen_by(seen, "wrist"), seen[..., 3:])


def test_a_camera_that_is_missing_is_named():
    with pytest.raises(
        ContractError, match="got pictures of over_shoulder, expected over_shoulder, wrist; start wrist"
    ):
        TWO.stack({"over_shoulder": Frame(picture(0), 1, 1)})


def test_one_camera_gives_its_picture_as_it_is():
    one, image = Views(ImageSpec()), picture(0)
    assert one.stack({"over_shoulder": Frame(image, 1, 1)}) is image
    assert np.array_equal(one.apply(image), ImageSpec().apply(image))


def test_a_goal_of_several_cameras_is_a_file_for_each_and_one_that_lacks_some_is_refused(tmp_path):
    for seed, name in enumerate(("a", "b")):
        Picture.fromarray(picture(seed)).save(tmp_path / f"{name}.png")
    (goal,) = read_goals(f"{tmp_path}/a.png+{tmp_path}/b.png", TWO)
    assert np.array_equal(goal.image, np.concatenate([picture(0), picture(1)], -1))
    with pytest.raises(GoalImageError, match=r"1 files, expected one for each camera.*over_shoulder\.png\+wrist\.png"):
        read_goals(f"{tmp_path}/a.png", TWO)


def test_each_picture_of_a_goal_is_looked_at():
    good, black = picture(0), np.zeros((240, 320, 3), np.uint8)
    assert check_views(GoalImage(np.concatenate([good, good], -1), (), "it"), TWO, None).goal.image.shape[-1] == 6
    with pytest.raises(GoalImageError, match=r"it \(wrist\) shows nothing"):
        check_views(GoalImage(np.concatenate([good, black], -1), (), "it"), TWO, None)
    with pytest.raises(GoalImageError, match=r"expected 6 channels.*capture the goal"):
        check_views(GoalImage(good, (), "it"), TWO, None)


def test_a_trained_policy_of_two_cameras_names_them_and_acts_on_both(two_cameras):
    policy = GoalPolicy.load(two_cameras)
    assert policy.views.cameras == ("over_shoulder", "wrist")
    policy.set_goal(np.concatenate([picture(0), picture(1)], -1))
    one, other = (policy.act(np.concatenate([picture(2), picture(seed)], -1))[0] for seed in (3, 4))
    assert not np.array_equal(one, other)
    with pytest.raises(ContractError, match="expected 6 channels"):
        policy.act(picture(2))


def test_it_is_evaluated_in_simulation_with_both_cameras(two_cameras):
    runner = DirectRunner("reach", Subject(checkpoint=str(two_cameras)))
    runner._env.task = dataclasses.replace(runner._env.task, max_steps=3)
    trial = runner.run(0, 0)
    runner.close()
    assert len(trial.distances_m) == 4


@pytest.mark.ros
@pytest.mark.slow
def test_the_policy_node_waits_for_both_cameras_captures_a_goal_and_acts(two_cameras, tmp_path):
    pytest.importorskip("rclpy")
    from std_msgs.msg import String
    from std_srvs.srv import Trigger

    from crl_robot.graph import Graph, NodeCommand
    from crl_robot.nodes.graph_client import GraphClient
    from crl_robot.nodes.messages import LATCHED_QOS

    acting = {"checkpoint": str(two_cameras), "goal_camera": "wrist", "start_on_activate": False}
    acting |= {"max_age_ms": 3000.0, "align_ms": 3000.0, "goals_folder": str(tmp_path / "goals")}
    nodes = (
        NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml"),
        NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", acting),
    )
    with Graph(nodes, tmp_path / "log") as graph, GraphClient("operator", graph.env, graph.check) as client:
        heard = {}
        client.node.create_subscription(
            String, "policy/status", lambda m: heard.update(json.loads(m.data)), LATCHED_QOS
        )
        services = {name: client.node.create_client(Trigger, f"policy/{name}") for name in ("capture_goal", "start")}
        client.wait(lambda: heard.get("state") == "ready", 120.0, "policy")
        assert (heard["cameras"], heard["goal_camera"]) == (["over_shoulder", "wrist"], "wrist")
        client.wait(lambda: client.call(services["capture_goal"], Trigger.Request()).success, 120.0, "goal")
        assert {file.name.split("-")[1] for file in (tmp_path / "goals").iterdir()} == {
            "over_shoulder.png",
            "wrist.png",
        }
        client.succeed(services["start"])
        client.wait(
            lambda: heard["counters"].get("actions", 0) + heard["counters"].get("late", 0) > 2, 120.0, "actions"
        )
        assert set(heard["frames_received"]) == {"over_shoulder", "wrist"}


@pytest.mark.slow
def test_trials_of_a_policy_of_several_cameras_are_judged_with_all_its_pictures(two_cameras):
    policy = GoalPolicy.load(two_cameras)
    (run,) = trial_runs(policy, "reach", 1, seed=3)
    assert run.views.shape == (*run.success.shape, *policy.image_spec.size[::-1], 6)
    assert run.goal.shape == run.views.shape[1:]
    assert not np.array_equal(run.views[0, ..., :3], run.views[0, ..., 3:])
    assert run.distances.shape == (len(run.success), 2)
