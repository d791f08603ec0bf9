"""A place of its own in Fast DDS for every start of a node.

A process takes the lowest participant number that is free, and that number decides its ports in shared memory. Started
again after SIGKILL it would take those of the dead process, to which the others still hold mappings: it hears some of
them only after seconds, or never (Fast DDS issues 2811 and 5469). A number that nobody had lately has fresh ports.

A process that writes to a reader which was killed can also wait for a lock that the dead one held. What must not wait
for anybody leaves shared memory out: then everything goes through UDP, which is enough for small messages.
"""

from __future__ import annotations

import os
import random
import socket
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROFILE_VARIABLE = "FASTDDS_DEFAULT_PROFILES_FILE"
SHARED_MEMORY = "shared_memory"
"""Id of that transport in configs/ros/fastdds.xml."""
NUMBERS = range(8, 32)
"""Those for nodes, of the 32 participants of one machine that ROS 2 finds when it looks for none elsewhere. Other
programs take the lowest, where they meet no ports of a killed node."""
_SPACE = "http://www.eprosima.com"
_PORT_FILES = Path("/dev/shm")


@contextmanager
def own_place(shared_memory: bool = True) -> Iterator[None]:
    """While the first node is made: the profile that the environment names, with a participant number of its own.

    A profile that names a number, or has no participant, is left as it is.
    """
    named = os.environ.get(PROFILE_VARIABLE, "")
    text = numbered(Path(named), shared_memory) if Path(named).is_file() else None
    if text is None:
        yield
        return
    with tempfile.NamedTemporaryFile("w", suffix=".xml", prefix="fastdds-") as own:
        own.write(text)
        own.flush()
        os.environ[PROFILE_VARIABLE] = own.name
        try:
            yield
        finally:
            os.environ[PROFILE_VARIABLE] = named


def numbered(profile: Path, shared_memory: bool = True) -> str | None:
    """A profile's text with a fresh participant number; None where there is nothing to number."""
    try:
        root = ET.parse(profile).getroot()
    except (OSError, ET.ParseError):
        return None  # Fast DDS says so itself
    participant = root.find(f".//{{{_SPACE}}}rtps")
    if participant is None or participant.find(f"{{{_SPACE}}}participantID") is not None:
        return None
    number = fresh_number(int(os.environ.get("ROS_DOMAIN_ID") or 0))
    if number is None:
        return None
    own = ET.Element(f"{{{_SPACE}}}participantID")
    own.text = str(number)
    participant.insert(0, own)
    if not shared_memory:
        _leave_out_shared_memory(participant)
    ET.register_namespace("", _SPACE)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def fresh_number(domain: int) -> int | None:
    """The free participant number whose ports were used longest ago; None when all are taken.

    Ports as of RTPS 2.2, section 9.6.1.
    """
    first, left = 7400 + 250 * domain + 10, _ports_left()

    def last_used(number: int) -> float:
        return max(left.get(first + 2 * number, 0.0), left.get(first + 2 * number + 1, 0.0))

    order = sorted(NUMBERS, key=lambda number: (last_used(number), random.random()))
    return next((number for number in order if _is_free(first + 2 * number)), None)


def _ports_left() -> dict[int, float]:
    """Ports whose shared memory is there, and since when: those in use, and those that killed processes left."""
    left: dict[int, float] = {}
    for file in _PORT_FILES.glob("fast*_port*"):
        port = file.name.rpartition("_port")[2]
        with suppress(FileNotFoundError):  # its process may end just now
            if port.isdecimal():
                left[int(port)] = file.stat().st_mtime
    return left


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


def _leave_out_shared_memory(participant: ET.Element) -> None:
    for transports in participant.findall(f"{{{_SPACE}}}userTransports"):
        for transport in list(transports):
            if transport.text == SHARED_MEMORY:
                transports.remove(transport)
