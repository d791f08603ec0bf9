import os
import select
import time

import numpy as np
import pytest

from crl_robot.emulators.servo_bus.arms import simple_bus, world_bus
from crl_robot.emulators.servo_bus.line import EmulatedBus
from crl_robot.emulators.servo_bus.packets import PacketStream, encode
from crl_robot.errors import ConfigError
from crl_robot.sim.world import World
from crl_robot.widowx.servo_table import load_servo_table

IDS = bytes(range(1, 10))
SYNC_READ = encode(0xFE, b"\x82\x7e\x00\x0a\x00" + IDS)


@pytest.fixture
def make_line():
    made = []

    def make(**options):
        made.append(EmulatedBus(simple_bus(load_servo_table("wx250s"), np.zeros(7)), **options))
        return made[-1]

    yield make
    for line in made:
        line.close()


def ask(line, request):
    """The answer to one request, and the seconds until all of it was there."""
    port = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
    try:
        start, answer = time.monotonic(), b""
        os.write(port, request)
        while select.select([port], [], [], 2.0 if not answer else 0.02)[0]:
            answer += os.read(port, 4096)
            seconds = time.monotonic() - start
        return answer, seconds
    finally:
        os.close(port)


def test_an_answer_takes_as_long_as_its_bytes_on_a_1_mbps_wire(make_line):
    answer, seconds = ask(make_line(baud=1_000_000), SYNC_READ)
    assert len(answer) == 9 * 21
    assert seconds >= (len(SYNC_READ) + len(answer)) * 10e-6


def test_nine_servos_answer_a_sync_read_and_a_bulk_read_in_the_order_of_the_request(make_line):
    line = make_line()
    bulk = encode(0xFE, b"\x92" + b"".join(bytes([i, 132, 0, 4, 0]) for i in (9, 2)))
    assert [p.servo_id for p in PacketStream().feed(ask(line, SYNC_READ)[0])] == list(IDS)
    assert [p.servo_id for p in PacketStream().feed(ask(line, bulk)[0])] == [9, 2]


def test_an_unfinished_packet_is_forgotten_after_a_pause(make_line):
    line = make_line()
    port = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
    os.write(port, SYNC_READ[:9])
    os.close(port)
    time.sleep(0.08)  # the pause itself is what is tested
    assert len(ask(line, encode(1, b"\x01"))[0]) == 14


def test_a_client_that_never_reads_does_not_stop_the_bus(make_line):
    line = make_line()
    port = os.open(line.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    for _ in range(300):
        try:
            os.write(port, SYNC_READ)
        except BlockingIOError:
            break
    line.close()
    os.close(port)


def test_time_is_advanced_by_hand_only_on_a_manual_clock(make_line):
    with pytest.raises(TypeError, match="ManualClock"):
        make_line().advance(0.1)


def test_a_link_gives_the_port_a_fixed_name(make_line, tmp_path):
    line = make_line()
    for _ in range(2):
        line.link(tmp_path / "ttyDXL")
    assert str((tmp_path / "ttyDXL").readlink()) == line.path


def test_an_arm_that_the_world_does_not_hold_is_refused():
    with pytest.raises(ConfigError, match="the world holds an arm"):
        world_bus(load_servo_table("wx200"), World())
    with pytest.raises(ConfigError, match="expected 6 angles"):
        simple_bus(load_servo_table("wx200"), np.zeros(7))
