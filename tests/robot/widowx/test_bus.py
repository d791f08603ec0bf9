"""Reads and retries against a port whose answers come as late as the test wants, in the order of the questions."""

import itertools

import pytest

from crl_robot.widowx.bus import Bus, NoAnswerError, RefusedError
from crl_robot.widowx.control_table import TEMPERATURE
from crl_robot.widowx.port import SUCCESS, TIMEOUT, WRONG_ANSWER
from crl_robot.widowx.settings import ServoArmSettings


class LatePort:
    """An answer arrives only after ``lag`` further questions; its first byte is the number of its question."""

    def __init__(self):
        self.lag = 0
        self.error = 0
        self.asked = 0
        self._on_the_way = []

    def read(self, servo_id, address, size):
        self._ask(servo_id, size)
        return self.next_answer(servo_id, size)

    def write(self, servo_id, address, data):
        self._ask(servo_id, 0)
        return self.next_answer(servo_id, 0)

    def sync_read_request(self, ids, address, size):
        self._ask(ids[0], size)
        for servo_id in ids[1:]:
            self._on_the_way.append((self.asked, servo_id, bytes([self.asked % 256]) * size))
        return SUCCESS

    def next_answer(self, servo_id, size):
        if not self._on_the_way or self._on_the_way[0][0] + self.lag > self.asked:
            return TIMEOUT, 0, b""
        _, who, data = self._on_the_way.pop(0)
        return (SUCCESS, self.error, data) if (who, len(data)) == (servo_id, size) else (WRONG_ANSWER, 0, b"")

    def _ask(self, servo_id, size):
        self.asked += 1
        self._on_the_way.append((self.asked, servo_id, bytes([self.asked % 256]) * size))


@pytest.fixture
def port():
    return LatePort()


@pytest.fixture
def bus(port):
    return Bus(port, [1, 2, 3], ServoArmSettings(retries=2))


@pytest.mark.parametrize("lags", [(1,), (2,), (3,), (2, 0), (0, 2, 1), (3, 1, 0, 2), (5, 0, 1)])
def test_late_answers_are_never_taken_for_the_next(bus, port, lags):
    """Failed for a lag of 2 while the bus was brought in step by pings: the late answer of one ping looked like that
    of the next, and the answer to a read between the two became the following reading."""
    lag = itertools.cycle(lags)
    for _ in range(60):
        port.lag = next(lag)
        try:
            answers, _ = bus.sync_read([1, 2], 126, 10)
        except NoAnswerError:
            continue
        assert {data[0] for data in answers.values()} == {port.asked % 256}


def test_the_bus_is_back_in_step_as_soon_as_answers_are_in_time(bus, port):
    port.lag = 4
    with pytest.raises(NoAnswerError, match="failed 3 times, last: no"):
        bus.read(3, TEMPERATURE)
    port.lag = 0
    assert bus.read(3, TEMPERATURE) == port.asked
    assert bus.counts["failed"] == 1


def test_retries_are_bounded_and_counted(bus, port):
    port.lag = 10**6
    with pytest.raises(NoAnswerError):
        bus.sync_read([1, 2], 126, 10)
    assert bus.counts["retried"] == 2
    assert port.asked <= 3 + 2 * 2


def test_a_refusal_is_not_tried_again(bus, port):
    port.error = 7
    with pytest.raises(RefusedError, match="EEPROM needs torque off") as caught:
        bus.write(1, TEMPERATURE, 1)
    assert caught.value.number == 7
    assert port.asked == 1


def test_an_alert_is_noted_and_the_data_are_used(bus, port):
    port.error = 0x80
    assert bus.read(2, TEMPERATURE) == 1
    assert bus.alerts == {2}
    port.error = 0
    bus.read(2, TEMPERATURE)
    assert bus.alerts == set()


def test_the_longest_silence_is_infinite_after_a_failure(bus, port):
    bus.read(1, TEMPERATURE)
    assert bus.longest_silence_s < 10
    port.lag = 10**6
    with pytest.raises(NoAnswerError):
        bus.read(1, TEMPERATURE)
    assert bus.longest_silence_s == float("inf")
