"""Prints name==version of all that is installed beside the project: run it with a venv's Python."""

import re
import sys
from importlib.metadata import distributions
from pathlib import Path

NOT_PINNED = {"goal-image-control", "pip"}


def main() -> None:
    """Only what an installer put there: the ROS wheels carry more metadata, of names that are on no index."""
    pins = {
        re.sub(r"[-_.]+", "-", distribution.name).lower(): distribution.version
        for distribution in distributions(path=[entry for entry in sys.path if Path(entry).is_relative_to(sys.prefix)])
        if distribution.read_text("INSTALLER") is not None
    }
    sys.stdout.writelines(f"{name}=={pins[name]}\n" for name in sorted(pins.keys() - NOT_PINNED))


if __name__ == "__main__":
    main()
