"""The arm's topics around a simulated arm in this process."""

import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy
from std_srvs.srv import SetBool, Trigger

from crl_robot.contracts import Action, ActionSpec
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ArmError
from crl_robot.kinematics import HOME_Q, Kinematics
from crl_robot.nodes.arm_topics import ArmTopics
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import msg_from_action
from crl_robot.sim.arm import SimArm
from crl_robot.sim.world import World

pytestmark = pytest.mark.ros


class Rig:
    def __init__(self, **options):
        self.node = CrlNode("arm")
        self.node.trigger_configure()
        self.world = World()
        self.arm = SimArm(self.world, lambda: self.node.get_clock().now().nanoseconds)
        self.topics = ArmTopics(self.node, self.arm, Kinematics(), ActionSpec(), SafetyLimits(), **options)

    def enabled(self):
        self.node.trigger_activate()
        self.topics.enable()
        return self.topics

    def mode(self):
        return self.topics.summary()["mode"]


@pytest.fixture
def rig():
    rclpy.init()
    rig = Rig()
    yield rig
    rig.node.destroy_node()
    rclpy.try_shutdown()


def test_an_arm_is_not_enabled_before_its_node_is_active(rig):
    with pytest.raises(ArmError, match="not active"):
        rig.topics.enable()
    assert rig.mode() == "disabled"


def test_an_arm_that_falls_silent_is_stopped_and_the_loop_goes_on_telling_so(rig):
    """The error ended the loop, so holding was never tried again."""
    topics = rig.enabled()
    topics.tick()
    rig.arm.close()
    for _ in range(3):
        topics.tick()
    assert rig.mode() == "estopped"
    assert topics.summary()["counters"]["arm_fault"] >= 1


@pytest.mark.parametrize("fails", [False, True])
def test_an_arm_that_was_taken_over_holds_where_it_is_put_and_stays_enabled(rig, fails):
    """A reset that was refused left the arm disabled."""
    topics = rig.enabled()
    q = np.add(HOME_Q, [0.2, 0, 0, 0, 0, 0])
    try:
        with topics.taken_over():
            rig.world.reset(q, (0.3, 0.12))
            if fails:
                raise ArmError("half-way")
    except ArmError:
        pass
    assert rig.mode() == "holding"
    np.testing.assert_allclose(rig.world.data.ctrl[:6], q)


def test_whoever_stops_an_arm_that_cannot_be_told_to_hold_hears_of_it(rig):
    """The services answered success, and the fault was in the message alone."""
    topics = rig.enabled()
    rig.arm.close()
    rig.arm.hold = _refuse
    for answer in (
        topics._on_enable(SetBool.Request(data=False), SetBool.Response()),
        topics._on_estop(Trigger.Request(), Trigger.Response()),
    ):
        assert not answer.success
        assert "estopped, but the arm was not told to hold" in answer.message
        assert "use the hardware stop" in answer.message


def _refuse():
    raise ArmError("no answer")


def test_a_nameless_publisher_is_known_by_what_its_actions_say(rig):
    """So on Jazzy, where the middleware names no publisher: policy and teleoperation were both obeyed."""
    topics = rig.enabled()
    for sequence, sender in enumerate(("/policy", "/teleop", "/policy"), 1):
        now_ns = rig.node.get_clock().now().nanoseconds
        msg = msg_from_action(Action(np.array([0, 0, 0.01, 0, 0, 0, 0.5]), now_ns), sender)
        topics._on_action(msg, {"publication_sequence_number": sequence})
    counters = topics.summary()["counters"]
    assert (counters["accepted"], counters["second_source"]) == (2, 1)


def test_the_status_names_the_robot_as_checkpoints_do():
    rclpy.init()
    try:
        rig = Rig(robot="widowx250s")
        assert rig.topics.summary()["robot"] == "widowx250s"
        rig.node.destroy_node()
    finally:
        rclpy.try_shutdown()
