import dataclasses
import json

import numpy as np
import pytest

from crl_robot.errors import ConfigError
from crl_robot.sim.randomisation import Randomisation
from crl_robot.sim.randomisation_file import load_randomisation
from crl_robot.sim.world_options import WorldOptions

GROUPS = [field.name for field in dataclasses.fields(Randomisation)]
DRAWN_BY_ONE_GROUP = {
    "light": "light",
    "camera": "camera_offset",
    "latency": "arm_latency_ms",
    "servos": "servo_gain",
    "friction": "friction",
}


@pytest.fixture(scope="module")
def full():
    return load_randomisation("full")


def test_nothing_varies_unless_it_is_asked_for():
    draw = Randomisation().draw((1, 2))
    assert draw.world == WorldOptions()
    assert draw.object_shifts == ()
    assert load_randomisation() == Randomisation()


def test_the_same_entropy_draws_the_same(full):
    assert full.draw((1, 2)) == full.draw((1, 2))
    assert full.draw((1, 2)) != full.draw((1, 3))


def test_every_group_of_the_full_file_is_on_and_draws_something(full):
    assert list(full.groups) == GROUPS
    drawn = full.draw((0, 0)).to_dict()
    assert set(DRAWN_BY_ONE_GROUP.values()) <= set(drawn)
    assert len(drawn["object_shifts"]) >= 5


@pytest.mark.parametrize("group", GROUPS)
def test_switching_one_group_off_changes_no_other_draw(full, group):
    without = load_randomisation("full", {f"{group}.enabled": "false"})
    whole, less = (one.draw((4, 4)).to_dict() for one in (full, without))
    assert len(less) < len(whole)
    assert all(whole[name] == value for name, value in less.items())


def test_draws_fill_their_ranges_and_never_leave_them():
    ranges = load_randomisation("none", {"friction.enabled": "true", "friction.factor": "[0.5,0.9]"})
    values = np.array([ranges.draw((7, index)).world.friction for index in range(200)])
    assert values.min() >= 0.5
    assert values.max() <= 0.9
    assert values.min() < 0.52
    assert values.max() > 0.88


def test_a_draw_starts_from_the_given_world(full):
    base = WorldOptions(texture="grain", friction=3.0)
    friction_only = load_randomisation("none", {"friction.enabled": "true"})
    drawn = friction_only.draw((1,), base).world
    assert drawn.texture == "grain"
    assert drawn.friction != 3.0


def test_ranges_and_draws_survive_json(full):
    drawn = full.draw((3, 1))
    read = json.loads(json.dumps({"ranges": full.to_dict(), "draw": drawn.to_dict()}))
    assert read["ranges"]["light"]["factor"] == [0.6, 1.3]
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in read["draw"].items()}
    values.pop("object_shifts")
    assert WorldOptions(**values) == drawn.world


def test_a_file_of_ones_own_may_give_a_part(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("light: {enabled: true, factor: [1.0, 1.0]}\n")
    found = load_randomisation(str(file), {"servos.enabled": "true"})
    assert list(found.groups) == ["light", "servos"]
    assert found.draw((0,)).world.light == 1.0


@pytest.mark.parametrize("name", ["look", "dynamics"])
def test_each_shipped_file_varies_its_own_half(name):
    drawn = load_randomisation(name).draw((0, 0)).to_dict()
    assert ("light" in drawn) == (name == "look")
    assert ("servo_gain" in drawn) == (name == "dynamics")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("lights.factor", "[1,2]", "did you mean 'light'"),
        ("light.factr", "[1,2]", "did you mean 'factor'"),
        ("light", "true", "set one of its values"),
        ("light.factor", "1.2", "low, high"),
        ("light.factor", "[1.2,0.8]", "low, high"),
        ("light.factor", "[0,9]", "of 0 to 3"),
        ("light.factor", "[a,b]", "expected a number"),
        ("light.factor", "[1,", "expected true, false"),
        ("light.enabled", "1", "true or false"),
        ("distractors.count", "[0,2.5]", "whole number"),
        ("distractors.count", "[0,99]", "of 0 to 6"),
        ("textures.share", "1.5", "0 to 1"),
        ("latency.camera_ms", "[0,5000]", "of 0 to 400"),
    ],
)
def test_a_range_that_cannot_be_used_is_refused_with_a_hint(key, value, message):
    with pytest.raises(ConfigError, match=message):
        load_randomisation("full", {key: value})


def test_an_unknown_file_is_refused_and_the_nearest_named(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'full'"):
        load_randomisation("ful")
    with pytest.raises(ConfigError, match="is no file"):
        load_randomisation(str(tmp_path / "a.yaml"))
    broken = tmp_path / "b.yaml"
    broken.write_text("- light\n")
    with pytest.raises(ConfigError, match="names with values"):
        load_randomisation(str(broken))
