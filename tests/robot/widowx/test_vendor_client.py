"""The vendor's own client, in another process, against the emulated bus with the timing of 1 Mbps."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from crl_robot.emulators.servo_bus.arms import simple_bus
from crl_robot.emulators.servo_bus.line import EmulatedBus
from crl_robot.widowx.servo_table import load_servo_table

pytest.importorskip("dynamixel_sdk")

CLIENT = textwrap.dedent(
    """
    import json, sys
    from dynamixel_sdk import COMM_SUCCESS, GroupSyncRead, GroupSyncWrite, PacketHandler, PortHandler

    def sure(call, succeeded):
        # The client gives up after 36 ms, which a busy machine may need to run both processes.
        for _ in range(20):
            result = call()
            if succeeded(result):
                return result
        raise SystemExit(f"no success, last {result}")

    port, packets = PortHandler(sys.argv[1]), PacketHandler(2.0)
    assert port.openPort() and port.setBaudRate(1000000)
    found, _ = sure(lambda: packets.broadcastPing(port), lambda r: r[1] == COMM_SUCCESS)
    pinged = {i: sure(lambda: packets.ping(port, i), lambda r: r[1] == COMM_SUCCESS)[0] for i in found}
    write = GroupSyncWrite(port, packets, 116, 4)
    for i, goal in json.loads(sys.argv[2]).items():
        sure(lambda: packets.write1ByteTxRx(port, int(i), 64, 1), lambda r: r == (COMM_SUCCESS, 0))
        assert write.addParam(int(i), list(goal.to_bytes(4, "little")))
    assert write.txPacket() == COMM_SUCCESS
    read = GroupSyncRead(port, packets, 126, 10)
    for i in found:
        read.addParam(i)
    for _ in range(60):
        sure(read.txRxPacket, lambda r: r == COMM_SUCCESS)
    positions = {i: read.getData(i, 132, 4) for i in found}
    refused = sure(lambda: packets.write1ByteTxRx(port, 1, 11, 3), lambda r: r[0] == COMM_SUCCESS)[1]
    missing = packets.ping(port, 77)[1]
    port.closePort()
    print(json.dumps({"pinged": pinged, "positions": positions, "refused": refused, "missing": missing}))
    """
)
GOALS = {1: 2060, 2: 2030, 4: 2066, 6: 2048, 7: 2070, 8: 2040, 9: 2050}


@pytest.fixture(scope="module")
def answers():
    table = load_servo_table("wx250s")
    with EmulatedBus(simple_bus(table, np.zeros(7)), baud=1_000_000) as line:
        command = [sys.executable, "-c", CLIENT, line.path, json.dumps(GOALS)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_finds_every_servo_and_its_model(answers):
    models = dict.fromkeys(range(1, 8), 1020) | {8: 1060, 9: 1060}
    assert {int(i): number for i, number in answers["pinged"].items()} == models


def test_its_sync_write_moves_the_servos_and_its_sync_read_sees_it(answers):
    positions = {int(i): p for i, p in answers["positions"].items()}
    for servo_id, goal in GOALS.items():
        assert positions[servo_id] == pytest.approx(goal, abs=3)
    assert positions[3] == pytest.approx(GOALS[2], abs=3), "the shadow went with its partner"


def test_it_is_told_of_refusals_and_of_silence(answers):
    assert answers["refused"] == 7
    assert answers["missing"] == -3001
