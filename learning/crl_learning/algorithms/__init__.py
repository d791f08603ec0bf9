"""One file per algorithm, and the losses that they share."""
