"""The shipped parameter files of the nodes."""

from pathlib import Path

import pytest
import yaml

FILES = sorted((Path(__file__).parents[2] / "configs" / "ros").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_section_holds_for_its_node_in_every_namespace(file: Path):
    sections = yaml.safe_load(file.read_text())
    assert sections
    assert all(name.startswith("/**/") and set(section) == {"ros__parameters"} for name, section in sections.items())
