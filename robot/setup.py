"""colcon builds the ROS package crl_robot from this; pip reads the pyproject.toml in the root instead."""

from setuptools import find_packages, setup

EXECUTABLES = ("arm", "camera", "replay_cameras", "sim")

setup(
    name="crl_robot",
    version="0.1.0",
    packages=find_packages(include=["crl_robot", "crl_robot.*"]),
    package_data={"crl_robot": ["assets/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/crl_robot"]),
        ("share/crl_robot", ["package.xml"]),
    ],
    entry_points={"console_scripts": [f"{name} = crl_robot.nodes.{name}_node:main" for name in EXECUTABLES]},
)
