"""The runner against small processes that only pretend to be nodes; no ROS."""

import os
import signal
import socket
import textwrap
import time

import pytest

from crl_robot.errors import ConfigError
from crl_robot.graph import FIRST_PORT, PORTS_PER_DOMAIN, Graph, GraphError, NodeCommand

PRETENDERS = {
    "runs": """
        import os, signal, sys, time
        signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
        print(os.environ["ROS_DOMAIN_ID"], os.environ["FASTDDS_DEFAULT_PROFILES_FILE"], *sys.argv[1:])
        while True:
            time.sleep(0.01)
        """,
    "dies": "import sys; print('goal image is missing', file=sys.stderr); sys.exit(2)",
    "stubborn": """
        import signal, time
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("ready")
        while True:
            time.sleep(0.01)
        """,
}


@pytest.fixture
def node(tmp_path, monkeypatch):
    """Makes a NodeCommand that runs one of the PRETENDERS."""
    for name, source in PRETENDERS.items():
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("ROS_DOMAIN_ID", raising=False)
    return lambda name, **parameters: NodeCommand(name, name, "ros/policy.yaml", parameters)


def wait_for_log(graph, name, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not (text := graph.log_path(name).read_text()):
        assert time.monotonic() < deadline, f"{name} wrote nothing"
        time.sleep(0.02)
    return text


def check_for(graph, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        graph.check()
        time.sleep(0.02)


def running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_nodes_get_parameter_file_overrides_and_transport_profile(node, tmp_path):
    with Graph([node("runs", goal="a file.png", rate_hz=5.0, on=True)], tmp_path / "log") as graph:
        words = wait_for_log(graph, "runs")
        assert "--ros-args --params-file" in words
        assert '-p goal:="a file.png" -p rate_hz:=5.0 -p on:=true' in words
        assert "fastdds.xml" in words
        assert words.split()[0] == graph.env["ROS_DOMAIN_ID"]


def test_no_process_is_left_and_exit_codes_are_reported(node, tmp_path):
    with Graph([node("runs")], tmp_path) as graph:
        wait_for_log(graph, "runs")
        pid = graph.pid("runs")
        assert graph.stop() == {"runs": 0}
    assert not running(pid)


def test_one_death_ends_the_others_and_its_code_and_last_words_are_reported(node, tmp_path):
    with Graph([node("runs"), node("dies")], tmp_path) as graph:
        pid = graph.pid("runs")
        wait_for_log(graph, "dies")
        with pytest.raises(GraphError, match="goal image is missing") as caught:
            check_for(graph, seconds=20)
        assert not running(pid)
    assert caught.value.exit_code == 2
    assert "dies" in str(caught.value)


def test_a_process_deaf_to_sigint_gets_sigterm(node, tmp_path, caplog):
    with Graph([node("stubborn")], tmp_path, patience_s=0.2) as graph:
        wait_for_log(graph, "stubborn")
        assert graph.stop() == {"stubborn": -signal.SIGTERM}
    assert "SIGINT" in caplog.text


def test_an_exception_in_the_callers_block_ends_the_nodes(node, tmp_path):
    pids = []

    def fail_while_running():
        with Graph([node("runs")], tmp_path) as graph:
            pids.append(graph.pid("runs"))
            raise KeyError("caller")

    with pytest.raises(KeyError, match="caller"):
        fail_while_running()
    assert not running(pids[0])


def test_two_graphs_never_share_a_domain(node, tmp_path):
    with Graph([], tmp_path) as one, Graph([], tmp_path) as two:
        assert one.env["ROS_DOMAIN_ID"] != two.env["ROS_DOMAIN_ID"]


def test_a_taken_domain_is_passed_over_and_a_domain_set_outside_is_kept(node, tmp_path, monkeypatch):
    with Graph([], tmp_path) as graph:
        first_choice = int(graph.env["ROS_DOMAIN_ID"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", FIRST_PORT + PORTS_PER_DOMAIN * first_choice))
        with Graph([], tmp_path) as graph:
            assert graph.env["ROS_DOMAIN_ID"] != str(first_choice)
    monkeypatch.setenv("ROS_DOMAIN_ID", "77")
    with Graph([], tmp_path) as graph:
        assert "ROS_DOMAIN_ID" not in graph.env


def test_a_parameter_file_that_is_not_installed_is_refused(node, tmp_path):
    with (
        pytest.raises(ConfigError, match=r"nothing\.yaml"),
        Graph([NodeCommand("x", "runs", "nothing.yaml")], tmp_path),
    ):
        pass


def test_a_node_that_was_killed_is_started_again_with_its_own_command_line(tmp_path, node):
    with Graph([node("runs", goal="a.png")], tmp_path / "log") as graph:
        wait_for_log(graph, "runs")
        first = graph.pid("runs")
        with pytest.raises(GraphError, match="kill it first"):
            graph.restart("runs")
        graph.kill("runs")
        assert not running(first)
        graph.restart("runs")
        assert graph.pid("runs") != first
        check_for(graph, 0.1)
        deadline = time.monotonic() + 20
        while graph.log_path("runs").read_text().count("goal:=") < 2:
            assert time.monotonic() < deadline, "it said nothing again"
            time.sleep(0.02)
