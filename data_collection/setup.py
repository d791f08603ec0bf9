"""colcon builds the ROS package crl_data from this; pip reads the pyproject.toml in the root instead."""

from setuptools import find_packages, setup

EXECUTABLES = ("gamepad", "keyboard", "recorder", "session", "spacemouse", "teleop")

setup(
    name="crl_data",
    version="0.1.0",
    packages=find_packages(include=["crl_data", "crl_data.*"]),
    package_data={"crl_data.view": ["static/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/crl_data"]),
        ("share/crl_data", ["package.xml"]),
    ],
    entry_points={"console_scripts": [f"{name} = crl_data.nodes.{name}_node:main" for name in EXECUTABLES]},
)
