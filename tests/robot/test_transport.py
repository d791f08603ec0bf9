"""Every start of a node has a participant number of its own in Fast DDS."""

import os
import socket
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from crl_robot.nodes import transport
from crl_robot.nodes.transport import NUMBERS, PROFILE_VARIABLE, fresh_number, numbered, own_place
from crl_robot.resources import config_file

PROFILE = config_file("ros/fastdds.xml")
DOMAIN = 97
FIRST_PORT = 7400 + 250 * DOMAIN + 10


@pytest.fixture(autouse=True)
def port_files(tmp_path, monkeypatch):
    """The folder of shared memory, empty."""
    folder = tmp_path / "shm"
    folder.mkdir()
    monkeypatch.setattr(transport, "_PORT_FILES", folder)
    monkeypatch.setenv("ROS_DOMAIN_ID", str(DOMAIN))
    return folder


def texts(profile, tag):
    return [element.text for element in ET.fromstring(profile).iter(f"{{http://www.eprosima.com}}{tag}")]


def in_use(folder, number, age_s):
    """The file that a participant leaves which was killed so long ago."""
    file = folder / f"fastdds_port{FIRST_PORT + 2 * number + 1}"
    file.touch()
    os.utime(file, (1e9 - age_s, 1e9 - age_s))


def test_a_profile_gets_a_number_and_keeps_its_transports():
    profile = numbered(PROFILE)
    assert int(*texts(profile, "participantID")) in NUMBERS
    assert texts(profile, "segment_size") == texts(PROFILE.read_text(), "segment_size")
    assert {"shared_memory", "udp"} <= set(texts(profile, "transport_id"))


def test_a_node_that_must_not_wait_for_another_uses_no_shared_memory():
    participant = ET.fromstring(numbered(PROFILE, shared_memory=False)).find(".//{*}userTransports")
    assert [transport.text for transport in participant] == ["udp"]


@pytest.mark.parametrize("text", ["no XML", "<dds/>", "<dds xmlns='http://www.eprosima.com'><rtps><participantID>3"
                                  "</participantID></rtps></dds>"])  # fmt: skip
def test_other_profiles_are_left_as_they_are(tmp_path, text):
    (tmp_path / "own.xml").write_text(text)
    assert numbered(tmp_path / "own.xml") is None


def test_the_environment_names_the_numbered_profile_only_meanwhile(monkeypatch):
    monkeypatch.setenv(PROFILE_VARIABLE, str(PROFILE))
    with own_place():
        named = Path(os.environ[PROFILE_VARIABLE])
        assert texts(named.read_text(), "participantID")
    assert os.environ[PROFILE_VARIABLE] == str(PROFILE)
    assert not named.exists()


def test_without_a_profile_nothing_is_set(monkeypatch):
    monkeypatch.delenv(PROFILE_VARIABLE, raising=False)
    with own_place():
        assert PROFILE_VARIABLE not in os.environ


def test_a_number_whose_ports_are_taken_is_not_used():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", FIRST_PORT + 2 * 17))
        assert 17 not in {fresh_number(DOMAIN) for _ in range(200)}


def test_the_lowest_numbers_are_left_to_programs_that_choose_none():
    assert min(fresh_number(DOMAIN) for _ in range(200)) == 8


def test_the_ports_of_a_killed_process_are_used_last(port_files):
    for number in NUMBERS:
        if number != 11:
            in_use(port_files, number, age_s=number)
    assert fresh_number(DOMAIN) == 11
    in_use(port_files, 11, age_s=5)
    assert fresh_number(DOMAIN) == 31
