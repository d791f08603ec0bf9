import numpy as np
import pytest

from crl_robot.emulators.servo_bus.packets import Packet, PacketStream, crc16, encode, status, stuffed, unstuffed

sdk = pytest.importorskip("dynamixel_sdk")


def test_the_checksum_is_that_of_the_vendor():
    handler, rng = sdk.PacketHandler(2.0), np.random.default_rng(0)
    for size in (1, 8, 100):
        data = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
        assert crc16(data) == handler.updateCRC(0, data, size)


def test_the_ping_of_the_manual_is_written_byte_for_byte():
    assert encode(1, b"\x01").hex() == "fffffd00010300011" + "94e"


def test_what_looks_like_a_header_is_stuffed_and_comes_back():
    body = b"\x03\x74\x00\xff\xff\xfd\xff\xff\xfd\xfd\x01"
    assert stuffed(body) == b"\x03\x74\x00\xff\xff\xfd\xfd\xff\xff\xfd\xfd\xfd\x01"
    assert unstuffed(stuffed(body)) == body
    assert list(PacketStream().feed(encode(5, body))) == [Packet(5, 3, body[1:])]


def test_packets_are_found_in_pieces_and_behind_noise():
    stream, found = PacketStream(), []
    for byte in b"\xff\xff\x12" + encode(1, b"\x01") + b"\xff" + encode(2, b"\x02\x84\x00\x04\x00"):
        found += list(stream.feed(bytes([byte])))
    assert [(p.servo_id, p.instruction) for p in found] == [(1, 1), (2, 2)]
    assert stream.skipped == 4


def test_a_damaged_packet_is_marked():
    raw = bytearray(encode(1, b"\x02\x84\x00\x04\x00"))
    raw[8] ^= 1
    (packet,) = PacketStream().feed(bytes(raw))
    assert not packet.intact


def test_an_absurd_length_does_not_swallow_what_follows():
    assert [p.servo_id for p in PacketStream().feed(b"\xff\xff\xfd\x00\x01\xff\xff" + encode(3, b"\x01"))] == [3]


def test_random_bytes_never_break_the_parser():
    rng, stream = np.random.default_rng(1), PacketStream()
    for _ in range(200):
        list(stream.feed(rng.choice([0xFF, 0xFD, 0x00, 0x03, 0x55], 50).astype(np.uint8).tobytes()))
    stream.clear()
    assert [p.servo_id for p in stream.feed(encode(4, b"\x01"))] == [4]


def test_a_status_packet_carries_error_and_data():
    (packet,) = PacketStream().feed(status(7, 0x84, b"\x01\x02"))
    assert (packet.servo_id, packet.instruction, packet.parameters) == (7, 0x55, b"\x84\x01\x02")
