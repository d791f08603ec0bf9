import socket
import urllib.request

import pytest

from crl_learning.page.board import Board
from crl_learning.page.server import make_app
from crl_learning.page.serving import Serving
from crl_robot.errors import ConfigError


def serving(make_robot, host, port, token=None):
    board = Board()
    return Serving(make_app(board, make_robot(board), token), host, port, token)


def test_it_serves_beside_its_caller_until_it_is_stopped(make_robot):
    page = serving(make_robot, "localhost", 0)
    address = page.start()
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.status == 200
    page.stop()
    port = int(address.rstrip("/").rpartition(":")[2])
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_an_address_for_other_machines_holds_the_token(make_robot):
    page = serving(make_robot, "127.0.0.2", 0, "secret")
    try:
        assert page.start().endswith("/?token=secret")
    finally:
        page.stop()


def test_a_port_that_is_taken_is_refused_with_what_to_do(make_robot):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        page = serving(make_robot, "localhost", taken.getsockname()[1])
        with pytest.raises(ConfigError, match="choose another host or port"):
            page.start()
        page.stop()
