"""Configuration files are found in a checkout and in a colcon install."""

import pytest

from crl_robot import resources
from crl_robot.errors import ConfigError


def test_the_transport_profile_is_found_in_a_checkout():
    assert "32" in resources.config_file("ros/fastdds.xml").read_text()


def test_a_file_of_an_ament_prefix_is_found(tmp_path, monkeypatch):
    file = tmp_path / "share" / "crl_bringup" / "configs" / "ros" / "other.yaml"
    file.parent.mkdir(parents=True)
    file.touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path}")
    assert resources.config_file("ros/other.yaml") == file


def test_a_missing_file_is_refused_naming_the_places():
    with pytest.raises(ConfigError, match=r"configs/ros/none\.yaml"):
        resources.config_file("ros/none.yaml")
