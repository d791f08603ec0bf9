"""docs/collecting.md names every key, button and launch argument that there is."""

import itertools
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from crl_data.teleop.keyboard import BUTTON_KEYS, HOLD_KEY, MOTION_KEYS
from crl_data.teleop.layout import load_layout

ROOT = Path(__file__).parents[2]
NODES = sorted((ROOT / "data_collection" / "crl_data" / "nodes").glob("*.py"))
TEXT = (ROOT / "docs" / "collecting.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("layout", ["xbox", "playstation"])
def test_every_button_of_a_layout_is_in_the_table(layout):
    for label in load_layout(layout).labels.values():
        words = label.split()
        assert re.search(rf"\b{words[0]}\b", TEXT), label


def test_every_key_is_in_the_table():
    for key in {*MOTION_KEYS, *BUTTON_KEYS, HOLD_KEY} - {"\n", "\r"}:
        assert f"`{key}`" in TEXT, key
    assert "Enter" in TEXT


def test_the_lines_for_collecting_without_ros_name_modules_files_and_parameters_that_exist():
    lines = [line for line in TEXT.splitlines() if line.startswith("python -m ")]
    assert len(lines) >= 10
    for line in lines:
        words = line.split()
        assert find_spec(words[2]), line
        files = [value for flag, value in itertools.pairwise(words) if flag == "--params-file"]
        assert all((ROOT / file).is_file() for file in files), line
        for name in re.findall(r"-p (\w+):=", line):
            assert any(f'"{name}"' in path.read_text(encoding="utf-8") for path in NODES), name


def test_every_argument_of_the_launch_file_is_explained():
    source = (ROOT / "launch" / "launch" / "collect.launch.py").read_text(encoding="utf-8")
    for name in re.findall(r'DeclareLaunchArgument\(\s*"(\w+)"', source):
        assert f"`{name}`" in TEXT or f"{name}:=" in TEXT, name
