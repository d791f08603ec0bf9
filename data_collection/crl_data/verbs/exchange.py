"""`crl-data import` and `export`: other projects' data sets in and out."""

from __future__ import annotations

from crl_data.verbs.common import Verbs


def add(verbs: Verbs) -> None:
    """Add the verbs that exchange data with other formats."""
