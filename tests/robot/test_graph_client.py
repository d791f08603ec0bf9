"""The base of those who ask a graph and listen to it."""

import os
import time

import pytest

pytest.importorskip("rclpy")

from rclpy.task import Future
from std_srvs.srv import SetBool, Trigger

from crl_robot.graph import GraphError
from crl_robot.nodes.graph_client import GraphClient

pytestmark = pytest.mark.ros


class Impatient(GraphClient):
    answer_s = 0.2


@pytest.fixture
def client():
    env = {"ROS_DOMAIN_ID": str(1 + os.getpid() % 99), "ONLY_HERE": "1"}
    with Impatient("asks", env, lambda: None) as client:
        yield client
    assert "ONLY_HERE" not in os.environ


def served(client, kind, success):
    """A client of a service of the same node."""

    def answer(request, response):
        response.success, response.message = success, f"{getattr(request, 'data', 'asked')}"
        return response

    client.node.create_service(kind, "thing", answer)
    service = client.node.create_client(kind, "thing")
    client.wait(service.service_is_ready, 15.0, "service")
    return service


def test_a_service_that_says_yes_gives_its_message(client):
    assert client.succeed(served(client, SetBool, True), SetBool.Request(data=True)) == "True"


def test_a_service_that_says_no_is_an_error_with_its_reason(client):
    with pytest.raises(GraphError, match="thing refused: asked"):
        client.succeed(served(client, Trigger, False))


def test_a_service_that_does_not_answer_is_an_error_in_time(client):
    nobody = client.node.create_client(Trigger, "nobody")
    with pytest.raises(GraphError, match=r"no answer from .*nobody"):
        client.call(nobody, Trigger.Request())


def test_a_request_whose_answer_got_lost_is_asked_again(client):
    asked = []

    class Deaf:
        """A client of a service that the first answer does not reach."""

        def __init__(self, service):
            self.service, self.srv_name = service, service.srv_name

        def call_async(self, request):
            asked.append(request)
            return Future() if len(asked) == 1 else self.service.call_async(request)

    deaf = Deaf(served(client, Trigger, True))
    assert client.call(deaf, Trigger.Request(), again_s=0.05).success
    assert len(asked) == 2
    asked.clear()
    with pytest.raises(GraphError, match="no answer from"):
        client.call(deaf, Trigger.Request())
    assert len(asked) == 1


def test_a_wait_that_fails_says_what_is_missing_at_its_end(client):
    missing = iter(["camera, arm", "arm"])
    next(missing)
    with pytest.raises(GraphError, match="no arm within"):
        client.wait(lambda: False, 0.05, lambda: next(missing))


def test_waiting_takes_in_messages_for_that_long_and_looks_after_the_processes():
    def ended():
        raise GraphError("the sim process ended with code 3", 3)

    env = {"ROS_DOMAIN_ID": str(1 + os.getpid() % 99)}
    with GraphClient("asks", env, lambda: None) as client:
        begin = time.monotonic()
        client.wait_for(0.1)
        assert time.monotonic() - begin >= 0.1
    with GraphClient("asks", env, ended) as client, pytest.raises(GraphError, match="code 3"):
        client.wait_for(0.1)
