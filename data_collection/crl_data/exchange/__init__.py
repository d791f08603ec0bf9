"""Other projects' data sets in and out: what their columns mean is declared in a mapping, never guessed."""
