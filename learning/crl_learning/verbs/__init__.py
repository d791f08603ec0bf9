"""Verbs of crl-run."""
