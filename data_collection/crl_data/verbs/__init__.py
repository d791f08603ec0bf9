"""The verbs of `crl-data`, a module for each group; each has `add(verbs)` and imports what it needs when it runs."""
