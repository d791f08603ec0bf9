"""Evaluation of checkpoints on OGBench's environments."""
