"""Measurements of store and recorder, run by `crl-bench`."""
