import dataclasses
import json

import numpy as np
import pytest
import torch

from crl_learning.action_scale import RANGE_CENTRE, RANGE_HALF, ActionScale
from crl_learning.checkpoint import Checkpoint, CheckpointMeta, load_checkpoint, load_meta, save_checkpoint
from crl_learning.config import NetworkConfig
from crl_robot.contracts import ActionSpec
from crl_robot.errors import CheckpointError
from crl_robot.image_spec import ImageSpec


def checkpoint_of(*, critic: bool = True) -> Checkpoint:
    meta = CheckpointMeta(
        "stable_crl",
        NetworkConfig((4, 6, 6), 16, (16, 16), 8),
        ImageSpec(),
        ActionSpec(),
        "commanded",
        ActionScale(RANGE_CENTRE, RANGE_HALF),
        steps=12,
        seed=3,
        provenance={"git_commit": "abc"},
    )
    return Checkpoint(meta, {"w": torch.arange(6.0).view(2, 3)}, {"v": torch.ones(2)} if critic else None)


@pytest.fixture
def folder(tmp_path):
    save_checkpoint(tmp_path / "run", checkpoint_of())
    return tmp_path / "run"


def edit(folder, **changes) -> None:
    path = folder / "checkpoint.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_was_saved_is_loaded(folder):
    loaded, saved = load_checkpoint(folder), checkpoint_of()
    assert loaded.meta.to_dict() == saved.meta.to_dict()
    assert torch.equal(loaded.policy["w"], saved.policy["w"])
    assert loaded.critic is not None
    assert torch.equal(loaded.critic["v"], torch.ones(2))


def test_a_folder_holds_three_plain_files_and_nothing_temporary(folder):
    assert sorted(p.name for p in folder.iterdir()) == ["checkpoint.json", "critic.safetensors", "policy.safetensors"]
    assert [p.name for p in folder.parent.iterdir()] == ["run"]


def test_an_algorithm_without_critic_saves_none(tmp_path):
    save_checkpoint(tmp_path / "bc", checkpoint_of(critic=False))
    assert load_checkpoint(tmp_path / "bc").critic is None


def test_saving_again_replaces_the_whole_folder(folder):
    save_checkpoint(folder, checkpoint_of(critic=False))
    assert not (folder / "critic.safetensors").exists()


def test_a_missing_folder_is_refused_by_name(tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere does not exist"):
        load_checkpoint(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["policy.safetensors", "critic.safetensors", "checkpoint.json"])
def test_a_missing_or_truncated_file_is_refused_by_name(folder, name):
    path = folder / name
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(folder)
    path.unlink()
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(folder)


def test_one_changed_byte_is_noticed(folder):
    path = folder / "policy.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="SHA-256"):
        load_checkpoint(folder)


def test_another_schema_version_is_refused_with_both_values(folder):
    edit(folder, schema_version=99)
    with pytest.raises(CheckpointError, match=r"version 99, this program reads 'crl_checkpoint' version 1"):
        load_checkpoint(folder)


def test_an_image_spec_that_does_not_fit_its_hash_is_refused(folder):
    edit(folder, image_spec_hash="0123456789abcdef")
    with pytest.raises(CheckpointError, match="0123456789abcdef"):
        load_checkpoint(folder)


def test_missing_facts_are_refused(folder):
    path = folder / "checkpoint.json"
    facts = json.loads(path.read_text())
    del facts["action_scale"]
    path.write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match="action_scale"):
        load_checkpoint(folder)


def test_a_checkpoint_from_before_there_were_robots_is_of_the_widowx(folder):
    facts = json.loads((folder / "checkpoint.json").read_text())
    assert facts.pop("robot") == "widowx250s"
    assert CheckpointMeta.from_dict(facts).robot == "widowx250s"


@pytest.mark.parametrize(
    ("algorithm", "settings", "objective"),
    [("crl", {"objective": "td"}, "td"), ("stable_crl", {}, "nce"), ("gcbc", {"objective": "nce"}, None)],
)
def test_a_checkpoint_tells_the_objective_of_its_contrastive_critic(algorithm, settings, objective):
    """The first ones name none: there was no other."""
    provenance = {"settings": {"algorithm": settings}}
    meta = dataclasses.replace(checkpoint_of().meta, algorithm=algorithm, provenance=provenance)
    assert meta.objective == objective


@pytest.mark.parametrize(
    ("algorithm", "settings", "used"),
    [
        ("stable_crl", {"critic_term": True}, True),
        ("stable_crl", {"critic_term": False}, False),
        ("stable_crl", {}, True),
        ("gcbc", {}, False),
    ],
)
def test_a_checkpoint_tells_whether_a_critic_trained_its_actor(algorithm, settings, used):
    provenance = {"settings": {"algorithm": settings}}
    meta = dataclasses.replace(checkpoint_of().meta, algorithm=algorithm, provenance=provenance)
    assert meta.critic_term is used


@pytest.mark.parametrize("name", ["reach", "push", "reach_sawyer"])
def test_a_shipped_checkpoint_names_its_objective_in_its_file(name):
    settings = load_meta(f"models/{name}").provenance["settings"]["algorithm"]
    assert (settings["objective"], settings["nce_weights"]) == ("nce", "balanced")


def test_the_action_scale_survives_exactly(folder):
    assert np.array_equal(load_checkpoint(folder).meta.action_scale.half_range, RANGE_HALF)
