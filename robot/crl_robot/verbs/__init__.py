"""The verbs of `crl-robot`."""
