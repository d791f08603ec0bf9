"""What all tests share: ROS settings that must stand before rclpy is imported, and the order of torch and MuJoCo."""

import os
from contextlib import suppress
from importlib.util import find_spec

import pytest

os.environ["ROS_PYTHON_CHECK_FIELDS"] = "1"
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"

with suppress(ModuleNotFoundError):
    # Imported after MuJoCo opened a GL context, torch crashes the process; so does the compiler that optimisers load.
    import torch
    import torch._dynamo  # noqa: F401


WALL_CLOCK = ("robot/bench/", "robot/cameras/", "robot/sawyer/", "robot/widowx/")
"""Folders of tests whose emulators answer in real time, beside all that is marked `ros`."""
GIVING_WAY = 5
"""Niceness of all other tests, where the user may take it back."""


def on_the_wall_clock(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("ros")) or any(folder in item.nodeid for folder in WALL_CLOCK)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the wall clock run in two rows, so that parallel workers do not starve them.

    Each may fail once: a machine that stops a process for a second breaks any deadline. The second time it is a fault,
    and what was repeated stands in the summary.
    """
    for item in items:
        if on_the_wall_clock(item):
            row = "learning" if "tests/learning/" in item.nodeid else "robot_and_data"
            item.add_marker(pytest.mark.xdist_group(f"wall_clock_{row}"))
            item.add_marker(pytest.mark.flaky(reruns=1))
    if find_spec("rclpy") is not None:
        return
    for item in items:
        if item.get_closest_marker("ros"):
            item.add_marker(pytest.mark.skip(reason="rclpy is not installed"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item):
    """Tests that only compute give way to those on the wall clock."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    gives_way = os.geteuid() == 0 and not on_the_wall_clock(item)
    if gives_way:
        os.setpriority(os.PRIO_PROCESS, 0, usual + GIVING_WAY)
    try:
        return (yield)
    finally:
        if gives_way:
            os.setpriority(os.PRIO_PROCESS, 0, usual)
