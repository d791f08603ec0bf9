"""Where networks compute. Without a CUDA device a pretended one finds tensors that were left on the CPU."""

import dataclasses
import re
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from planning_worlds import frames_at
from pretended_cuda import CUDA, pretended_cuda
from small_agents import SIZE, SMALL
from test_acting import acting
from test_goal_policy import checkpoint_of, picture

from crl_learning import goal_policy
from crl_learning.algorithm_config import ALGORITHMS
from crl_learning.checkpoint import save_checkpoint
from crl_learning.goal_policy import GoalPolicy
from crl_learning.machine import CPU, choose_device, computing_on
from crl_learning.planning import loading
from crl_learning.planning.export import PlannerExport
from crl_learning.planning.graph import Edges
from crl_learning.progress.distances import GoalDistances
from crl_robot.errors import CheckpointError, ConfigError, PlanError

META = torch.device("meta")
NETWORKS = [*((name, 0) for name in ALGORITHMS), ("stable_crl", 7), ("gciql", 7)]


@contextmanager
def on_pretended_cuda(networks):
    """Moves networks there; gives a view that lies there, too."""
    with pretended_cuda(), torch.no_grad():
        networks.device = CUDA
        for module in (networks.policy, networks.critic):
            if module is not None:
                module.to(CUDA)
        yield torch.zeros(1, SIZE[1], SIZE[0], 3, dtype=torch.uint8, device=CUDA)


@pytest.mark.parametrize(("name", "proprio"), NETWORKS)
def test_all_that_acts_and_measures_computes_on_the_device_that_is_asked_for(name, proprio):
    networks = acting(name, dataclasses.replace(SMALL, proprio=proprio))
    with on_pretended_cuda(networks) as view:
        networks.set_goal(view)
        arm = networks.neutral_arm(1)
        action = networks.policy(view, view, arm)
        assert action.device.type == "cuda"
        if networks.critic is not None:
            score = networks.critic.score(view, action, networks.critic.prepare(view), arm)
            assert score.device.type == "cuda"
        distances = GoalDistances(networks)
        distances.set_goal(view)
        assert distances.of_acted(view).device.type == "cpu"
        assert distances.between(view.expand(3, -1, -1, -1), view).shape[0] == 3


def test_a_view_left_on_the_cpu_is_found():
    networks = acting("stable_crl")
    with on_pretended_cuda(networks) as view, pytest.raises(RuntimeError, match="same device"):
        networks.policy(torch.zeros_like(view, device="cpu"), view, None)


@pytest.mark.parametrize(("name", "proprio"), NETWORKS)
def test_all_parameters_go_to_the_device_that_is_asked_for(name, proprio):
    networks = acting(name, dataclasses.replace(SMALL, proprio=proprio), META)
    for module in (networks.policy, networks.critic):
        if module is not None:
            assert {tensor.device for tensor in module.state_dict().values()} == {META}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_actions_are_those_of_the_cpu():
    here, there = GoalPolicy(checkpoint_of()), GoalPolicy(checkpoint_of(), CUDA)
    for policy in (here, there):
        policy.set_goal(picture(1))
    for seed in range(2, 6):
        (one, estimate), (other, again) = here.act(picture(seed)), there.act(picture(seed))
        np.testing.assert_allclose(one, other, atol=1e-3)
        assert estimate == pytest.approx(again, rel=1e-2, abs=1e-2)
        np.testing.assert_allclose(here.distances, there.distances, rtol=1e-2, atol=1e-2)
    seen = np.stack([here.views.apply(picture(seed)) for seed in range(4)])
    np.testing.assert_allclose(here.encode(seen), there.encode(seen), rtol=1e-2, atol=1e-2)
    np.testing.assert_allclose(here.compare(seen, seen[:1]), there.compare(seen, seen[:1]), rtol=1e-2, atol=1e-2)
    assert there.device.type == "cuda"


def test_another_word_than_the_three_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=re.escape("device is 'cud'; did you mean 'cuda'?")):
        choose_device("cud")


def test_auto_takes_cuda_where_it_is_and_cuda_is_refused_where_it_is_not(monkeypatch):
    for there in (False, True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert choose_device("auto").type == ("cuda" if there else "cpu")
        assert choose_device("cpu").type == "cpu"
    assert choose_device("cuda").type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"PyTorch sees no CUDA device; use device cpu or auto$"):
        choose_device("cuda")


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, torch.AcceleratorError])
def test_a_device_that_fails_while_it_loads_is_named_with_what_to_do(error, tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "it", checkpoint_of())

    def fail(*_):
        raise error("CUDA error: out of memory\nCompile with TORCH_USE_CUDA_DSA")

    monkeypatch.setattr(goal_policy, "ActingNetworks", fail)
    with pytest.raises(ConfigError, match=r"'cuda' cannot run .*: CUDA error: out of memory; use device cpu"):
        GoalPolicy.load(tmp_path / "it", CUDA)


@pytest.mark.parametrize("device", [CPU, CUDA])
def test_a_damaged_checkpoint_stays_one_on_every_device(tmp_path, device):
    whole = checkpoint_of()
    tensors = dict(list(whole.policy.items())[1:])
    save_checkpoint(tmp_path / "it", dataclasses.replace(whole, policy=tensors))
    with pytest.raises(CheckpointError, match=r"policy\.safetensors does not fit"):
        GoalPolicy.load(tmp_path / "it", device)


def test_what_goes_wrong_on_the_cpu_is_an_error_of_the_program_and_what_was_told_stays_as_it_was():
    with pytest.raises(RuntimeError, match=r"^a bug$"), computing_on(CPU, "it"):
        raise RuntimeError("a bug")
    with pytest.raises(PlanError, match=r"^no way$"), computing_on(CUDA, "it"):
        raise PlanError("no way")


@pytest.mark.parametrize("name", ["graph", "interpolation"])
def test_a_planner_without_memory_for_all_its_frames_is_refused_before_a_run(name, tmp_path, monkeypatch):
    """It failed at the first plan, amid a run."""
    asked = []

    def ticks(states, goals):
        asked.append((states.shape, goals.shape))
        raise torch.OutOfMemoryError("CUDA out of memory")

    frames = frames_at([(x,) for x in range(9)])
    nothing = np.zeros(0, np.int32)
    export = PlannerExport(frames, Edges(nothing, nothing, nothing.astype(np.float32), 1.0), None, 0.0, {})
    monkeypatch.setattr(loading.GoalPolicy, "load", lambda folder, device: None)
    monkeypatch.setattr(loading, "require_calibration", lambda checkpoint: None)
    monkeypatch.setattr(loading, "load_planner", lambda checkpoint, calibration: export)
    monkeypatch.setattr(loading, "critic_ticks", lambda policy, calibration: ticks)
    with pytest.raises(ConfigError, match=r"'cuda' cannot run the planner of .*: CUDA out of memory; use device cpu"):
        loading.planner_of(tmp_path, name, CUDA)
    assert asked == [(frames.images.shape, frames.images.shape)]


class Asked(Exception):
    """Carries the device that something was asked to compute on."""


def ask(*arguments):
    raise Asked(arguments[-1])


def test_planners_get_the_device_they_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(loading.GoalPolicy, "load", ask)
    with pytest.raises(Asked) as asked:
        loading.planner_of(tmp_path, "graph", CUDA)
    assert asked.value.args == (CUDA,)


def test_the_policy_of_the_node_computes_where_it_is_told(monkeypatch):
    from crl_learning.nodes import policy_loading

    monkeypatch.setattr(policy_loading.GoalPolicy, "load", ask)
    with pytest.raises(Asked) as asked:
        policy_loading.load_policy("models/reach", 0.0, "", CUDA)
    assert asked.value.args == (CUDA,)
    assert policy_loading.load_policy("null", 0.0, "", CUDA).device == CPU


def test_the_planner_of_the_node_computes_where_the_policy_does(monkeypatch):
    pytest.importorskip("rclpy")
    from crl_learning.nodes import policy_far

    class Elsewhere:
        device = CUDA

    class Settings:
        planner, lockstep, checkpoint, waypoints = "graph", False, "models/push", 3

    monkeypatch.setattr(policy_far, "planner_of", ask)
    with pytest.raises(Asked) as asked:
        policy_far.make_run(Elsewhere(), Settings(), None, None, None, None)
    assert asked.value.args == (CUDA,)
