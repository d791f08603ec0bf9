"""What the verbs of `crl-data` share."""

from __future__ import annotations

import argparse
from typing import TypeAlias

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What a group adds its verbs to."""

STOPPED_BETWEEN = "stopped; what was committed is whole, the same command continues"
"""Default ``stopped`` of a verb that Ctrl-C ends between two episodes; it is what the command then says."""
