"""A worker thread ends when told, and never silently."""

import threading

import pytest

from crl_robot.errors import ArmError
from crl_robot.nodes.worker import Worker, WorkerError


def wait_for(event):
    assert event.wait(5.0)


def test_a_worker_steps_until_it_is_stopped_and_finishes_on_its_own_thread():
    stepped, threads = threading.Event(), []
    worker = Worker("w", 0.01, stepped.set, pytest.fail, lambda: threads.append(threading.current_thread().name))
    worker.start()
    wait_for(stepped)
    worker.stop()
    assert threads == ["w"]
    assert worker.stats.summary()["max"] < 5000


def test_an_error_of_a_step_is_handed_on():
    failed, failures = threading.Event(), []

    def step():
        raise ArmError("gone")

    worker = Worker("w", 0.01, step, lambda error: (failures.append(error), failed.set()))
    worker.start()
    wait_for(failed)
    assert str(failures[0]) == "gone"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_a_step_is_reported_as_an_ended_thread():
    failed, failures = threading.Event(), []

    def step():
        raise ZeroDivisionError

    worker = Worker("w", 0.01, step, lambda error: (failures.append(error), failed.set()))
    worker.start()
    wait_for(failed)
    worker.stop()
    assert isinstance(failures[0], WorkerError)


def test_a_worker_that_never_started_can_be_stopped():
    Worker("w", 0.01, pytest.fail, pytest.fail).stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_while_finishing_does_not_hide_the_failure():
    """A camera that could not be closed kept the process alive without pictures."""
    failed, failures = threading.Event(), []

    def step():
        raise ArmError("gone")

    def finish():
        raise ZeroDivisionError

    worker = Worker("w", 0.01, step, lambda error: (failures.append(error), failed.set()), finish)
    worker.start()
    wait_for(failed)
    worker.stop()
    assert str(failures[0]) == "gone"
