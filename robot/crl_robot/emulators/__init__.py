"""Devices that are not there: they speak the wire protocol of a real one, and fail in its ways when told to."""
