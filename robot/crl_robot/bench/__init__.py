"""Measurements and fault campaigns of the arm side, behind `crl-bench faults` and `crl-bench bus`."""
