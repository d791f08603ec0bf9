"""colcon builds the ROS package crl_learning from this; pip reads the pyproject.toml in the root instead."""

from setuptools import find_packages, setup

EXECUTABLES = ("page", "policy", "real_eval", "run_recorder")

setup(
    name="crl_learning",
    version="0.1.0",
    packages=find_packages(include=["crl_learning", "crl_learning.*"]),
    package_data={"crl_learning.page": ["static/*", "report_static/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/crl_learning"]),
        ("share/crl_learning", ["package.xml"]),
    ],
    entry_points={"console_scripts": [f"{name} = crl_learning.nodes.{name}_node:main" for name in EXECUTABLES]},
)
