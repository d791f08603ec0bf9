"""The emulated rosbridge protocol, on text, without a socket."""

import json

import pytest

from crl_robot.emulators.rosbridge.session import Session


class FakeRobot:
    def __init__(self):
        self.publishes = {"/out": "std_msgs/Float64"}
        self.listens = {"/in": "std_msgs/Float64"}
        self.got = []

    def receive(self, topic, message):
        self.got.append((topic, message))

    def call(self, service, arguments):
        return {"echo": arguments} if service == "/echo" else None

    def tick(self, period_s):
        return []


class Client:
    def __init__(self):
        self.robot, self.answers = FakeRobot(), []
        self._session = Session(self.robot, lambda text: self.answers.append(json.loads(text)), discovery_s=0.05)

    def say(self, now_s=0.0, **message):
        self._session.handle(json.dumps(message), now_s)

    def raw(self, text):
        self._session.handle(text, 0.0)

    def robot_says(self, topic, data, now_s):
        self._session.deliver(topic, {"data": data}, now_s)

    def settle(self, now_s):
        self._session.settle(now_s)


@pytest.fixture
def client():
    return Client()


def test_a_subscriber_gets_messages_until_it_unsubscribes(client):
    client.say(op="subscribe", topic="/out", type="std_msgs/Float64", id="s1")
    client.robot_says("/out", 1.0, 0.0)
    client.say(op="unsubscribe", topic="/out", id="s1")
    client.robot_says("/out", 2.0, 1.0)
    assert client.answers == [{"op": "publish", "topic": "/out", "msg": {"data": 1.0}}]


def test_throttle_rate_is_the_least_time_between_two_messages(client):
    client.say(op="subscribe", topic="/out", throttle_rate=50)
    for tick in range(20):
        client.robot_says("/out", tick, tick * 0.01)
    assert [answer["msg"]["data"] for answer in client.answers] == [0, 5, 10, 15]


def test_what_is_published_right_after_advertising_is_lost_unless_latched(client):
    client.say(op="advertise", topic="/in", type="std_msgs/Float64")
    client.say(0.01, op="publish", topic="/in", msg={"data": 1.0})
    client.say(0.02, op="publish", topic="/in", msg={"data": 2.0}, latch=True)
    assert client.robot.got == []
    client.settle(0.06)
    client.say(0.07, op="publish", topic="/in", msg={"data": 3.0})
    assert client.robot.got == [("/in", {"data": 2.0}), ("/in", {"data": 3.0})]


@pytest.mark.parametrize("message", [{"data": "1"}, {"date": 1.0}, {"data": True}, {"data": None}, [1.0]])
def test_a_message_that_does_not_fit_its_type_is_answered_by_an_error_and_dropped(client, message):
    client.say(op="advertise", topic="/in", type="std_msgs/Float64")
    client.say(1.0, op="publish", topic="/in", msg=message, id="p1")
    [status] = client.answers
    assert (status["op"], status["level"], status["id"]) == ("status", "error", "p1")
    assert client.robot.got == []


@pytest.mark.parametrize(
    "message",
    [
        {"op": "dance"},
        {"topic": "/out"},
        {"op": "subscribe"},
        {"op": "subscribe", "topic": "/nobody"},
        {"op": "subscribe", "topic": "/out", "type": "std_msgs/Bool"},
        {"op": "advertise", "topic": "/in", "type": "std_msgs/Bool"},
        {"op": "advertise", "topic": "/in", "type": "nowhere_msgs/Thing"},
        {"op": "publish", "topic": "/nobody", "msg": {}},
        {"op": "set_level", "level": "loud"},
    ],
)
def test_wrong_operations_are_answered_by_an_error(client, message):
    client.say(**message)
    assert [answer["level"] for answer in client.answers] == ["error"]


def test_text_that_is_not_json_is_answered_by_an_error(client):
    client.raw("{")
    client.raw("[]")
    assert [answer["op"] for answer in client.answers] == ["status", "status"]


def test_a_client_may_ask_for_silence_about_errors(client):
    client.say(op="set_level", level="none")
    client.say(op="dance")
    assert client.answers == []


def test_an_unadvertised_topic_has_to_be_discovered_again(client):
    client.say(op="advertise", topic="/in", type="std_msgs/Float64")
    client.say(op="unadvertise", topic="/in")
    client.say(1.0, op="publish", topic="/in", msg={"data": 1.0})
    assert client.robot.got == []


def test_services_answer_with_the_id_of_the_question(client):
    client.say(op="call_service", service="/echo", args={"a": 1}, id="c1")
    client.say(op="call_service", service="/nobody", id="c2")
    known, unknown = client.answers
    assert (known["result"], known["values"], known["id"]) == (True, {"echo": {"a": 1}}, "c1")
    assert (unknown["result"], unknown["id"]) == (False, "c2")
