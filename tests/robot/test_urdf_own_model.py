"""The description of an arm of the user's own, with what our models do not have."""

from dataclasses import replace

import numpy as np
import pytest
from urdf_rig import joints, loaded, original, posed, require_same_place, tree

from crl_robot.arm_model import ArmModel
from crl_robot.errors import ConfigError
from crl_robot.urdf import urdf_from_model

OWN_MODEL = """
<mujoco>
  <compiler angle="radian" autolimits="true"/>
  <asset>
    <mesh name="wedge" vertex="0 0 0  .1 0 0  0 .2 0  0 0 .3"/>
  </asset>
  <worldbody>
    <geom name="floor" type="plane" size="1 1 1"/>
    <body name="base_link">
      <geom type="sphere" size=".05"/>
      <body pos="0 0 .1" euler=".3 .2 .1">
        <joint name="a" axis="0 1 1" pos=".02 .03 .04" ref=".4" range="-1 1" user="2"/>
        <geom type="capsule" size=".02 .1"/>
        <body name="plate" pos=".1 .2 .3" euler="0 1.5707963 .5">
          <joint name="b" axis="1 0 0" pos="0 .1 0" limited="false" user="3"/>
          <geom type="ellipsoid" size=".01 .02 .03"/>
          <body name="tool" pos=".1 0 0">
            <joint name="slider" type="slide" axis="0 0 1" ref=".05" range="0 .1" user="1"/>
            <geom type="mesh" mesh="wedge"/>
            <site name="tool" pos=".1 .2 0" euler=".1 1.5707963 .2"/>
            <body name="follower">
              <joint name="follower" type="slide" axis="0 0 1" ref=".01" range="0 1"/>
              <geom type="box" size=".01 .01 .01" group="3"/>
            </body>
          </body>
        </body>
      </body>
    </body>
    <body name="ball" pos="1 0 1"><freejoint/><geom type="sphere" size=".1"/></body>
  </worldbody>
  <equality><joint joint1="follower" joint2="slider" polycoef=".1 .5 0 0 0"/></equality>
  <actuator>
    <motor joint="a" gear="2" forcerange="-3 3"/>
    <motor joint="b" forcerange="-4 4"/>
    <motor joint="slider" forcerange="-5 5"/>
  </actuator>
</mujoco>
"""


@pytest.fixture
def own_arm(tmp_path):
    file = tmp_path / "own.arm.xml"
    file.write_text(OWN_MODEL)
    return ArmModel(str(file), ("a", "b", "slider"), (0.0, 0.0, 0.0))


def test_a_model_of_the_users_own_with_displaced_joints_references_and_ties_has_the_same_kinematics(own_arm):
    urdf, model, rng = loaded(own_arm), original(own_arm), np.random.default_rng(2)
    for _ in range(50):
        values = dict(zip(own_arm.joint_names, rng.uniform(0, 0.1, 3), strict=True))
        ours, theirs = posed(urdf, values), posed(model, values)
        require_same_place(ours.body("tool_frame"), theirs.site("tool"))
        require_same_place(ours.body("follower"), theirs.body("follower"))


def test_shapes_without_a_name_in_urdf_are_made_of_others_and_the_scene_is_left_out(own_arm):
    robot = tree(own_arm)
    assert robot.get("name") == "own"
    shapes = {
        link.get("name"): [shape.tag for shape in link.iterfind("collision/geometry/*")] for link in robot.iter("link")
    }
    assert "ball" not in shapes
    assert shapes["body_2"] == ["cylinder", "sphere", "sphere"]
    assert shapes["plate"] == shapes["tool"] == ["box"]
    hidden = next(link for link in robot.iter("link") if link.get("name") == "follower")
    assert hidden.find("visual") is None


def test_joints_without_a_range_are_continuous_and_gears_count_in_the_effort(own_arm):
    described = joints(own_arm)
    assert described["b"].get("type") == "continuous"
    assert float(described["a"].find("limit").get("effort")) == 6


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('ref=".4" range="-1 1" user="2"', 'ref=".4" range="-1 1"', r"'a' has .* greatest speed 0, expected"),
        ('forcerange="-4 4"', "", "'b' has effort 0"),
        ('<joint name="b"', '<joint name="c" axis="0 1 0"/><joint name="b"', "'plate' has 2 joints"),
        ('ref=".05" range="0 .1"', 'ref=".05"', "'slider' has no range"),
        ('<geom type="sphere" size=".05"/>', '<geom name="g" type="plane" size="1 1 1"/>', "'g' is a plane"),
    ],
)
def test_what_a_urdf_cannot_say_is_refused_with_what_to_do(tmp_path, own_arm, old, new, message):
    file = tmp_path / "wrong.xml"
    assert old in OWN_MODEL
    file.write_text(OWN_MODEL.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        urdf_from_model(replace(own_arm, file=str(file)))


def test_a_tool_that_is_not_on_the_arm_is_refused(tmp_path, own_arm):
    file = tmp_path / "wrong.xml"
    file.write_text(OWN_MODEL.replace("<freejoint/>", '<freejoint/><site name="elsewhere"/>'))
    with pytest.raises(ConfigError, match=r"'elsewhere' of .* is not on the arm"):
        urdf_from_model(replace(own_arm, file=str(file), tool="elsewhere"))
