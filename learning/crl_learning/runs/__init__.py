"""Recorded runs: the folder that `run_recorder` writes and what reads it."""

from crl_learning.runs.reading import Run, open_run

__all__ = ["Run", "open_run"]
