"""What a mapping says, and what it refuses."""

import re
from pathlib import Path

import pytest
import yaml

from crl_data.exchange.errors import MappingError
from crl_data.exchange.mapping import SourceMapping
from crl_data.exchange.mapping_file import from_settings, mapping_from_dict, merged, read_mapping_file
from crl_data.exchange.rosbag import OPTIONS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame": "tool"}, "frame is 'tool', expected 'base'"),
        ({"robott": "x"}, "unknown key 'robott' in the mapping, did you mean 'robot'"),
        ({"action": {"kind": "velocity"}}, "action.kind is 'velocity'"),
        ({"action": {"rotation_as": "euler"}}, "rotation_as is 'euler'"),
        ({"action": {"positions": "a"}}, "unknown key 'positions' in action, did you mean 'position'"),
        ({"gripper": {"value": "w", "open": 1, "closed": 1}}, "both 1.0"),
        ({"gripper": {"value": "w", "open": 1, "closed": None}}, "gripper.closed is None, expected a number"),
        ({"rate": 0}, "rate is 0.0, expected a rate above 0"),
        ({"rate": "fast"}, "rate is 'fast', expected a number"),
        ({"quality": 101}, "quality is 101"),
        ({"cameras": {"a": "x", "b": "x"}}, "expected different names"),
        ({"cameras": {"a": "../x"}}, "expected different names of letters"),
        ({"encoding": "jpg"}, "encoding is 'jpg', did you mean 'jpeg'"),
        ({"labels": "both"}, "labels is 'both'"),
        ({"tool": None, "action": {"kind": "absolute"}, "reference": "measured"}, "'tool' must say"),
        ({"joints": {"names": "a", "position": "q"}}, "expected a list of names"),
    ],
)
def test_a_wrong_mapping_is_refused_with_what_was_meant(changes, message, mapping):
    with pytest.raises(MappingError, match=message):
        mapping(**changes)


def test_everything_that_is_missing_is_listed_with_its_flag():
    with pytest.raises(MappingError) as error:
        mapping_from_dict({"robot": "ur5"}).require_complete("columns: action [7]")
    text = str(error.value)
    assert all(
        flag in text for flag in ("--rate", "--reference", "--frame", "--labels", "action.kind", "columns: action")
    )
    assert "--robot" not in text


def test_of_several_cameras_one_must_be_named():
    with pytest.raises(MappingError, match="--camera a=NAME --camera b=NAME"):
        SourceMapping().choose_cameras(["a", "b"])
    with pytest.raises(MappingError, match="no camera 'wirst', did you mean 'wrist'"):
        SourceMapping(cameras={"wirst": "w"}).choose_cameras(["wrist"])
    assert SourceMapping().choose_cameras(["only"]) == {"only": "only"}


def test_flags_overrule_a_file_table_by_table(tmp_path, mapping_text):
    path = tmp_path / "übung map.yaml"
    path.write_text(mapping_text)
    data = merged(read_mapping_file(path), from_settings(["action.gripper.open=0.5", "tool=null", "rate=20"]))
    said = mapping_from_dict(data)
    assert said.action is not None
    assert said.action.gripper is not None
    assert (said.action.gripper.open, said.action.gripper.closed, said.rate, said.tool) == (0.5, 0.0, 20.0, None)


@pytest.mark.parametrize("text", ["- a list", "{", "\xff\xfe"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    path = tmp_path / "map.yaml"
    path.write_bytes(text.encode("latin1"))
    with pytest.raises(MappingError, match=r"map\.yaml"):
        read_mapping_file(path)


def test_the_mappings_in_the_documentation_are_complete():
    text = (Path(__file__).parents[3] / "docs/exchange.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        mapping_from_dict(yaml.safe_load(block), OPTIONS).require_complete("")
