"""A lifecycle node in this process: steps that fail, steps with a bug, settings."""

import pytest

pytest.importorskip("rclpy")

import rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from crl_robot.errors import ArmError, ConfigError
from crl_robot.nodes.common import CrlNode, NodeError

pytestmark = pytest.mark.ros


class Recorded(CrlNode):
    """Notes its steps; ``errors`` says which of them raise what."""

    def __init__(self, **errors):
        super().__init__("recorded")
        self.steps, self.errors = [], errors

    def note(self, step):
        self.steps.append(step)
        if step in self.errors:
            raise self.errors[step]

    def open_all(self):
        self.note("open")

    def start(self):
        self.note("start")

    def pause(self):
        self.note("pause")

    def close_all(self):
        self.note("close")


@pytest.fixture
def make():
    rclpy.init(args=["--ros-args", "-p", "rate:=15", "-p", "sped:=1.0"])
    nodes = []

    def node(**errors):
        nodes.append(Recorded(**errors))
        return nodes[-1]

    yield node
    for made in nodes:
        made.destroy_node()
    rclpy.try_shutdown()


def test_a_step_that_fails_leaves_the_node_where_it_was_and_closed(make):
    node = make(open=ArmError("no arm"))
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert node.steps == ["open", "close"]
    assert node.failure is None
    node.errors.clear()
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS


@pytest.mark.parametrize(
    ("step", "steps"), [("open", ["open", "close"]), ("start", ["open", "start", "pause", "close"])]
)
def test_a_bug_in_a_step_holds_the_arm_closes_the_node_and_ends_the_process(make, step, steps):
    """rclpy swallowed the error without a word, and the node stayed half open and active."""
    node = make(**{step: ZeroDivisionError()})
    node.trigger_configure()
    if step == "start":
        node.trigger_activate()
    assert node.steps == steps
    assert not node.active
    assert isinstance(node.failure, NodeError)


def test_a_bug_while_pausing_does_not_keep_devices_open(make):
    node = make(pause=ZeroDivisionError())
    node.trigger_configure()
    node.trigger_activate()
    with pytest.raises(ZeroDivisionError):
        node.leave()
    assert node.steps[-1] == "close"


def test_a_whole_number_is_taken_for_a_real_setting_and_an_unknown_setting_is_refused(make):
    node = make()
    assert node.setting("rate", 5.0, "frames a second", 1.0, 60.0) == 15.0
    node.setting("speed", 1.0, "how fast")
    with pytest.raises(ConfigError, match="did you mean 'speed'"):
        node.autostart()


def test_settings_are_described_and_cannot_be_changed_unless_said_so(make):
    node = make()
    node.setting("limit", 1.0, "how far")
    assert node.describe_parameter("limit").description == "how far"
    assert not node.set_parameters([Parameter("limit", value=2.0)])[0].successful
