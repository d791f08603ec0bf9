"""Trials on a robot with an operator: scenes that every policy meets, a walk through them, and a log to go on from."""
