"""colcon builds the ROS package crl_learning from this; pip reads the pyproject.toml in the root instead."""

from setuptools import find_packages, setup

setup(
    name="crl_learning",
    version="0.1.0",
    packages=find_packages(include=["crl_learning", "crl_learning.*"]),
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/crl_learning"]),
        ("share/crl_learning", ["package.xml"]),
    ],
    entry_points={"console_scripts": ["policy = crl_learning.nodes.policy_node:main"]},
)
