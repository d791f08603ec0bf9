"""colcon builds the ROS package crl_bringup from this: launch files, configs/ and models/, no Python package."""

from pathlib import Path

from setuptools import setup

ROOT = Path("..")


def tree(folder: str) -> list[tuple[str, list[str]]]:
    """Every file below a folder of the repository, with the same path below share/crl_bringup."""
    files = sorted(path for path in (ROOT / folder).rglob("*") if path.is_file())
    return [(f"share/crl_bringup/{path.parent.relative_to(ROOT)}", [str(path)]) for path in files]


setup(
    name="crl_bringup",
    version="0.1.0",
    packages=[],
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/crl_bringup"]),
        ("share/crl_bringup", ["package.xml"]),
        ("share/crl_bringup/launch", [str(path) for path in sorted(Path("launch").glob("*.launch.py"))]),
        *tree("configs"),
        *tree("models"),
    ],
)
